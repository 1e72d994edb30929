"""Three places to try every address with, people of every role, and how one request leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from attack import places
from attack.doors import COLLEAGUE, OTHER_FACILITY, OTHER_TENANT, OWN, Holder
from attack.places import Place, Someone
from clinic_web.identity import api as identity
from clinic_web.kernel import jobs, push
from clinic_web.kernel.db import db

HTMX = {"HX-Request": "true"}
NOBODY, NO_RIGHTS, PROGRAM, NARROW = "nobody", "no rights", "program", "program without rights"
IN_THE_HOUSE = (*places.ROLES, NO_RIGHTS)
EVERYBODY = (*IN_THE_HOUSE, NOBODY, PROGRAM, NARROW)


@dataclass
class House:
    """``ours`` is who acts' own facility, ``beside`` another of the tenant, ``theirs`` another tenant's."""

    app: Flask
    ours: Place
    beside: Place
    theirs: Place
    own: dict[str, Holder] = field(default_factory=dict)
    others: dict[str, Holder] = field(default_factory=dict)
    brings: dict[str, dict[str, str]] = field(default_factory=dict)

    def holder(self, who: str, of_whom: str) -> Holder:
        return self.own.get(who, self.others[COLLEAGUE]) if of_whom == OWN else self.others[of_whom]

    def permissions(self, who: str) -> frozenset[str] | None:
        """Return what somebody of the house may do; None for nobody."""
        if who in {PROGRAM, NARROW}:
            reading = {name for name in identity.PERMISSIONS if identity.may_be_named(name)}
            return frozenset(reading - {"operations.view"}) if who == PROGRAM else frozenset()
        return self.ours.people[who].actor.permissions if who in self.ours.people else None

    def asks(self, who: str, method: str, url: str, **options: object) -> TestResponse:
        """Send a request and take back whatever it did."""
        with self.nothing_stays():
            client = self.app.test_client(use_cookies=False)
            answer = client.open(url, method=method, headers=HTMX | self.brings[who], **options)
            answer.close()
            return answer

    @contextmanager
    def nothing_stays(self) -> Iterator[None]:
        nested = db._app_engines[self.app][None].begin_nested()
        try:
            yield
        finally:
            db.session.remove()
            nested.rollback()


@pytest.fixture
def house(app: Flask, monkeypatch: pytest.MonkeyPatch) -> House:
    """Everybody and everything, in the transaction that is thrown away; nobody is told of anything."""
    monkeypatch.setattr(push, "_emit", lambda event, payload, room: None)
    monkeypatch.setattr(jobs, "enqueue", lambda name, *ids, job_id: True)
    identity.ensure_permissions()
    tenant = places.new_tenant("Ours")
    ours = places.open_place(tenant, "Ourplace", places.ROLES)
    ours.people[NO_RIGHTS] = places.hire(ours, "", "norights", [])
    built = House(
        app,
        ours,
        places.open_place(tenant, "Besideplace"),
        places.open_place(places.new_tenant("Theirs"), "Theirplace"),
    )
    for place in (built.ours, built.beside, built.theirs):
        place.make_all()
    for who in IN_THE_HOUSE:
        built.own[who] = Holder(ours, places.things_of(ours, ours.people[who]))
    colleague = places.hire(ours, "receptionist", "colleague", ["receptionist"])
    for of_whom, place, person in (
        (COLLEAGUE, ours, colleague),
        (OTHER_FACILITY, built.beside, built.beside.people["receptionist"]),
        (OTHER_TENANT, built.theirs, built.theirs.people["receptionist"]),
    ):
        built.others[of_whom] = Holder(place, places.things_of(place, person))
    for who in EVERYBODY:
        built.brings[who] = _brought_by(built, who)
    db.session.remove()
    return built


def _brought_by(house: House, who: str) -> dict[str, str]:
    """Return the headers by which somebody is known."""
    if who in {PROGRAM, NARROW}:
        return {"Authorization": f"Bearer {_token(house, who)}"}
    someone: Someone | None = house.ours.people.get(who)
    if someone is None:
        return {}
    signer = house.app.session_interface.get_signing_serializer(house.app)  # type: ignore[attr-defined]
    cookie = signer.dumps({"_user_id": identity.open_session(someone.user_id), "_fresh": True})
    return {"Cookie": f"{house.app.config['SESSION_COOKIE_NAME']}={cookie}"}


def _token(house: House, who: str) -> str:
    if who == PROGRAM:
        return house.ours.secrets["token"]
    return places.issue_token(house.ours, [])
