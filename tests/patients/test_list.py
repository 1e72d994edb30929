"""The list of patients: its order, its filters, its pages, its cost, and what a change does to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from clinic_web.kernel import kept, keyset, push
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api, live
from clinic_web.ui.sockets import Joiner
from tests import factories
from tests.cast import Cast

ROW = re.compile(r'id="patient-([0-9a-f-]{36})"')
HTMX = {"HX-Request": "true"}


@pytest.fixture
def amina(as_person: Callable[[str], FlaskClient], cast: Cast) -> FlaskClient:
    return as_person("amina")


@pytest.fixture
def known(cast: Cast) -> dict[str, UUID]:
    """Four patients of North Garden, and one of the other tenant's."""
    here = {"organization_id": cast.organization_id}
    made = {
        "zahra": factories.patient(first_name="Zahra", last_name="Abbas", date_of_birth=None, **here),
        "adam": factories.patient(first_name="Adam", last_name="Fahmy", gender="MALE",
                                  date_of_birth=date(2019, 5, 1), language_preference="ar", **here),
        "nadia": factories.patient(first_name="Nadia", last_name="Sabry",
                                   phone_digits="201005550142", **here),
        "ehab": factories.patient(first_name="إيهاب", last_name="صبري", gender="MALE", **here),
    }  # fmt: skip
    made["child"] = factories.patient(first_name="Omar", last_name="Sabry", guardian_id=made["nadia"], **here)
    factories.patient(first_name="Nadia", last_name="Foreign", organization_id=cast.other_organization_id)
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    return made


def shown(browser: FlaskClient, address: str) -> list[UUID]:
    answer = browser.get(address, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return [UUID(each) for each in ROW.findall(answer.text)]


def test_patients_stand_in_the_order_that_is_asked_for(amina: FlaskClient, known: dict[str, UUID]) -> None:
    names = ["adam", "nadia", "child", "zahra", "ehab"]
    assert shown(amina, "/patients") == [known[name] for name in names]
    assert shown(amina, "/patients?sort=-name") == [known[name] for name in reversed(names)]
    assert shown(amina, "/patients?sort=-born")[0] == known["adam"]
    assert shown(amina, "/patients?sort=born")[0] == known["zahra"]  # nobody knows when
    assert set(shown(amina, "/patients?sort=number")) == set(known.values())


def test_patients_are_found_however_one_writes_them(amina: FlaskClient, known: dict[str, UUID]) -> None:
    assert shown(amina, "/patients?q=NÁDIA") == [known["nadia"]]
    assert shown(amina, "/patients?q=sabry n") == [known["nadia"]]
    assert shown(amina, "/patients?q=ايهاب") == [known["ehab"]]
    assert shown(amina, "/patients?q=٠١٠٠٥٥٥") == [known["nadia"], known["child"]]
    assert shown(amina, "/patients?q=0142") == [known["nadia"], known["child"]]
    assert shown(amina, "/patients?q=%25") == []
    assert set(shown(amina, "/patients?sex=male")) == {known["adam"], known["ehab"]}
    assert shown(amina, "/patients?language=ar") == [known["adam"]]


def test_pages_follow_while_others_register(
    amina: FlaskClient, known: dict[str, UUID], cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "PAGE", 2)
    actor, seen, address = cast.people["amina"].actor, [], "/patients"
    while address:
        page = amina.get(address, headers=HTMX).text
        seen += [UUID(each) for each in ROW.findall(page)]
        api.register(actor, _new("Aaron"), key=str(uuid4()))
        link = re.search(r'href="([^"]+)"[^>]*id="list-next"', page)
        address = link[1].replace("&amp;", "&") if link else ""
    assert seen == [known[name] for name in ("adam", "nadia", "child", "zahra", "ehab")]


def test_a_registration_is_seen_at_once_although_the_list_is_kept(
    amina: FlaskClient, known: dict[str, UUID], cast: Cast, pushed: list[str]
) -> None:
    before = shown(amina, "/patients")
    card = api.register(cast.people["amina"].actor, _new("Bahia"), key=str(uuid4()))
    assert set(shown(amina, "/patients")) == {*before, card.id}
    assert live.patients_topic(cast.organization_id) in pushed


def test_a_list_costs_six_statements_and_a_kept_one_two(
    amina: FlaskClient, known: dict[str, UUID], cast: Cast, count_queries: Callable[[], Any]
) -> None:
    for _ in range(60):
        factories.patient(organization_id=cast.organization_id)
    amina.get("/account")
    with count_queries() as first:
        assert len(shown(amina, "/patients?q=maryam")) == 50
    with count_queries() as again:
        assert len(shown(amina, "/patients?q=maryam")) == 50
    assert len(first) <= 6
    assert len(again) == 2


def test_a_list_goes_without_redis_and_after_a_flush(
    amina: FlaskClient, known: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(amina, "/patients")
    found: list[bool] = []
    find = kept.find
    monkeypatch.setattr(kept, "find", lambda key: (found.append(find(key) is not None), find(key))[1])
    kept.forget()  # as another process, which finds it in Redis
    assert shown(amina, "/patients") == before and found == [True]
    from clinic_web.kernel.broker import broker

    broker().redis.flushdb()
    kept.forget()
    assert shown(amina, "/patients") == before and found == [True, False]


def test_only_people_of_the_organization_hear_of_its_patients(cast: Cast) -> None:
    def may(name: str) -> bool:
        joiner = Joiner(actor=cast.people[name].actor, display_id=None)
        return live.may_join(joiner, live.patients_topic(cast.organization_id))

    assert may("amina") and not may("omar")
    assert not live.may_join(
        Joiner(actor=None, display_id=uuid4()), live.patients_topic(cast.organization_id)
    )


def _new(name: str) -> Any:
    db.session.expire_all()
    return api.Registration(name=f"{name} {uuid4().hex[:6]}", gender="MALE", date_of_birth=date(1980, 1, 1))
