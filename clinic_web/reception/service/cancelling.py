"""Cancel: visit and appointment together, the payment voided if nothing was paid, the number kept."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from clinic_web.events.reception import AppointmentCancelled, VisitCancelled
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api as payments
from clinic_web.reception.access import appointment_for, visit_for
from clinic_web.reception.models import Visit
from clinic_web.reception.models.appointments import CANCELLED
from clinic_web.reception.service.following import follow
from clinic_web.reception.service.moves import Moved, moved, moving, publish, said


def cancel_visit(actor: Actor, visit_id: UUID, reason: str, *, version: int) -> Moved:
    """Anything before IN_PROGRESS → CANCELLED, with its appointment. ``version`` is the visit's.

    Raises RuleBroken (422, field ``reason``, without one), StaleScreen (409), NotFound (404).
    """
    reason = said(reason)
    with moving(actor, visit_id, version) as visit:
        return _cancel(actor, visit, reason)


def cancel_appointment(actor: Actor, appointment_id: UUID, reason: str, *, version: int) -> Moved:
    """The same, found by the appointment; ``version`` is the appointment's."""
    reason = said(reason)
    with transaction(), db.session.no_autoflush:
        visit_id = db.session.execute(
            select(Visit.id).where(Visit.appointment_id == appointment_for(actor, appointment_id).id)
        ).scalar_one()
        visit = visit_for(actor, visit_id, lock=True)
        appointment_for(actor, appointment_id, lock=True).require_version(version)
        return _cancel(actor, visit, reason)


def _cancel(actor: Actor, visit: Visit, reason: str) -> Moved:
    witness = visit.cancel(reason)
    appointment = follow(actor, visit, CANCELLED)
    if appointment is not None:
        appointment.cancelled_at, appointment.cancel_reason = witness.at, reason
        bus.publish(
            AppointmentCancelled(
                organization_id=visit.organization_id,
                appointment_id=appointment.id,
                visit_id=visit.id,
                patient_id=visit.patient_id,
                facility_id=appointment.facility_id,
                clinic_id=appointment.clinic_id,
                doctor_id=appointment.doctor_id,
                start_time=appointment.start_time,
                booking_id=appointment.booking_id,
            ),
            actor,
        )
    payments.void_for_visit(actor, visit.id, reason)
    publish(actor, VisitCancelled, visit)
    return moved(actor, "visit.cancel", visit, witness)
