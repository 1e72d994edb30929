"""A session is cancelled: it takes no bookings any more. Its appointments wait to be settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.events.reception import SessionCancelled
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import NewLeave
from clinic_web.reception.models import Appointment
from clinic_web.reception.models.appointments import CHECKED_IN, CONFIRMED
from clinic_web.reception.service.moves import said


@dataclass(frozen=True, kw_only=True)
class Session:
    """A doctor's time in one clinic: aware times, the end not part of it."""

    clinic_id: UUID
    doctor_id: UUID
    starts_at: datetime
    ends_at: datetime


def cancel_session(actor: Actor, session: Session, reason: str | None) -> UUID:
    """Close the session for bookings and return the id of its leave; its appointments wait for a decision.

    Taking it back is ``organization.api.remove_leave``. Raises RuleBroken (422: no reason, or an end before
    the beginning), NotFound (404).
    """
    actor.require("appointment.cancel_session")
    reason = said(reason)
    clinic = organization.directory(actor.organization_id).clinics.get(session.clinic_id)
    if clinic is None or actor.facility_id not in (None, clinic.facility_id):
        raise NotFound
    with transaction():
        leave_id = organization.add_leave(
            actor,
            NewLeave(
                staff_id=session.doctor_id,
                clinic_id=session.clinic_id,
                starts_at=session.starts_at,
                ends_at=session.ends_at,
                kind=organization.SESSION_CANCELLED,
                note=reason,
            ),
        )
        bus.publish(
            SessionCancelled(
                organization_id=actor.organization_id,
                facility_id=clinic.facility_id,
                clinic_id=session.clinic_id,
                leave_id=leave_id,
                doctor_id=session.doctor_id,
                starts_at=session.starts_at,
                ends_at=session.ends_at,
                appointments=_count(actor, session),
            ),
            actor,
        )
        return leave_id


def _count(actor: Actor, session: Session) -> int:
    inside = select(func.count()).where(
        Appointment.organization_id == actor.organization_id,
        Appointment.doctor_id == session.doctor_id,
        Appointment.clinic_id == session.clinic_id,
        Appointment.status.in_((CONFIRMED, CHECKED_IN)),
        Appointment.start_time < session.ends_at,
        Appointment.end_time > session.starts_at,
    )
    return db.session.scalar(inside) or 0
