"""What a patient sees: appointments ahead, their place in today's line, visits so far. Only their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import RuleBroken
from clinic_web.patients import api as patients
from clinic_web.patients import merging
from clinic_web.portal.models import GUARDIAN
from clinic_web.portal.service import inviting
from clinic_web.reception.service import checking_in
from tests import factories
from tests.portal.conftest import Phone, invite
from tests.reception.desk import Desk

Phones = Callable[[], Phone]


def merge(desk: Desk, one: UUID, other: UUID) -> UUID:
    versions = [patients.card(desk.amina, each).version for each in (one, other)]
    wanted = merging.Merge(
        survivor_id=one,
        merged_id=other,
        from_merged=(),
        reason="Same identity card",
        survivor_version=versions[0],
        merged_version=versions[1],
    )
    return merging.merge(desk.amina, wanted, key=str(uuid4())).link_id


def test_a_patient_sees_what_is_ahead_and_where_they_stand(desk: Desk, phone: Phones) -> None:
    patient, mine = desk.patient(), phone()
    mine.join(invite(desk.amina, patient))
    empty = mine.client.get("/portal").text
    assert "No appointment ahead" in empty and "No visit yet" in empty
    desk.walk_in(doctor_id=desk.cast.salma)
    desk.walk_in(doctor_id=desk.cast.karim)
    desk.walk_in()
    tomorrow = desk.book(patient_id=patient, at=desk.tomorrow(9, 40))
    visit = desk.visit(desk.book(patient_id=patient).visit_id)
    shown = mine.client.get("/portal").text
    assert "09:40" in shown and "10:30" in shown and "Dr Salma" in shown and "Dental" in shown
    assert tomorrow.booking_id in shown and "before you" not in shown
    checking_in.check_in(desk.amina, visit.id, version=visit.version)
    shown = mine.client.get(f"/portal/patients/{patient}/now", headers={"HX-Request": "true"}).text
    assert f">{desk.visit(visit.id).ticket}<" in shown and "<b>2</b> before you" in shown
    assert "every 30s" in shown and "X-Background" in shown
    for _ in range(3):
        called = desk.next()
        assert called is not None
        if called.visit_id == visit.id:
            break
        _finish(desk, called.visit_id)
    shown = mine.client.get("/portal").text
    assert "It is your turn" in shown and "Room" in shown
    _finish(desk, visit.id)
    assert "Please go to the cashier" in mine.client.get("/portal").text


def _finish(desk: Desk, visit_id: UUID) -> None:
    from clinic_web.reception.service import calling, finishing

    calling.open_visit(desk.salma, visit_id, version=desk.visit(visit_id).version)
    finishing.finish(desk.salma, visit_id, version=desk.visit(visit_id).version)


def test_each_look_is_noted_as_the_patients_own(desk: Desk, phone: Phones) -> None:
    patient, mine = desk.patient(), phone()
    mine.join(invite(desk.amina, patient))
    mine.client.get("/portal")
    mine.client.get(f"/portal/patients/{patient}/now")
    user_id = db.session.scalars(text("SELECT id FROM identity.users WHERE kind = 'PATIENT'")).one()
    looks = db.session.query(AccessLog).filter_by(action="portal.view", resource_id=patient)
    assert [each.user_id for each in looks] == [user_id] * 2  # type: ignore[attr-defined]
    changes = db.session.scalars(text("SELECT action FROM audit.changes WHERE action LIKE 'portal.%'")).all()
    assert sorted(changes) == ["portal.invite", "portal.join"]


def test_a_page_costs_few_statements_however_much_there_is(
    desk: Desk, phone: Phones, count_queries: Callable[[], object]
) -> None:
    patient, mine = desk.patient(), phone()
    mine.join(invite(desk.amina, patient))
    costs = []
    for number in range(2):
        with count_queries() as queries:  # type: ignore[attr-defined]
            assert mine.client.get("/portal").status_code == 200
        costs.append(len(queries))
        for hour in range(5):
            desk.book(patient_id=patient, at=desk.on(2 + number, 9 + hour))
    assert costs[1] <= costs[0] <= 12, costs


def test_records_that_were_merged_are_one_persons(desk: Desk, phone: Phones) -> None:
    one, other, mine = desk.patient(), desk.patient(), phone()
    mine.join(invite(desk.amina, other))
    visit = desk.book(patient_id=one, at=desk.tomorrow(11))
    assert visit.booking_id not in mine.client.get("/portal").text
    link = merge(desk, one, other)
    shown = mine.client.get("/portal").text
    assert visit.booking_id in shown
    assert mine.client.get(f"/portal/patients/{one}").status_code == 200
    with pytest.raises(RuleBroken, match="has an account"):
        invite(desk.amina, one)
    merging.unmerge(desk.amina, link, reason="two after all")
    assert visit.booking_id not in mine.client.get("/portal").text
    assert mine.client.get(f"/portal/patients/{one}").status_code == 404
    theirs = phone()
    theirs.join(invite(desk.amina, one), "other@example.org")
    with pytest.raises(RuleBroken, match="Both have an account"):
        merge(desk, one, other)
    account = text("SELECT id FROM portal.accounts WHERE patient_id = :id AND ended_at IS NULL")
    inviting.end(desk.amina, db.session.scalars(account, {"id": one}).one())
    merge(desk, one, other)
    assert visit.booking_id in mine.client.get("/portal").text and not theirs.is_in()


def test_a_time_is_told_on_the_wall_of_the_place_one_goes_to(desk: Desk, phone: Phones) -> None:
    """The account was opened in Cairo; the appointment is in another house, two hours away."""
    from clinic_web.kernel import push
    from clinic_web.kernel.unit_of_work import transaction
    from clinic_web.organization import api as organization

    cast = desk.cast
    patient, mine = desk.patient(), phone()
    mine.join(invite(desk.amina, patient))
    booked = desk.book(patient_id=patient, at=desk.tomorrow(9, 40))
    there = factories.facility(organization_id=cast.organization_id, name="Far House", timezone="Asia/Dubai")
    with transaction():
        push.changed(organization.topic(cast.organization_id))
        db.session.execute(
            text("UPDATE reception.appointments SET facility_id = :there WHERE booking_id = :booking"),
            {"there": there, "booking": booked.booking_id},
        )
    starts = datetime.combine(desk.tomorrow(9, 40).date(), desk.tomorrow(9, 40).time())
    wall = clock.local(desk.tomorrow(9, 40), "Asia/Dubai")
    assert wall.replace(tzinfo=None) > starts
    shown = mine.client.get("/portal").text
    assert f"{wall:%H:%M}" in shown and "Far House" in shown and "09:40" not in shown


def test_arabic_reads_from_the_right_with_its_own_digits(desk: Desk, phone: Phones) -> None:
    patient, mine = desk.patient(), phone()
    mine.join(invite(desk.amina, patient))
    desk.book(patient_id=patient, at=desk.tomorrow(9, 40))
    assert mine.client.post("/portal/account/settings", data={"locale": "ar"}).status_code == 303
    shown = mine.client.get("/portal").text
    assert 'dir="rtl"' in shown and "٠٩:٤٠" in shown and "الأسنان" in shown


def test_a_guardian_sees_the_child_and_not_the_others(desk: Desk, phone: Phones) -> None:
    born = date(2019, 5, 4)
    child = factories.patient(
        organization_id=desk.cast.organization_id, first_name="Youssef", date_of_birth=born
    )
    db.session.commit()
    mine = phone()
    code = invite(desk.amina, child, GUARDIAN)
    assert mine.prove(code, born).status_code == 303
    assert mine.open_account().status_code == 422  # who they are is asked
    mine.open_account(first_name="Adel", last_name="Tahhan")
    booked = desk.book(patient_id=child, at=desk.tomorrow(12))
    assert booked.booking_id in mine.client.get("/portal").text
    assert desk.book().booking_id not in mine.client.get("/portal").text
