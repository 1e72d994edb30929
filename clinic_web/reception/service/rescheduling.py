"""Give an appointment another time or doctor. The ticket stays on its day; another day has another number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.reception import AppointmentRescheduled
from clinic_web.kernel import bus, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.reception import slots
from clinic_web.reception.access import appointment_for, visit_for
from clinic_web.reception.models import Appointment, AppointmentMove, Visit
from clinic_web.reception.models.appointments import CHECKED_IN, CONFIRMED
from clinic_web.reception.service import answers, hours
from clinic_web.reception.service.moves import tell_line
from clinic_web.reception.service.numbers import timezone_of, to_another_day
from clinic_web.reception.service.statements import LOCK_DOCTORS_DAY, doctors_day

NO_OVERLAP = "ex_appointments_no_overlap"
TAKEN = N_("This time has just been taken.")


@dataclass(frozen=True, kw_only=True)
class NewTime:
    """Where an appointment goes; ``overbooking_reason`` as in ``booking.Booking``. The length stays."""

    doctor_id: UUID
    start_time: datetime
    overbooking_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rescheduled:
    """The appointment as it stands now, and where it was. ``version`` is the appointment's."""

    appointment_id: UUID
    visit_id: UUID
    patient_id: UUID
    move_id: UUID
    ticket: str | None
    doctor_id: UUID
    start_time: datetime
    former_doctor_id: UUID
    former_start_time: datetime
    version: int


def reschedule(
    actor: Actor, appointment_id: UUID, new: NewTime, *, version: int, key: str | None
) -> Rescheduled:
    """Move a CONFIRMED appointment, once per ``key``. ``version`` is the appointment's as it was seen.

    Raises StaleScreen (409: it changed, or the patient is checked in), slots.SlotTaken (409) and SlotRefused
    (422) with ``.nearest``, NotAllowed (403: overbooking without the right), NotFound (404), BadRequest.
    """
    if new.overbooking_reason:
        actor.require("appointment.overbook")
    with transaction(), db.session.no_autoflush:
        claim = idempotency.claim(
            actor, "appointment.reschedule", key, {"id": appointment_id, "version": version, **vars(new)}
        )
        if claim.is_repetition:
            return answers.again(Rescheduled, claim)
        appointment, visit = _expected(actor, appointment_id, version)
        organization.terms(actor, appointment.service_id, new.doctor_id)  # the doctor works there
        _require_open(actor, appointment, new)
        moved = _move(actor, appointment, visit, new)
        failpoint("reschedule.before_commit")
        answers.keep(claim, moved)
        return moved


def undo_reschedule(actor: Actor, appointment_id: UUID, *, version: int) -> Rescheduled:
    """Take the last move back: the former time and doctor, and the former ticket, too.

    Raises StaleScreen (409: moved on, nothing to take back, or SlotTaken: the time was given away meanwhile).
    """
    with transaction(), db.session.no_autoflush:
        appointment, visit = _expected(actor, appointment_id, version)
        last = _last_move(appointment_id)
        if last is None or not last.can_be_undone:
            raise StaleScreen(N_("There is no move to take back."))
        former = NewTime(
            doctor_id=last.from_doctor_id,
            start_time=last.from_start,
            overbooking_reason=last.from_overbooking_reason,
        )
        return _move(actor, appointment, visit, former, undoes=last.id)


def _expected(actor: Actor, appointment_id: UUID, version: int) -> tuple[Appointment, Visit]:
    """Return both rows locked, visit before appointment as every move does; 409 if they moved on."""
    found = appointment_for(actor, appointment_id)
    visit_id = db.session.execute(select(Visit.id).where(Visit.appointment_id == found.id)).scalar_one()
    visit = visit_for(actor, visit_id, lock=True)
    appointment = appointment_for(actor, appointment_id, lock=True)
    appointment.require_version(version)
    appointment.require_expected()
    return appointment, visit


def _last_move(appointment_id: UUID) -> AppointmentMove | None:
    moves = select(AppointmentMove).where(AppointmentMove.appointment_id == appointment_id)
    return db.session.scalars(moves.order_by(AppointmentMove.sequence_number.desc()).limit(1)).first()


def _require_open(actor: Actor, appointment: Appointment, new: NewTime) -> None:
    """Refuse a time that is past, or in which the doctor sees nobody; with the nearest free ones."""
    if new.start_time <= clock.now():
        raise slots.SlotRefused(N_("This time is past."), nearest=_nearest(actor, appointment, new))
    end = new.start_time if new.overbooking_reason else new.start_time + _length(appointment)
    day = _day(actor, appointment, new.start_time)
    if not any(
        shift.starts_at <= new.start_time and end <= shift.ends_at
        for shift in hours.shifts(actor, appointment.clinic_id, day)
        if shift.staff_id == new.doctor_id
    ):
        sentence = N_("The doctor does not see patients in this clinic at this time.")
        raise slots.SlotRefused(sentence, nearest=_nearest(actor, appointment, new))


def _move(
    actor: Actor, appointment: Appointment, visit: Visit, new: NewTime, *, undoes: UUID | None = None
) -> Rescheduled:
    """Lock both days, take the time, then payment and number, in the order of all locks."""
    move = _witness(actor, appointment, visit, undoes)
    former_day, day = visit.queue_day, _day(actor, appointment, new.start_time)
    former_end = appointment.end_time
    days = {doctors_day(appointment.doctor_id, former_day), doctors_day(new.doctor_id, day)}
    for each in sorted(days):
        LOCK_DOCTORS_DAY.run({"doctors_day": each})
    _take(actor, appointment, new)
    visit.doctor_id, visit.scheduled_time, visit.updated_by = new.doctor_id, new.start_time, actor.user_id
    payments.lock_for_visit(actor, visit.id)
    if day != former_day:
        to_another_day(actor, visit, day)
    db.session.flush()
    payments.reschedule_for_visit(
        actor, visit.id, ticket=visit.ticket, doctor_id=new.doctor_id, due_at=new.start_time
    )
    move.to_doctor_id, move.to_start, move.to_ticket = new.doctor_id, appointment.start_time, visit.ticket
    db.session.add(move)
    db.session.flush()
    audit.saw(actor, "appointment.reschedule", "appointment", appointment.id)
    tell_line(visit.queue_id)
    _publish(actor, appointment, visit, move, former_end)
    return Rescheduled(
        appointment_id=appointment.id,
        visit_id=visit.id,
        patient_id=visit.patient_id,
        move_id=move.id,
        ticket=visit.ticket,
        doctor_id=new.doctor_id,
        start_time=appointment.start_time,
        former_doctor_id=move.from_doctor_id,
        former_start_time=move.from_start,
        version=appointment.version,
    )


def _witness(actor: Actor, appointment: Appointment, visit: Visit, undoes: UUID | None) -> AppointmentMove:
    return AppointmentMove(
        id=new_id(),
        organization_id=appointment.organization_id,
        appointment_id=appointment.id,
        from_doctor_id=appointment.doctor_id,
        from_start=appointment.start_time,
        from_ticket=visit.ticket,
        from_overbooking_reason=appointment.overbooking_reason if appointment.is_overbooking else None,
        undoes_id=undoes,
        by_user_id=actor.user_id,
        at=clock.now(),
    )


def _take(actor: Actor, appointment: Appointment, new: NewTime) -> None:
    """Take the time. Under the locks of both days one look decides; the exclusion constraint is the wall."""
    start = new.start_time.astimezone(UTC)
    end = start + _length(appointment)
    is_taken = _is_taken(appointment, new.doctor_id, start, end)
    if is_taken and not new.overbooking_reason:
        raise slots.SlotTaken(TAKEN, nearest=_nearest(actor, appointment, new))
    appointment.doctor_id, appointment.start_time, appointment.end_time = new.doctor_id, start, end
    appointment.is_overbooking = is_taken
    appointment.overbooking_reason = new.overbooking_reason if is_taken else None
    appointment.updated_by = actor.user_id
    try:
        db.session.flush()
    except IntegrityError as error:
        if constraint_of(error) == NO_OVERLAP:
            raise slots.SlotTaken(TAKEN) from error
        raise


def _is_taken(appointment: Appointment, doctor_id: UUID, start: datetime, end: datetime) -> bool:
    others = select(Appointment.id).where(
        Appointment.doctor_id == doctor_id,
        Appointment.id != appointment.id,
        Appointment.status.in_((CONFIRMED, CHECKED_IN)),
        ~Appointment.is_overbooking,
        Appointment.start_time < end,
        Appointment.end_time > start,
    )
    return db.session.execute(others.limit(1)).first() is not None


def _publish(
    actor: Actor, appointment: Appointment, visit: Visit, move: AppointmentMove, former_end: datetime
) -> None:
    bus.publish(
        AppointmentRescheduled(
            organization_id=appointment.organization_id,
            facility_id=appointment.facility_id,
            clinic_id=appointment.clinic_id,
            appointment_id=appointment.id,
            visit_id=visit.id,
            patient_id=appointment.patient_id,
            service_id=appointment.service_id,
            doctor_id=appointment.doctor_id,
            start_time=appointment.start_time,
            former_doctor_id=move.from_doctor_id,
            former_start_time=move.from_start,
            former_end_time=former_end,
            move_id=move.id,
            booking_id=appointment.booking_id,
            ticket=visit.ticket,
        ),
        actor,
    )


def _length(appointment: Appointment) -> timedelta:
    return appointment.end_time - appointment.start_time


def _day(actor: Actor, appointment: Appointment, moment: datetime) -> date:
    return clock.local(moment, timezone_of(actor, appointment.facility_id)).date()


def _nearest(actor: Actor, appointment: Appointment, new: NewTime) -> list[slots.Slot]:
    return slots.nearest_slots(actor, appointment.clinic_id, appointment.service_id, near=new.start_time)
