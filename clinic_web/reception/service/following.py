"""The appointment follows its visit."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.kernel.ids import new_id
from clinic_web.reception.access import appointment_for
from clinic_web.reception.models import Appointment, AppointmentMove, Visit
from clinic_web.reception.models.appointments import CHECKED_IN, CONFIRMED
from clinic_web.reception.service.numbers import timezone_of
from clinic_web.reception.service.statements import LOCK_DOCTORS_DAY, doctors_day

MOVED_HERE = N_("Moved here from another doctor while waiting.")
BACK_AGAIN = N_("The time had been given away meanwhile.")


def follow(actor: Actor, visit: Visit, status: str) -> Appointment | None:
    """Move the visit's appointment, if it has one, to ``status``."""
    if visit.appointment_id is None:
        return None
    appointment = appointment_for(actor, visit.appointment_id, lock=True)
    appointment.move_to(status)
    appointment.updated_by = actor.user_id
    return appointment


def take_up_again(actor: Actor, visit: Visit) -> None:
    """Make the appointment CHECKED_IN again after it had let go of its time (missed, or completed too early).

    Somebody else may have that time now. The patient is here all the same, so this one is an overbooking.
    """
    if visit.appointment_id is None:
        return
    appointment = appointment_for(actor, visit.appointment_id, lock=True)
    day = clock.local(appointment.start_time, timezone_of(actor, appointment.facility_id)).date()
    LOCK_DOCTORS_DAY.run({"doctors_day": doctors_day(appointment.doctor_id, day)})
    if _has_been_given_away(appointment):
        appointment.is_overbooking = True
        appointment.overbooking_reason = appointment.overbooking_reason or BACK_AGAIN
    appointment.move_to(CHECKED_IN)
    appointment.updated_by = actor.user_id


def go_over(
    actor: Actor, visit: Visit, *, clinic_id: UUID, doctor_id: UUID | None, service_id: UUID
) -> AppointmentMove | None:
    """Let the appointment go over with its visit, at its own time. A time that is taken there is overbooked:
    the patient is here. With ``doctor_id`` None it stays with the doctor it was made with.

    Return the witness of its move to another doctor or clinic, which the caller completes and keeps.
    """
    if visit.appointment_id is None:
        return None
    appointment = appointment_for(actor, visit.appointment_id, lock=True)
    witness = _witness(actor, appointment, visit)
    appointment.clinic_id, appointment.service_id = clinic_id, service_id
    appointment.updated_by = actor.user_id
    if doctor_id is not None and doctor_id != appointment.doctor_id:
        _go_to(actor, appointment, doctor_id)
    witness.to_clinic_id, witness.to_doctor_id = clinic_id, appointment.doctor_id
    was = witness.from_clinic_id, witness.from_doctor_id
    return witness if was != (clinic_id, appointment.doctor_id) else None


def _witness(actor: Actor, appointment: Appointment, visit: Visit) -> AppointmentMove:
    return AppointmentMove(
        id=new_id(),
        organization_id=appointment.organization_id,
        appointment_id=appointment.id,
        from_clinic_id=appointment.clinic_id,
        from_doctor_id=appointment.doctor_id,
        from_start=appointment.start_time,
        from_ticket=visit.ticket,
        from_overbooking_reason=appointment.overbooking_reason if appointment.is_overbooking else None,
        to_start=appointment.start_time,
        by_user_id=actor.user_id,
        at=clock.now(),
    )


def _go_to(actor: Actor, appointment: Appointment, doctor_id: UUID) -> None:
    day = clock.local(appointment.start_time, timezone_of(actor, appointment.facility_id)).date()
    LOCK_DOCTORS_DAY.run({"doctors_day": doctors_day(doctor_id, day)})
    appointment.doctor_id = doctor_id
    if _has_been_given_away(appointment):
        appointment.is_overbooking = True
        appointment.overbooking_reason = appointment.overbooking_reason or MOVED_HERE
    elif appointment.overbooking_reason == MOVED_HERE:
        appointment.is_overbooking, appointment.overbooking_reason = False, None


def _has_been_given_away(appointment: Appointment) -> bool:
    others = select(Appointment.id).where(
        Appointment.doctor_id == appointment.doctor_id,
        Appointment.id != appointment.id,
        Appointment.status.in_((CONFIRMED, CHECKED_IN)),
        ~Appointment.is_overbooking,
        Appointment.start_time < appointment.end_time,
        Appointment.end_time > appointment.start_time,
    )
    return db.session.execute(others.limit(1)).first() is not None
