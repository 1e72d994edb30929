"""A session is cancelled: it takes no bookings any more, and each appointment in it is settled by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.events.reception import SessionCancelled
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError, NotFound, RuleBroken
from clinic_web.kernel.unit_of_work import run_again, transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import NewLeave
from clinic_web.reception.models import Appointment
from clinic_web.reception.models.appointments import CHECKED_IN, CONFIRMED
from clinic_web.reception.service import cancelling, rescheduling
from clinic_web.reception.service.moves import said
from clinic_web.reception.service.rescheduling import NewTime

MOVE, CANCEL = "move", "cancel"


@dataclass(frozen=True, kw_only=True)
class Session:
    """A doctor's time in one clinic: aware times, the end not part of it."""

    clinic_id: UUID
    doctor_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of one appointment: ``to`` another time, or cancelled where there is none. ``version`` is
    the appointment's as it was seen."""

    appointment_id: UUID
    version: int
    to: NewTime | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one decision: the ticket as it is now, or the refusal that says why not."""

    appointment_id: UUID
    ticket: str | None = None
    start_time: datetime | None = None
    refusal: DomainError | None = None


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


def settle(actor: Actor, decisions: Iterable[Decision], *, reason: str | None, key: str) -> list[Outcome]:
    """Carry out the decisions one by one, each in its own transaction: one refusal stops no other.

    ``reason`` is for those that are cancelled (RuleBroken, 422, field ``reason``, before anything is done).
    The same ``key`` again gives the same answers for what was moved.
    """
    wanted: Sequence[Decision] = list(decisions)
    if not wanted:
        raise RuleBroken(N_("Mark at least one appointment."), field="marked")
    if any(each.to is None for each in wanted):
        reason = said(reason)
    return [_settled(actor, each, reason or "", f"{key}:{each.appointment_id}") for each in wanted]


def _settled(actor: Actor, decision: Decision, reason: str, key: str) -> Outcome:
    try:
        return run_again(lambda: _settle(actor, decision, reason, key))
    except DomainError as error:
        db.session.rollback()
        return Outcome(appointment_id=decision.appointment_id, refusal=error)


def _settle(actor: Actor, decision: Decision, reason: str, key: str) -> Outcome:
    appointment_id, version = decision.appointment_id, decision.version
    if decision.to is None:
        actor.require("appointment.cancel")
        cancelled = cancelling.cancel_appointment(actor, appointment_id, reason, version=version)
        return Outcome(appointment_id=appointment_id, ticket=cancelled.ticket)
    actor.require("appointment.reschedule")
    moved = rescheduling.reschedule(actor, appointment_id, decision.to, version=version, key=key[-100:])
    return Outcome(appointment_id=appointment_id, ticket=moved.ticket, start_time=moved.start_time)
