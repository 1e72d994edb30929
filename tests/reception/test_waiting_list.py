"""Who waits is offered what is freed: once, to the next who fits, whatever is killed on the way."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from clinic_web.kernel import clock, delivery, failpoints, schedule
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound, RuleBroken, StaleScreen
from clinic_web.organization import api as organization
from clinic_web.organization.api import NewLeave
from clinic_web.reception.models import Appointment, WaitingEntry, WaitingOffer
from clinic_web.reception.service import cancelling, holding, offering, rescheduling, waiting
from clinic_web.reception.service.booking import Booked
from clinic_web.reception.service.offering import Accepted
from clinic_web.reception.service.rescheduling import NewTime
from clinic_web.reception.service.waiting import Wish
from clinic_web.reception.slots import SlotTaken
from tests import apart
from tests.reception.desk import Desk
from tests.reception.test_desk_in_hand import fields_of
from tests.reception.test_races import at_once, some_patients

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true", "HX-Target": "hand"}


def wish(desk: Desk, **asked: Any) -> UUID:
    today = desk.tomorrow(0).date() - timedelta(days=1)
    asked = {"patient_id": asked.pop("patient_id", None) or desk.patient(), **asked}
    asked.setdefault("service_id", desk.cast.cleaning)
    asked.setdefault("from_date", today)
    asked.setdefault("until_date", today + timedelta(days=20))
    return waiting.put_on_list(desk.amina, Wish(**asked), key=str(uuid4())).entry_id


def deliver() -> None:
    while delivery.deliver_next("events"):
        pass


def cancel(desk: Desk, booked: Booked) -> None:
    cancelling.cancel_appointment(desk.amina, booked.appointment_id, "ill", version=1)
    deliver()


def offers(*statuses: str) -> list[WaitingOffer]:
    found = select(WaitingOffer).where(WaitingOffer.status.in_(statuses or ("OPEN",)))
    return list(db.session.scalars(found.order_by(WaitingOffer.start_time, WaitingOffer.offered_at)))


def test_a_cancelled_time_is_offered_to_the_first_who_fits(desk: Desk, pushed: list[str]) -> None:
    booked = desk.book(at=desk.tomorrow(9))
    wish(desk, doctor_id=desk.cast.karim)
    wish(desk, until_date=desk.tomorrow(9).date() - timedelta(days=1))
    wish(desk, from_time=time(12))
    wish(desk, until_time=time(9, 10))
    later = wish(desk)
    urgent = wish(desk, urgency="URGENT")
    pushed.clear()
    cancel(desk, booked)
    (offer,) = offers()
    assert (offer.entry_id, offer.doctor_id, offer.start_time) == (urgent, desk.cast.salma, desk.tomorrow(9))
    assert f"queue:{desk.cast.dental_queue}" in pushed
    offering.decline(desk.amina, offer.id)
    deliver()
    assert [each.entry_id for each in offers()] == [later], "declined, so the next is asked"
    offering.decline(desk.amina, offers()[0].id)
    deliver()
    assert offers() == [], "and nobody twice"


def test_each_way_to_free_a_time_leads_to_an_offer(desk: Desk) -> None:
    moved, missed = desk.book(at=desk.tomorrow(9)), desk.book(at=desk.soon(20))
    for _ in range(3):
        wish(desk, doctor_id=desk.cast.salma)
    new = NewTime(doctor_id=desk.cast.salma, start_time=desk.tomorrow(15))
    rescheduling.reschedule(desk.amina, moved.appointment_id, new, version=1, key="k")
    deliver()
    assert [each.start_time for each in offers()] == [desk.tomorrow(9)]
    holding.miss(desk.amina, missed.visit_id, version=1)
    deliver()
    assert [each.start_time for each in offers()] == [missed.start_time, desk.tomorrow(9)]
    begins, ends = desk.on(2, 8), desk.on(2, 8, 40)
    leave = organization.add_leave(
        desk.system, NewLeave(staff_id=desk.cast.salma, starts_at=begins, ends_at=ends)
    )
    organization.remove_leave(desk.system, leave)
    deliver()
    third = offers()[-1]
    assert begins <= third.start_time < third.end_time <= ends


def test_a_time_that_is_too_soon_or_taken_again_is_not_offered(desk: Desk) -> None:
    wish(desk, doctor_id=desk.cast.salma)
    desk.book(at=desk.soon(30))
    cancel(desk, desk.book(at=desk.soon(10)))
    assert offers() == []
    booked = desk.book(at=desk.tomorrow(9))
    cancelling.cancel_appointment(desk.amina, booked.appointment_id, "ill", version=1)
    desk.book(at=desk.tomorrow(9))
    deliver()
    assert offers() == []


def test_yes_books_once_for_the_patient_and_takes_them_off_the_list(desk: Desk) -> None:
    entry = wish(desk, note="pain")
    cancel(desk, desk.book(at=desk.tomorrow(9)))
    (offer,) = offers()
    accepted = offering.accept(desk.amina, offer.id, key="yes")
    assert offering.accept(desk.amina, offer.id, key="yes") == accepted
    with pytest.raises(StaleScreen):
        offering.accept(desk.amina, offer.id, key="once more")
    booked = db.session.get_one(Appointment, accepted.appointment_id)
    assert (booked.start_time, booked.booking_source, booked.notes) == (desk.tomorrow(9), "SYSTEM", "pain")
    listed = db.session.get_one(WaitingEntry, entry, populate_existing=True)
    assert (listed.status, listed.booked_appointment_id) == ("BOOKED", booked.id)
    assert [each.status for each in offers("ACCEPTED")] == ["ACCEPTED"]


def test_an_earlier_time_moves_the_appointment_and_frees_its_own(desk: Desk) -> None:
    mine = desk.book(at=desk.on(5, 9))
    patient = db.session.get_one(Appointment, mine.appointment_id).patient_id
    earlier = wish(desk, patient_id=patient, appointment_id=mine.appointment_id)
    other = wish(desk)
    cancel(desk, desk.book(at=desk.on(6, 9)))
    assert [each.entry_id for each in offers()] == [other], "later is not earlier"
    offering.decline(desk.amina, offers()[0].id)
    deliver()
    cancel(desk, desk.book(at=desk.tomorrow(9)))
    (offer,) = offers()
    assert offer.entry_id == earlier
    accepted = offering.accept(desk.amina, offer.id, key="yes")
    assert accepted.appointment_id == mine.appointment_id
    stands = db.session.get_one(Appointment, mine.appointment_id, populate_existing=True)
    assert (stands.start_time, stands.status) == (desk.tomorrow(9), "CONFIRMED")
    deliver()
    assert [(each.entry_id, each.start_time) for each in offers()] == [(other, desk.on(5, 9))]


def test_an_offer_runs_out_and_goes_to_the_next(desk: Desk, at: Callable[[datetime], None]) -> None:
    first, second = wish(desk), wish(desk)
    cancel(desk, desk.book(at=desk.tomorrow(9)))
    assert [each.entry_id for each in offers()] == [first]
    offering.expire_due()
    assert len(offers()) == 1
    at(clock.now() + offering.OFFER_STANDS + timedelta(minutes=1))
    offering.expire_due()
    offering.expire_due()
    deliver()
    assert [each.entry_id for each in offers()] == [second]
    assert [each.entry_id for each in offers("EXPIRED")] == [first]
    assert "reception.expire_offers" in {each.name for each in schedule.registered()}


def test_a_time_that_somebody_else_got_is_no_offer_any_more_and_another_can_come(desk: Desk) -> None:
    entry = wish(desk)
    cancel(desk, desk.book(at=desk.tomorrow(9)))
    desk.book(at=desk.tomorrow(9))
    offering.expire_due()
    assert [each.entry_id for each in offers("GONE")] == [entry]
    cancel(desk, desk.book(at=desk.tomorrow(11)))
    assert [(each.entry_id, each.start_time) for each in offers()] == [(entry, desk.tomorrow(11))]


def test_an_event_that_comes_twice_offers_once(desk: Desk) -> None:
    wish(desk)
    wish(desk)
    booked = desk.book(at=desk.tomorrow(9))
    cancel(desk, booked)
    db.session.execute(text("UPDATE kernel.deliveries SET state = 'DUE', attempts = 0"))
    db.session.commit()
    deliver()
    assert len(offers("OPEN", "DECLINED", "EXPIRED")) == 1
    freed = offering.Freed(
        clinic_id=desk.cast.dental,
        doctor_id=desk.cast.salma,
        starts_at=desk.tomorrow(9),
        ends_at=desk.tomorrow(9, 20),
    )
    assert offering.offer_freed(desk.system, freed) == 0, "one offer per time, whoever asks"


def test_a_handler_that_breaks_leaves_nothing_half_done(desk: Desk) -> None:
    wish(desk)
    failpoints.arm("offer.before_commit", "raise")
    try:
        cancel(desk, desk.book(at=desk.tomorrow(9)))
        assert offers() == []
    finally:
        failpoints.disarm()
    db.session.execute(text("UPDATE kernel.deliveries SET due_at = :now"), {"now": clock.now()})
    db.session.commit()
    deliver()
    assert len(offers()) == 1


@pytest.mark.slow
def test_a_worker_that_is_killed_offers_once(real_desk: Desk, committing: Flask) -> None:
    patients = some_patients(real_desk, 2)
    booked = real_desk.book(at=real_desk.tomorrow(9), patient_id=patients[0])
    wish(real_desk, patient_id=patients[1])
    cancelling.cancel_appointment(real_desk.amina, booked.appointment_id, "ill", version=1)
    killed = apart.run(committing, partial(delivery.drain, "events"), "delivery.before_commit=kill")
    assert killed.code == -signal.SIGKILL
    assert offers() == []
    db.session.rollback()
    deliver()
    deliver()
    assert len(offers()) == 1
    db.session.rollback()


def test_two_desks_answer_at_once_and_one_books(real_desk: Desk) -> None:
    patients = some_patients(real_desk, 3)
    booked = real_desk.book(at=real_desk.tomorrow(9), patient_id=patients[0])
    wish(real_desk, patient_id=patients[1])
    cancel(real_desk, booked)
    (offer_id,) = [each.id for each in offers()]
    db.session.rollback()
    answers: list[object] = at_once(
        [partial(offering.accept, real_desk.amina, offer_id, key=str(number)) for number in range(4)]
        + [lambda: real_desk.book(at=real_desk.tomorrow(9), patient_id=patients[2])],  # type: ignore[list-item]
        workers=5,
    )
    won = [answer for answer in answers if isinstance(answer, Accepted | Booked)]
    assert len(won) == 1, answers
    assert all(isinstance(answer, StaleScreen | SlotTaken) for answer in answers if answer not in won)


def test_what_can_not_be_is_refused(desk: Desk) -> None:
    patient = desk.patient()
    wish(desk, patient_id=patient)
    with pytest.raises(RuleBroken) as refused:
        wish(desk, patient_id=patient)
    assert refused.value.field == "patient_id"
    for wrong, name in (
        ({"until_date": desk.tomorrow(0).date() - timedelta(days=9)}, "until_date"),
        ({"from_time": time(12), "until_time": time(9)}, "until_time"),
        ({"urgency": "NOW"}, "urgency"),
    ):
        with pytest.raises(RuleBroken) as refused:
            wish(desk, **wrong)
        assert refused.value.field == name
    desk.taken_over_by(desk.omar)
    with pytest.raises(NotFound):
        wish(desk, patient_id=patient)


def test_the_page_puts_on_takes_off_and_answers(desk: Desk, as_person: Browser) -> None:
    amina, patient = as_person("amina"), desk.patient()
    asked = {"clinic": desk.cast.dental, "patient": patient}
    form = amina.get("/appointments/waiting/new", query_string=asked, headers=HTMX).text
    fields = fields_of(form, "wish") | {"service": str(desk.cast.cleaning)}
    wrong = amina.post("/appointments/waiting", data=fields | {"until_date": "soon"}, headers=HTMX)
    assert wrong.status_code == 422 and "This is not a day." in wrong.text
    late = fields | {"from_date": "soon", "from_time": "14:00", "until_time": "09:00"}
    both = amina.post("/appointments/waiting", data=late, headers=HTMX)
    assert both.status_code == 422 and "This is not a day." in both.text
    assert "The end must come after the beginning." in both.text
    done = amina.post("/appointments/waiting", data=fields, headers=HTMX)
    assert done.status_code == 200 and "is on the waiting list" in done.text
    cancel(desk, desk.book(at=desk.tomorrow(9)))
    (offer,) = offers()
    page = amina.get("/appointments/waiting", query_string={"clinic": desk.cast.dental}).text
    assert f"offer-{offer.id}" in page and f"wait-{offer.entry_id}" in page
    desk.book(at=desk.tomorrow(9))
    gone = amina.post(f"/appointments/offers/{offer.id}/accept", data={"idempotency_key": "k"}, headers=HTMX)
    assert gone.status_code == 409 and "This time has just been taken." in gone.text
    assert [each.status for each in offers("GONE")] == ["GONE"]
    off = amina.post(f"/appointments/waiting/{offer.entry_id}/off", data={"version": 1}, headers=HTMX)
    assert off.status_code == 200 and "/back" in off.text
    assert as_person("salma").get("/appointments/waiting").status_code == 403
    omar = as_person("omar")
    assert omar.post(f"/appointments/offers/{offer.id}/decline").status_code == 404
    assert omar.post(f"/appointments/waiting/{offer.entry_id}/off", data={"version": 2}).status_code == 404
