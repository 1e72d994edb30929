"""Patients reach nothing of the staff's, colleagues nothing of the portal; on every route that there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.routing import Rule

from clinic_web.identity import api as identity
from clinic_web.identity.permissions import OF_PATIENTS, PERMISSIONS
from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.organization import api as organization
from clinic_web.portal.service import inviting
from clinic_web.ui import sockets
from clinic_web.ui.sockets import Joiner
from tests import factories
from tests.cast import PASSWORD as COLLEAGUES
from tests.cast import Cast
from tests.portal.conftest import PASSWORD, Phone, invite

# What programs ask by token knows no session: whoever comes with one there is nobody (401).
REFUSED = {401, 403, 404}


def guarded(app: Flask, *, of_portal: bool) -> Iterator[tuple[str, str, str]]:
    """Every route that needs a right, with a method and a path of made-up ids."""
    for rule in app.url_map.iter_rules():
        needed = getattr(app.view_functions[rule.endpoint], "permission", None)
        if needed is not None and (needed in OF_PATIENTS) is of_portal:
            for method in (rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
                yield method, path_of(rule), rule.endpoint


def path_of(rule: Rule) -> str:
    values = {name: made_up(rule, name) for name in rule.arguments}
    adapter = rule.map.bind("localhost")  # type: ignore[union-attr]
    return adapter.build(rule.endpoint, values, method=next(iter(rule.methods or ())))


def made_up(rule: Rule, name: str) -> object:
    kind = type(rule._converters[name]).__name__
    if kind == "UUIDConverter":
        return uuid4()
    if kind == "AnyConverter":
        return next(iter(rule._converters[name].items))  # type: ignore[attr-defined]
    return 1 if kind == "IntegerConverter" else "x"


@pytest.fixture
def patient_in(cast: Cast, amina: Actor, phone: Callable[[], Phone]) -> Phone:
    mine = phone()
    mine.join(invite(amina, factories.patient(organization_id=cast.organization_id)))
    return mine


def test_a_patients_session_reaches_no_route_of_the_staff(app: Flask, patient_in: Phone) -> None:
    client, tried, open_to_them = patient_in.client, 0, []
    for method, path, endpoint in guarded(app, of_portal=False):
        answer = client.open(path, method=method, data={"idempotency_key": str(uuid4())})
        tried += 1
        if answer.status_code not in REFUSED:
            open_to_them.append((method, endpoint, answer.status_code))
    assert not open_to_them and tried > 200
    assert patient_in.is_in()
    refused = client.get("/desk").text
    assert "portal-top" in refused and '="/account"' not in refused  # nothing of the staff's band around it


def test_a_colleagues_session_is_none_of_the_portal(
    app: Flask, cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    identity.create_user(
        cast.system,
        username="huda",
        password=COLLEAGUES,
        first_name="Huda",
        last_name="Sabry",
        roles=["administrator"],
        facility_id=cast.facility_id,
    )
    boss = app.test_client()
    assert boss.post("/login", data={"username": "huda", "password": COLLEAGUES}).status_code == 303
    for client in (boss, as_person("amina")):
        answers = {
            endpoint: client.open(path, method=method).status_code
            for method, path, endpoint in guarded(app, of_portal=True)
        }
        assert answers and set(answers.values()) <= REFUSED
    nobody = app.test_client()
    for method, path, _ in guarded(app, of_portal=True):
        assert nobody.open(path, method=method).headers["Location"].startswith("/portal/login")


def test_whatever_roles_say_a_patient_has_only_what_is_patients(cast: Cast, patient_in: Phone) -> None:
    user_id = _patients_user()
    mine = identity.actor_of_token(identity.open_session(user_id))
    assert mine is not None and mine.actor.permissions == OF_PATIENTS
    db.session.execute(
        text(
            "INSERT INTO identity.user_roles (user_id, role_id)"
            " SELECT :user, id FROM identity.roles WHERE name = 'administrator' AND organization_id IS NULL"
        ),
        {"user": user_id},
    )
    db.session.execute(
        text(
            "INSERT INTO identity.user_roles (user_id, role_id)"
            " SELECT :user, id FROM identity.roles WHERE name = 'patient' AND organization_id IS NULL"
        ),
        {"user": cast.people["amina"].user_id},
    )
    mine = identity.actor_of_token(identity.open_session(user_id))
    assert mine is not None and mine.actor.permissions == OF_PATIENTS
    hers = identity.actor_of_token(identity.open_session(cast.people["amina"].user_id))
    assert hers is not None and not hers.actor.permissions & OF_PATIENTS
    assert not any(
        sockets.may_join(Joiner(mine.actor, None, mine.session_id), topic)
        for topic in (
            organization.topic(cast.organization_id),
            f"queue:{cast.dental_queue}",
            f"patients:{cast.organization_id}",
            f"payments:{cast.dental}",
            "operations",
        )
    )
    assert set(PERMISSIONS) >= OF_PATIENTS


def _patients_user() -> UUID:
    return db.session.scalars(text("SELECT id FROM identity.users WHERE kind = 'PATIENT'")).one()


def test_patients_are_not_among_the_users_that_administrators_manage(
    app: Flask, cast: Cast, patient_in: Phone
) -> None:
    user_id = _patients_user()
    identity.create_user(
        cast.system,
        username="huda",
        password=COLLEAGUES,
        first_name="Huda",
        last_name="Sabry",
        roles=["administrator"],
        facility_id=cast.facility_id,
    )
    boss = app.test_client()
    boss.post("/login", data={"username": "huda", "password": COLLEAGUES})
    assert "maryam@" not in boss.get("/admin/users").text and "Maryam" not in boss.get("/admin/users").text
    assert boss.get(f"/admin/users/{user_id}").status_code == 404
    assert "Maryam" not in boss.get("/admin/sign-ins").text


def test_another_tenants_patient_is_not_there(cast: Cast, patient_in: Phone, amina: Actor) -> None:
    for organization_id in (cast.organization_id, cast.other_organization_id):
        other = factories.patient(organization_id=organization_id)
        for path in (f"/portal/patients/{other}", f"/portal/patients/{other}/now"):
            assert patient_in.client.get(path).status_code == 404
    account = db.session.scalars(text("SELECT id FROM portal.accounts")).one()
    with tenant.of(cast.other_organization_id), pytest.raises(NotFound):
        inviting.end(cast.people["omar"].actor, account)
    assert patient_in.is_in()


def test_a_patients_guessed_password_delays_no_colleague(
    app: Flask, cast: Cast, amina: Actor, phone: Callable[[], Phone]
) -> None:
    phone().join(invite(amina, factories.patient(organization_id=cast.organization_id)), "0100555014")
    for _ in range(7):
        answer = phone().sign_in("0100555014", "guessed-guessed")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    assert phone().sign_in("0100555014", PASSWORD).status_code == 429
    amina_in = app.test_client().post("/login", data={"username": "amina", "password": COLLEAGUES})
    assert amina_in.status_code == 303
