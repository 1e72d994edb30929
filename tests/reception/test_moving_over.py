"""Moving a patient who waits to another clinic or doctor: number, money, appointment; and back again."""

from __future__ import annotations

import html as markup
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.tables import DomainEvent
from clinic_web.payments.models import Payment
from clinic_web.reception.models import (
    Appointment,
    AppointmentMove,
    QueueDay,
    QueueNumber,
    QueuePriority,
    Visit,
    VisitMove,
)
from clinic_web.reception.service import calling, checking_in, moving_over, rescheduling
from clinic_web.reception.service.moving_over import Destination, MovedOver
from tests import factories
from tests.reception.desk import Desk, pay
from tests.reception.test_races import _waiting, at_once

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true", "HX-Target": "hand"}


@dataclass
class Eye:
    check: UUID
    nadia: UUID


@pytest.fixture
def eye(desk: Desk) -> Eye:
    return _eye(desk)


def _eye(desk: Desk) -> Eye:
    cast = desk.cast
    found = Eye(
        check=factories.service(
            organization_id=cast.organization_id, clinic_id=cast.eye, name="Eye check", price="700"
        ),
        nadia=factories.doctor(
            organization_id=cast.organization_id,
            facility_id=cast.facility_id,
            clinics=[cast.eye],
            first_name="Nadia",
            all_day=False,
        ),
    )
    db.session.commit()
    return found


def move(desk: Desk, visit: Visit, service: UUID, doctor: UUID | None = None) -> MovedOver:
    return moving_over.move(
        desk.amina, visit.id, Destination(service_id=service, doctor_id=doctor), version=visit.version
    )


def payment_of(visit_id: UUID) -> Payment:
    found = select(Payment).where(Payment.visit_id == visit_id).execution_options(populate_existing=True)
    return db.session.scalars(found).one()


def number(queue_id: UUID, which: int) -> QueueNumber:
    wanted = select(QueueNumber).filter_by(queue_id=queue_id, number=which)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def test_a_move_to_another_clinic_and_back(desk: Desk, eye: Eye, pushed: list[str]) -> None:
    visit = desk.visit(desk.walk_in().visit_id)
    came = visit.check_in_time
    done = move(desk, visit, eye.check, eye.nadia)
    assert (done.from_ticket, done.visit.ticket, done.difference) == ("D-001", "E-001", 0)
    visit = desk.visit(visit.id)
    assert (visit.clinic_id, visit.queue_id) == (desk.cast.eye, desk.cast.eye_queue)
    assert (visit.status, visit.check_in_time) == ("WAITING", came)
    old = number(desk.cast.dental_queue, 1)
    assert (old.state, old.void_reason, old.visit_id) == ("VOID", "Moved to another line.", visit.id)
    owed = payment_of(visit.id)
    assert (owed.total_amount, owed.ticket, owed.doctor_id) == (Decimal("700.00"), "E-001", eye.nadia)
    assert {f"queue:{desk.cast.dental_queue}", f"queue:{desk.cast.eye_queue}"} <= set(pushed)
    told = db.session.scalars(select(DomainEvent).where(DomainEvent.event_type == "visit.moved")).one()
    assert told.event_data["from_ticket"] == "D-001"

    back = moving_over.undo_move(desk.amina, visit.id, version=done.visit.version)
    assert back.visit.ticket == "D-001"
    visit = desk.visit(visit.id)
    assert (visit.queue_id, visit.doctor_id, visit.queue_number) == (desk.cast.dental_queue, None, 1)
    assert (number(desk.cast.dental_queue, 1).state, number(desk.cast.eye_queue, 1).state) == (
        "ISSUED",
        "VOID",
    )
    assert payment_of(visit.id).total_amount == Decimal("450.00")
    with pytest.raises(StaleScreen, match="no move"):
        moving_over.undo_move(desk.amina, visit.id, version=back.visit.version)
    assert db.session.scalar(select(func.count()).select_from(VisitMove)) == 2


def test_what_was_paid_stays_and_the_difference_is_said(desk: Desk, eye: Eye, as_person: Browser) -> None:
    visit = desk.visit(desk.walk_in().visit_id)
    pay(desk, visit)
    amina = as_person("amina")
    url = f"/desk/hand/visit/{visit.id}/move?to_clinic={desk.cast.eye}&service={eye.check}&doctor="
    page = amina.get(url, headers=HTMX).text
    assert "paid: stays 450.00" in page and "250.00 more" in page and "E-001" in page
    fields = dict(re.findall(r'name="(version|service|doctor)" value="([^"]*)"', page))
    answer = amina.post(f"/visits/{visit.id}/move", data=fields, headers=HTMX)
    assert answer.status_code == 200, answer.text
    assert "250.00 more to take" in markup.unescape(answer.text) and "/undo-move" in answer.text
    paid = payment_of(visit.id)
    assert (paid.total_amount, paid.status, paid.ticket) == (Decimal("450.00"), "PAID", "E-001")
    assert paid.clinic_id == desk.cast.dental  # the money stays with what it was taken for
    again = amina.post(
        f"/visits/{visit.id}/undo-move", data={"version": desk.visit(visit.id).version}, headers=HTMX
    )
    assert again.status_code == 200 and "D-001" in again.text


def test_another_doctor_of_the_clinic_keeps_the_number_and_takes_the_appointment(desk: Desk) -> None:
    visit = desk.visit_in("WAITING")
    appointment = db.session.get_one(Appointment, visit.appointment_id)
    taken = desk.book(at=appointment.start_time, doctor_id=desk.cast.karim)
    done = move(desk, visit, desk.cast.cleaning, desk.cast.karim)
    assert (done.visit.ticket, done.from_ticket) == (visit.ticket, visit.ticket)
    db.session.refresh(appointment)
    assert (appointment.doctor_id, appointment.is_overbooking) == (desk.cast.karim, True)
    assert taken.doctor_id == desk.cast.karim
    freed = desk.book(at=appointment.start_time)  # Salma's time is free again
    assert freed.doctor_id == desk.cast.salma
    moving_over.undo_move(desk.amina, visit.id, version=done.visit.version)
    db.session.refresh(appointment)
    assert (appointment.doctor_id, appointment.is_overbooking) == (desk.cast.salma, True)  # given away


def test_the_appointment_keeps_where_it_was_when_it_goes_over_with_its_visit(
    desk: Desk, eye: Eye, as_person: Browser
) -> None:
    visit = desk.visit_in("WAITING")
    done = move(desk, visit, eye.check)
    history = select(AppointmentMove).where(AppointmentMove.appointment_id == visit.appointment_id)
    (kept,) = db.session.scalars(history).all()
    assert (kept.from_clinic_id, kept.to_clinic_id) == (desk.cast.dental, desk.cast.eye)
    assert (kept.from_ticket, kept.to_ticket) == ("D-001", "E-001")
    page = as_person("amina").get(f"/appointments/{visit.appointment_id}").text
    was = page[page.index("Where it was") :]
    assert "Dental" in was and "D-001" in was and "Move back" not in was
    back = moving_over.undo_move(desk.amina, visit.id, version=done.visit.version)
    newest = db.session.scalars(history.order_by(AppointmentMove.sequence_number.desc())).first()
    assert newest is not None and newest.undoes_id == kept.id
    move(desk, desk.visit(visit.id), desk.cast.filling)
    assert len(db.session.scalars(history).all()) == 2, "another service moves no appointment"
    version = desk.visit(visit.id).version
    checking_in.undo_check_in(desk.amina, visit.id, version=version)
    appointment = db.session.get_one(Appointment, visit.appointment_id, populate_existing=True)
    with pytest.raises(StaleScreen, match="no move to take back"):
        rescheduling.undo_reschedule(desk.amina, appointment.id, version=appointment.version)
    assert back.visit.ticket == "D-001"


def test_who_is_called_goes_back_to_the_line_first(desk: Desk, eye: Eye) -> None:
    visit = desk.visit_in("CALLED")
    done = move(desk, visit, eye.check)
    visit = desk.visit(visit.id)
    assert (done.visit.status, visit.attending_id, visit.called_at) == ("WAITING", None, None)
    assert desk.next() is None


def test_a_priority_that_the_other_line_lacks_is_lost_and_comes_back_with_the_undo(
    desk: Desk, eye: Eye
) -> None:
    visit = desk.visit(desk.walk_in(priority="ELDERLY", priority_reason="81").visit_id)
    there = select(QueuePriority).filter_by(queue_id=desk.cast.eye_queue, code="ELDERLY")
    db.session.scalars(there).one().is_active = False
    db.session.commit()
    done = move(desk, visit, eye.check)
    assert desk.visit(visit.id).priority is None and desk.visit(visit.id).priority_rank == 0
    moving_over.undo_move(desk.amina, visit.id, version=done.visit.version)
    visit = desk.visit(visit.id)
    assert (visit.priority, visit.priority_rank, visit.priority_reason) == ("ELDERLY", 30, "81")


def test_what_cannot_move_is_refused(desk: Desk, eye: Eye, as_person: Browser) -> None:
    visit = desk.visit(desk.walk_in().visit_id)
    with pytest.raises(RuleBroken, match="there already"):
        move(desk, visit, desk.cast.cleaning)
    desk.walk_in(patient_id=visit.patient_id, service_id=eye.check)
    with pytest.raises(RuleBroken, match="already in this line"):
        move(desk, visit, eye.check)
    with pytest.raises(NotFound):
        move(desk, visit, eye.check, desk.cast.karim)  # not a doctor of that clinic
    with pytest.raises(NotFound):
        moving_over.move(desk.omar, visit.id, Destination(service_id=eye.check), version=1)
    inside = desk.visit_in("IN_PROGRESS")
    with pytest.raises(StaleScreen):
        move(desk, inside, eye.check)
    url = f"/visits/{visit.id}/move"
    assert as_person("salma").post(url, data={"version": "1", "service": str(eye.check)}).status_code == 403
    assert as_person("omar").post(url, data={"version": "1", "service": str(eye.check)}).status_code == 404
    wrong = as_person("amina").post(url, data={"version": "1", "service": ""}, headers=HTMX)
    assert wrong.status_code == 422 and "Choose a service." in wrong.text
    assert number(desk.cast.dental_queue, 1).state == "ISSUED"


def test_moves_and_calls_meet_and_every_number_has_one_fate(real_desk: Desk) -> None:
    eye = _eye(real_desk)
    visits = _waiting(real_desk, 20)
    versions = {visit_id: real_desk.visit(visit_id).version for visit_id in visits}
    db.session.rollback()

    def moves(visit_id: UUID) -> Callable[[], object]:
        to = Destination(service_id=eye.check)
        return lambda: moving_over.move(real_desk.amina, visit_id, to, version=versions[visit_id])

    def calls(actor: object) -> Callable[[], object]:
        return lambda: calling.call_next(actor, key=str(uuid4()))  # type: ignore[arg-type]

    acts = [moves(visit_id) for visit_id in visits]
    acts[5:5] = [calls(real_desk.salma)]
    acts[9:9] = [calls(real_desk.karim)]
    answers = at_once(acts, workers=20)
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    went = [answer for answer in answers if isinstance(answer, MovedOver)]
    called = db.session.scalars(select(Visit).where(Visit.status == "CALLED")).all()
    assert len(went) + len(called) == 20 and len(refused) == len(called), answers
    assert sorted(each.visit.ticket or "" for each in went) == [
        f"E-{place:03d}" for place in range(1, len(went) + 1)
    ]
    days = dict(tuple(row) for row in db.session.execute(select(QueueDay.queue_id, QueueDay.last_number)))
    assert days[real_desk.cast.eye_queue] == len(went)
    void = select(func.count()).where(QueueNumber.state == "VOID")
    assert db.session.scalar(void) == len(went)
