"""Break-glass: a stranger's chart is closed, opens with a reason for hours, and somebody else reviews it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from clinic_web.audit import sealing
from clinic_web.audit.models import AccessLog, Change
from clinic_web.config import Settings
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError, StaleScreen
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import chart, emergencies
from clinic_web.patients.api import PatientCard
from clinic_web.patients.emergencies import Reason
from clinic_web.patients.models import Allergy, Emergency
from clinic_web.reception.service import walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests.cast import Cast, assemble, hire
from tests.patients.conftest import HTMX, Register
from tests.patients.test_merging import merge

WHY = {"kind": "UNABLE", "reason": "Brought in unconscious, no papers"}


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    yield clock.shift
    clock.shift(timedelta(0))


@pytest.fixture
def stranger(register: Register, amina: Actor) -> PatientCard:
    """Of whom nobody but the desk has heard; with something to be found in the chart."""
    card = register("Maryam Tahhan", phone="0100 555 0142")
    known = {"organization_id": amina.organization_id, "patient_id": card.id}
    db.session.add(Allergy(allergen_type="MEDICATION", allergen_name="Penicillin", **known))
    db.session.flush()
    return card


@pytest.fixture
def salma(as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    return as_person("salma")


@pytest.fixture
def nadia(cast: Cast, as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    hire(cast, "nadia", "auditor", cast.organization_id, cast.facility_id)
    return as_person("nadia")


def open_it(client: FlaskClient, card: PatientCard, **typed: str) -> Any:
    form = WHY | {"idempotency_key": str(uuid4())} | typed
    return client.post(f"/patients/{card.id}/emergency", data=form)


def opened() -> Emergency:
    return db.session.scalars(select(Emergency).execution_options(populate_existing=True)).one()


def noted(patient_id: UUID) -> list[tuple[str, str]]:
    rows = db.session.execute(
        select(AccessLog.action, AccessLog.result)
        .where(AccessLog.resource_id == patient_id)
        .order_by(AccessLog.accessed_at, AccessLog.id)
    )
    return [(action, result) for action, result in rows]


def test_a_strangers_chart_leads_to_the_door_and_shows_no_more_than_who_it_is(
    salma: FlaskClient, stranger: PatientCard
) -> None:
    answer = salma.get(f"/patients/{stranger.id}")
    assert answer.status_code == 303 and answer.location == f"/patients/{stranger.id}/emergency"
    page = salma.get(answer.location).text
    assert "Maryam Tahhan" in page and stranger.patient_number in page and "Open in an emergency" in page
    assert "Penicillin" not in page and "0100" not in page
    for part in (
        f"/patients/{stranger.id}",
        f"/patients/{stranger.id}/visits",
        f"/visits?patient={stranger.id}&when=any",
        f"/appointments/list?patient={stranger.id}&when=any",
        f"/desk/hand/patient/{stranger.id}",
    ):
        answer = salma.get(part, headers=HTMX)
        assert answer.status_code == 403 and "the chart is closed" in answer.text, part
        assert f"/patients/{stranger.id}/emergency" in answer.text and "Tahhan" not in answer.text
    results = noted(stranger.id)
    assert results.count(("view", "REFUSED")) == 6 and ("patient.door", "ALLOWED") in results
    assert stranger.patient_number in salma.get("/patients/find?q=maryam", headers=HTMX).text


def test_a_reason_opens_it_for_four_hours_and_all_that_is_seen_is_flagged(
    salma: FlaskClient,
    stranger: PatientCard,
    later: Callable[[timedelta], None],
    nadia: FlaskClient,
    cast: Cast,
) -> None:
    form = WHY | {"idempotency_key": "once"}
    for _ in range(2):
        answer = salma.post(f"/patients/{stranger.id}/emergency", data=form)
        assert answer.status_code == 303 and answer.location == f"/patients/{stranger.id}"
    page = salma.get(f"/patients/{stranger.id}")
    assert (
        page.status_code == 200 and "Penicillin" in page.text and "Open to you in an emergency" in page.text
    )
    assert "Close the chart" in page.text
    assert salma.get(f"/patients/{stranger.id}/visits", headers=HTMX).status_code == 200
    assert salma.get(f"/patients/{stranger.id}/emergency").location == f"/patients/{stranger.id}"
    assert noted(stranger.id)[-3:] == [
        ("patient.break_glass", "EMERGENCY"),
        ("view", "EMERGENCY"),
        ("patient.visits", "EMERGENCY"),
    ]
    row = opened()
    assert row.closes_at - row.opened_at == timedelta(hours=4) and row.user_id == cast.people["salma"].user_id
    told = db.session.scalars(
        select(DomainEvent.event_data).where(DomainEvent.event_type == "patient.emergency_opened")
    ).one()
    assert told["emergency_id"] == str(row.id) and "unconscious" not in str(told)
    for seal in (False, True):
        if seal:
            sealing.seal(cast.organization_id)
        flagged = nadia.get("/audit?state=emergency&when=any", headers=HTMX).text
        assert flagged.count('id="seen-') == 3 and "In an emergency" in flagged
    later(timedelta(hours=4, seconds=1))
    assert salma.get(f"/patients/{stranger.id}", headers=HTMX).status_code in (401, 403)


def test_whoever_opened_it_closes_it_again_and_nobody_else_got_in(
    salma: FlaskClient, stranger: PatientCard, as_person: Callable[[str], FlaskClient]
) -> None:
    open_it(salma, stranger)
    assert as_person("karim").get(f"/patients/{stranger.id}").status_code == 303
    as_person("karim").post(f"/patients/{stranger.id}/emergency/end")
    assert salma.get(f"/patients/{stranger.id}").status_code == 200
    for _ in range(2):
        assert salma.post(f"/patients/{stranger.id}/emergency/end").status_code == 303
    assert salma.get(f"/patients/{stranger.id}").status_code == 303 and opened().ended_at
    assert noted(stranger.id).count(("patient.emergency_end", "EMERGENCY")) == 1


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    salma: FlaskClient, stranger: PatientCard
) -> None:
    assert open_it(salma, stranger, reason="  too       short ").status_code == 422
    answer = open_it(salma, stranger, reason="short <b>", kind="LIFE")
    assert answer.status_code == 422 and "10 characters at least" in answer.text
    assert "short &lt;b&gt;" in answer.text and 'value="LIFE" checked' in answer.text
    assert open_it(salma, stranger, kind="BOREDOM").status_code == 422
    assert open_it(salma, stranger, idempotency_key="").status_code == 400


def test_it_takes_a_fresh_proof_and_the_right(
    salma: FlaskClient,
    stranger: PatientCard,
    cast: Cast,
    as_person: Callable[[str], FlaskClient],
    later: Callable[[timedelta], None],
) -> None:
    assert open_it(as_person("farida"), stranger).status_code == 403
    assert open_it(as_person("omar"), stranger).status_code == 403
    hire(cast, "yara", "doctor", cast.other_organization_id, None)
    elsewhere = as_person("yara")
    assert elsewhere.get(f"/patients/{stranger.id}").status_code == 404
    assert elsewhere.get(f"/patients/{stranger.id}/emergency").status_code == 404
    assert open_it(elsewhere, stranger).status_code == 404
    assert elsewhere.post(f"/patients/{stranger.id}/emergency/end").status_code == 404
    later(timedelta(minutes=31))
    answer = open_it(salma, stranger)
    assert answer.status_code == 403 and "Is it still you?" in answer.text
    assert not db.session.scalars(select(Emergency)).all()


def test_who_treats_a_patient_needs_no_reason(
    stranger: PatientCard,
    register: Register,
    cast: Cast,
    amina: Actor,
    as_person: Callable[[str], FlaskClient],
    later: Callable[[timedelta], None],
    count_queries: Callable[[], Any],
) -> None:
    salma, nurse = cast.people["salma"].actor, "samir"
    hire(cast, nurse, "nurse", cast.organization_id, cast.facility_id)
    hire(cast, "huda", "administrator", cast.organization_id, cast.facility_id)
    for name in ("amina", "farida", "mona"):
        assert chart.enter(cast.people[name].actor, stranger.id) is None
    for name in ("salma", nurse, "huda"):
        assert as_person(name).get(f"/patients/{stranger.id}").status_code == 303, name
    assert as_person("huda").get(f"/desk/hand/patient/{stranger.id}").status_code == 200
    walking_in.open_walk_in(amina, WalkIn(patient_id=stranger.id, service_id=cast.cleaning), key="1")
    with count_queries() as queries:
        assert chart.enter(salma, stranger.id) is None
    assert len(queries) <= 5, queries
    assert chart.enter(cast.people[nurse].actor, stranger.id) is None
    assert as_person("huda").get(f"/patients/{stranger.id}").status_code == 303
    other = register("Mariam Tahan")
    with pytest.raises(DomainError, match="chart is closed"):
        chart.enter(salma, other.id)
    db.session.execute(text("UPDATE reception.visits SET status = 'COMPLETED'"))
    merge(amina, other, stranger)  # what was written under one of their ids counts for the other
    assert chart.enter(salma, other.id) is None
    later(timedelta(days=367))
    with pytest.raises(DomainError, match="chart is closed"):
        chart.enter(salma, stranger.id)


def test_a_reviewer_finds_it_says_whether_it_was_right_and_the_list_follows(
    salma: FlaskClient, stranger: PatientCard, nadia: FlaskClient, pushed: list[str], cast: Cast
) -> None:
    open_it(salma, stranger)
    topic = f"emergencies:{cast.organization_id}"
    assert topic in pushed
    row = opened()
    listed = nadia.get("/audit/emergencies", headers=HTMX).text
    assert "Maryam Tahhan" in listed and "Salma Tester" in listed and "open now" in listed and topic in listed
    here, address = "/audit/emergencies", f"/audit/emergencies/{row.id}"
    assert address in nadia.get(f"{here}?state=to-review&q=maryam", headers=HTMX).text
    assert address not in nadia.get(f"{here}?state=justified", headers=HTMX).text
    page = nadia.get(address).text
    assert "Brought in unconscious" in page and "state=emergency" in page
    wrong = nadia.post(f"{address}/review", data={"verdict": "NOT_JUSTIFIED", "version": "1"})
    assert wrong.status_code == 422 and "what is to follow" in wrong.text
    assert nadia.post(f"{address}/review", data={"version": "1"}).status_code == 422
    form = {"verdict": "FOLLOW_UP", "note": "Ask the ward", "version": "1"}
    assert nadia.post(f"{address}/review", data=form, headers=HTMX).status_code == 200
    assert nadia.post(f"{address}/review", data=form).status_code == 409
    form = {"verdict": "JUSTIFIED", "note": "", "version": "2"}
    assert nadia.post(f"{address}/review", data=form).status_code == 303
    assert nadia.post(f"{address}/review", data=form | {"version": "3"}).status_code == 409
    said = db.session.execute(
        select(Change.old_values, Change.new_values).where(Change.resource_id == row.id).order_by(Change.id)
    ).all()
    assert [each.new_values["verdict"] for each in said] == ["FOLLOW_UP", "JUSTIFIED"]
    assert said[1].old_values == {"verdict": "FOLLOW_UP", "note": "Ask the ward"}
    assert address in nadia.get(f"{here}?state=justified", headers=HTMX).text
    file = nadia.get("/audit/emergencies.csv").text
    assert "Maryam Tahhan" in file and "Justified" in file and "Brought in unconscious" in file
    assert "Maryam Tahhan" in nadia.get(f"/audit/changes?patient={stranger.id}&when=any", headers=HTMX).text


def test_only_reviewers_review_never_their_own_and_never_elsewhere(
    stranger: PatientCard, salma: FlaskClient, cast: Cast, as_person: Callable[[str], FlaskClient]
) -> None:
    open_it(salma, stranger)
    address = f"/audit/emergencies/{opened().id}"
    form = {"verdict": "JUSTIFIED", "version": "1"}
    for name in ("salma", "amina", "farida"):
        assert as_person(name).get("/audit/emergencies").status_code == 403
        assert as_person(name).post(f"{address}/review", data=form).status_code == 403
    hire(cast, "rami", "manager", cast.other_organization_id, None)
    assert as_person("rami").get(address).status_code == 404
    assert as_person("rami").post(f"{address}/review", data=form).status_code == 404
    hire(cast, "huda", "administrator", cast.organization_id, cast.facility_id)
    other = as_person("huda")
    other.post(f"{address}/review", data=form)
    assert opened().verdict == "JUSTIFIED"
    db.session.execute(text("UPDATE reception.visits SET status = 'COMPLETED'"))
    key = str(uuid4())
    mine = emergencies.open_chart(cast.people["huda"].actor, stranger.id, Reason(**_reason()), key=key)
    answer = other.post(f"/audit/emergencies/{mine}/review", data=form)
    assert answer.status_code == 422 and "Another reviewer can" in answer.text
    assert "Somebody else reviews it" in other.get(f"/audit/emergencies/{mine}").text


def _reason() -> dict[str, str]:
    return {"kind": WHY["kind"], "text": WHY["reason"]}


@pytest.fixture
def real_cast(committing: Flask) -> Cast:
    with committing.app_context():
        return assemble()


def test_two_reviewers_at_one_instant_are_one_verdict_and_the_row_stays_as_written(
    committing: Flask, real_cast: Cast, settings: Settings
) -> None:
    with committing.app_context(), tenant.of(real_cast.organization_id):
        for name in ("nadia", "ines"):
            hire(real_cast, name, "auditor", real_cast.organization_id, real_cast.facility_id)
        card = _register(real_cast)
        salma = real_cast.people["salma"].actor
        row_id = emergencies.open_chart(salma, card.id, Reason(**_reason()), key="1")

    def says(name: str) -> bool:
        with committing.app_context(), tenant.of(real_cast.organization_id):
            try:
                emergencies.review(real_cast.people[name].actor, row_id, "JUSTIFIED", name, version=1)
            except StaleScreen:
                return False
            return True

    house = str(real_cast.organization_id)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(says, ("nadia", "ines"))) == [False, True]
    for url, sql in (
        (settings.database_url, "DELETE FROM patients.emergencies"),
        (settings.database_url, "UPDATE patients.emergencies SET reason = 'Something nicer'"),
        (settings.database_url, "UPDATE patients.emergencies SET verdict = 'FOLLOW_UP'"),
        (settings.database_url, "TRUNCATE patients.emergencies"),
        (settings.database_owner_url, "DELETE FROM patients.emergencies"),
        (
            settings.database_owner_url,
            "UPDATE patients.emergencies SET closes_at = now() + interval '1 year'",
        ),
    ):
        engine = create_engine(url)
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.tenant', :id, true)"), {"id": house})
            connection.execute(text(sql))
        engine.dispose()


def _register(cast: Cast) -> PatientCard:
    from clinic_web.patients import api as patients

    wanted = patients.Registration(name="Maryam Tahhan", gender="FEMALE")
    with transaction():
        return patients.register(cast.people["amina"].actor, wanted, key=str(uuid4()))
