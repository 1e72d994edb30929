"""/audit: who saw, who changed, from where, before and after; its filters, its pages, its file, its cost."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.audit import api, sealing
from clinic_web.audit.models import Verification
from clinic_web.identity import api as identity
from clinic_web.kernel import clock, keyset, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests import factories
from tests.cast import Cast, hire
from tests.payments.conftest import open_bill

HTMX = {"HX-Request": "true"}
ROW = re.compile(r'id="(?:seen|change)-([0-9a-f-]{36})"')


@pytest.fixture
def officer(cast: Cast, as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    """Nadia, whose only work is to look who looked."""
    identity.ensure_permissions()
    hire(cast, "nadia", "auditor", cast.organization_id, cast.facility_id)
    return as_person("nadia")


@pytest.fixture
def amina(cast: Cast) -> Actor:
    return _from(cast.people["amina"].actor, "10.4.4.4")


def _from(actor: Actor, address: str) -> Actor:
    told = {name: getattr(actor, name) for name in Actor.__dataclass_fields__}
    return Actor(**told | {"ip_address": address, "user_agent": "Firefox on the desk"})


@pytest.fixture
def maryam(cast: Cast) -> UUID:
    return factories.patient(first_name="Maryam", last_name="Tahhan", organization_id=cast.organization_id)


def saw(actor: Actor, action: str, patient: UUID | None = None, ids: tuple[UUID, ...] = ()) -> None:
    with tenant.of(actor.organization_id), transaction():
        api.saw(actor, action, "patient", patient, ids=ids)


def shown(browser: FlaskClient, address: str) -> str:
    answer = browser.get(address, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_an_officer_sees_who_saw_whom_from_where(officer: FlaskClient, amina: Actor, maryam: UUID) -> None:
    saw(amina, "view", maryam)
    page = officer.get("/audit").text
    for each in ("Amina Tester", "Saw a patient", "Maryam Tahhan", "10.4.4.4", "Firefox on the desk"):
        assert each in page
    assert "Who saw" in page and "/patients/" not in ROW.split(page)[-1]  # no link to what she may not open
    stored = db.session.scalars(text("SELECT row_to_json(a)::text FROM audit.access_logs a")).all()
    assert not any("Maryam" in each for each in stored)


def test_only_who_may_sees_the_audit_and_only_their_own(
    as_person: Callable[[str], FlaskClient], officer: FlaskClient, cast: Cast, amina: Actor
) -> None:
    omar = _from(cast.people["omar"].actor, "10.9.9.9")
    saw(omar, "view", uuid4())
    with tenant.of(omar.organization_id):
        foreign = db.session.scalar(
            text("SELECT id FROM audit.access_logs WHERE host(ip_address) = '10.9.9.9'")
        )
    for address in ("/audit", "/audit/changes", "/audit.csv", f"/audit/{foreign}"):
        assert as_person("amina").get(address).status_code == 403
    assert "10.9.9.9" not in shown(officer, "/audit")
    assert officer.get(f"/audit/{foreign}").status_code == 404
    assert officer.get(f"/audit/changes/{foreign}").status_code == 404
    assert officer.get("/audit?action=DROP").status_code == 422


@pytest.mark.parametrize("is_sealed", [False, True])
def test_the_audit_is_asked_by_patient_person_action_result_and_day(
    officer: FlaskClient, amina: Actor, maryam: UUID, cast: Cast, *, is_sealed: bool
) -> None:
    farida = _from(cast.people["farida"].actor, "10.5.5.5")
    other = factories.patient(first_name="Nadia", last_name="Sabry", organization_id=cast.organization_id)
    saw(amina, "view", maryam)
    saw(amina, "patient.break_glass", other)
    saw(farida, "patient.list", ids=(other, maryam))
    api.refused(farida, "view", "patient", other)
    payment = _paid(cast, farida, maryam)
    if is_sealed:
        sealing.seal_all()
    of = {
        f"patient={maryam}": 3,
        f"patient={maryam}&action=view": 1,
        "q=maryam tahhan": 3,
        "q=10.5.5.5": 3,
        f"person={amina.user_id}": 2,
        "action=patient.break_glass": 1,
        "state=refused": 1,
        f"person={farida.user_id}&state=allowed": 2,
        f"patient={uuid4()}": 0,
        "q=nobody": 0,
    }
    for question, number in of.items():
        assert len(ROW.findall(shown(officer, f"/audit?when=today&{question}"))) == number, question
    assert len(ROW.findall(shown(officer, f"/audit/changes?patient={maryam}"))) == 1
    assert "Maryam Tahhan" in shown(officer, f"/audit?patient={maryam}&action=payments.take")
    tomorrow = (clock.now() + timedelta(days=2)).date()
    assert not ROW.findall(shown(officer, f"/audit?patient={maryam}&from={tomorrow}"))
    assert payment


def _paid(cast: Cast, actor: Actor, patient: UUID) -> UUID:
    """A payment's row is the patient's, because payments say whose it is."""
    payment = open_bill(cast, patient_id=patient).payment_id
    with transaction():
        api.saw(actor, "payments.take", "payment", payment)
        old, new = {"status": "PENDING", "amount_paid": "0.00"}, {"status": "PAID", "amount_paid": "450.00"}
        api.changed(actor, "payments.take", "payment", payment, old=old, new=new)
    return payment


def test_a_change_shows_before_and_after_in_the_readers_language(officer: FlaskClient, amina: Actor) -> None:
    with transaction():
        api.changed(
            amina, "user.change", "user", uuid4(),
            old={"email": "a@old.example", "first_name": "Amina"},
            new={"email": "a@new.example", "first_name": "Amina"},
        )  # fmt: skip
    page = shown(officer, "/audit/changes?action=user.change")
    assert "Changed an account" in page and "a@old.example" in page and "a@new.example" in page
    assert "First name" not in page  # it did not change
    [row] = ROW.findall(page)
    whole = officer.get(f"/audit/changes/{row}").text
    assert "a@new.example" in whole and "10.4.4.4" in whole and "Not sealed yet" in whole
    sealing.seal_all()
    assert "of the chain, in seal" in officer.get(f"/audit/changes/{row}").text


def test_the_page_says_whether_it_can_be_believed(
    officer: FlaskClient, cast: Cast, count_queries: Callable[[], Any]
) -> None:
    assert "Not verified yet" in officer.get("/audit").text
    for problems, sentence in ((0, "every row is as it was written"), (3, "was tampered with")):
        db.session.add(
            Verification(
                organization_id=cast.organization_id, started_at=clock.now(), finished_at=clock.now(),
                rows=9, sequence=2, problems=problems,
            )
        )  # fmt: skip
        db.session.commit()
        with count_queries() as queries:
            assert sentence in officer.get("/audit").text
        assert len(queries) <= 6


def test_the_view_of_the_audit_is_audited(officer: FlaskClient, amina: Actor, maryam: UUID) -> None:
    saw(amina, "view", maryam)
    [row] = ROW.findall(shown(officer, "/audit?action=view"))
    officer.get(f"/audit/{row}")
    again = shown(officer, "/audit")
    assert "Saw the audit" in again and "Saw a row of the audit" in again and "Nadia Tester" in again


def test_pages_follow_while_others_look(
    officer: FlaskClient, amina: Actor, maryam: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "PAGE", 2)
    for _ in range(5):
        saw(amina, "view", maryam)
    seen, address = [], f"/audit?patient={maryam}"
    while address:
        page = shown(officer, address)
        seen += ROW.findall(page)
        saw(amina, "view", maryam)
        link = re.search(r'href="([^"]+)"[^>]*id="list-next"', page)
        address = link[1].replace("&amp;", "&") if link else ""
    assert len(seen) == len(set(seen)) == 5


def test_a_page_costs_six_statements(
    officer: FlaskClient, amina: Actor, maryam: UUID, count_queries: Callable[[], Any]
) -> None:
    for _ in range(60):
        saw(amina, "view", maryam)
    sealing.seal_all()
    shown(officer, f"/audit?patient={maryam}")  # once a minute one more asks up to when all is sealed
    for address in ("/audit", f"/audit?patient={maryam}&action=view", "/audit?q=maryam", "/audit/changes"):
        with count_queries() as queries:
            shown(officer, address)
        assert len(queries) <= 6, queries


def test_the_audit_as_a_file(officer: FlaskClient, amina: Actor, maryam: UUID, cast: Cast) -> None:
    saw(_from(amina, "10.6.6.6"), "view", maryam)
    _paid(cast, amina, maryam)
    file = officer.get("/audit.csv?when=today")
    assert file.status_code == 200 and "Maryam Tahhan" in file.text and "10.6.6.6" in file.text
    changed = officer.get("/audit/changes.csv")
    assert "Paid: 0.00 → 450.00" in changed.text and "State: To pay → Paid" in changed.text
    assert "Exported the audit" in shown(officer, "/audit")


def test_a_patients_page_leads_to_who_has_seen_it(
    as_person: Callable[[str], FlaskClient], cast: Cast, maryam: UUID
) -> None:
    hire(cast, "laila", "administrator", cast.organization_id, cast.facility_id)
    identity.grant_role(cast.system, cast.people["laila"].user_id, "receptionist")
    link = f"/audit?patient={maryam}"
    assert link in as_person("laila").get(f"/patients/{maryam}").text
    assert link not in as_person("amina").get(f"/patients/{maryam}").text


def test_arabic(officer: FlaskClient, amina: Actor, maryam: UUID) -> None:
    saw(amina, "view", maryam)
    officer.post("/account/settings", data={"locale": "ar", "next": "/audit"})
    page = officer.get("/audit")
    assert page.status_code == 200 and 'dir="rtl"' in page.text
