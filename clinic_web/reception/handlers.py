"""What reception does when other modules tell something."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.events.organization import ClinicAdded, LeaveAdded, LeaveRemoved, OrganizationChanged
from clinic_web.events.payments import PaymentCompleted, PaymentRefunded, PaymentVoided
from clinic_web.events.reception import (
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentRescheduled,
    VisitCancelled,
    VisitCheckedIn,
    VisitCompleted,
    VisitFinished,
    VisitMissed,
    VisitMoved,
    VisitStarted,
    WaitingOfferClosed,
)
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.reception.access import appointment_for, queue_of_clinic, visit_for
from clinic_web.reception.live import board_topic, queue_topic
from clinic_web.reception.models import Queue
from clinic_web.reception.models.visits import PENDING_PAYMENT
from clinic_web.reception.service import cashier_line, telling_ahead
from clinic_web.reception.service.moves import moved, publish
from clinic_web.reception.service.offering import Freed, offer_freed
from clinic_web.reception.service.queues import ensure_queue


def tell_who_is_soon(
    event: VisitStarted | VisitMissed | VisitCheckedIn | VisitCancelled | VisitMoved,
) -> None:
    """The line moved: whoever has three, two or one before them now is told, once each."""
    telling_ahead.tell_next(event.organization_id, event.clinic_id, event.visit_id)


def send_to_the_cashier(event: VisitFinished) -> None:
    """Who has not paid stands in the cashier's line, if there is one that takes them."""
    actor = system_actor(event.organization_id, name="cashier")
    cashier_line.join_by_itself(actor, event.visit_id)


def complete_paid_visit(event: PaymentCompleted) -> None:
    """A visit that waited for its payment completes.

    In any other state the money came before the finish, which will see it; or the event came twice.
    """
    if event.visit_id is not None:
        _complete(system_actor(event.organization_id, name="payments"), event.visit_id)


def complete_settled_visit(event: PaymentRefunded | PaymentVoided) -> None:
    """A visit that waited for money which nobody owes any more completes, too."""
    if event.visit_id is None:
        return
    actor = system_actor(event.organization_id, name="payments")
    owed = payments.owed_for_visits(actor, [event.visit_id]).get(event.visit_id)
    if owed and owed.is_settled:  # not when the claim was taken up again meanwhile, or a receipt corrected
        _complete(actor, event.visit_id)


def _complete(actor: Actor, visit_id: UUID) -> None:
    try:
        visit = visit_for(actor, visit_id, lock=True)
    except NotFound:
        return  # the payment of something else than a visit of ours
    if visit.status != PENDING_PAYMENT:
        return
    witness = visit.complete()
    cashier_line.leave_by_itself(actor, visit.id)
    publish(actor, VisitCompleted, visit)
    moved(actor, "visit.complete", visit, witness)


def make_queue_of_clinic(event: ClinicAdded) -> None:
    """A clinic has a line from its first day on; the letter of its tickets is its code's first."""
    clinic = organization.directory(event.organization_id).clinics.get(event.clinic_id)
    if clinic is None:
        return  # taken back before this was delivered
    actor = system_actor(event.organization_id, facility_id=event.facility_id, name="organization")
    letter = next((each for each in clinic.code.upper() if "A" <= each <= "Z"), "Q")
    ensure_queue(actor, clinic_id=event.clinic_id, facility_id=event.facility_id, prefix=letter)


def redraw_screens(event: OrganizationChanged) -> None:
    """Names, rooms and prices stand on every desk and wall: let each draw itself again."""
    organization.look_again(event.organization_id)  # this process draws the walls
    mine = select(Queue.id).where(Queue.organization_id == event.organization_id)
    for queue_id in db.session.scalars(mine):
        push.changed(queue_topic(queue_id))
        push.changed(board_topic(queue_id))


def offer_cancelled_time(event: AppointmentCancelled | AppointmentMissed) -> None:
    """Whoever waits for such a time is offered it; a patient who came after all keeps it."""
    actor = system_actor(event.organization_id, name="waiting list")
    appointment = appointment_for(actor, event.appointment_id)
    if appointment.keeps_its_time:
        return
    span = appointment.start_time, appointment.end_time
    _offer(actor, appointment.clinic_id, appointment.doctor_id, span)


def offer_missed_time(event: AppointmentMissed) -> None:
    offer_cancelled_time(event)


def offer_former_time(event: AppointmentRescheduled) -> None:
    """An appointment moved away; what of its time is free now is the next one's."""
    actor = system_actor(event.organization_id, name="waiting list")
    span = event.former_start_time, event.former_end_time
    _offer(actor, event.clinic_id, event.former_doctor_id, span)


def offer_to_the_next(event: WaitingOfferClosed) -> None:
    """An offer was declined or ran out."""
    actor = system_actor(event.organization_id, name="waiting list")
    _offer(actor, event.clinic_id, event.doctor_id, (event.start_time, event.end_time))


def offer_time_without_leave(event: LeaveRemoved) -> None:
    """A doctor is there after all, in one clinic or in all of theirs."""
    actor = system_actor(event.organization_id, name="waiting list")
    show_leave(event)
    for clinic_id in _clinics_of(event):
        _offer(actor, clinic_id, event.staff_id, (event.starts_at, event.ends_at))


def show_leave(event: LeaveAdded | LeaveRemoved) -> None:
    """The calendars of the doctor's clinics are drawn anew."""
    actor = system_actor(event.organization_id, name="waiting list")
    for clinic_id in _clinics_of(event):
        try:
            push.changed(queue_topic(queue_of_clinic(actor, clinic_id).id))
        except NotFound:
            continue  # a clinic without a queue has no calendar


def _clinics_of(event: LeaveAdded | LeaveRemoved) -> list[UUID]:
    doctor = organization.directory(event.organization_id).staff.get(event.staff_id)
    if event.clinic_id is not None:
        return [event.clinic_id]
    return sorted(doctor.clinic_ids) if doctor else []


def _offer(actor: Actor, clinic_id: UUID, doctor_id: UUID, span: tuple[datetime, datetime]) -> None:
    if span[1] > clock.now():
        offer_freed(
            actor, Freed(clinic_id=clinic_id, doctor_id=doctor_id, starts_at=span[0], ends_at=span[1])
        )
