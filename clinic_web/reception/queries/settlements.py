"""How far a worker is with the appointments of a doctor who is away, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import StaffInfo
from clinic_web.patients import api as patients
from clinic_web.reception.access import settlement_for
from clinic_web.reception.models import Appointment, Settlement, SettlementItem, Visit
from clinic_web.reception.models.settlements import CANCELLED, MOVED, REFUSED

LATELY = timedelta(days=7)
MOST_LATELY = 3


@dataclass(frozen=True, kw_only=True)
class Settled:
    """One appointment and what came of it; ``why_not`` is the refusal, ``phone`` whom to call then."""

    appointment_id: UUID
    state: str
    ticket: str | None
    from_start: datetime
    to_start: datetime | None
    to_doctor: StaffInfo | None
    why_not: DomainError | None
    name: str
    phone: str | None


@dataclass(frozen=True, kw_only=True)
class SettlementShown:
    """A settlement with its counts; ``rows`` only when it is over: those that could not be settled first."""

    run: Settlement
    doctor: StaffInfo | None
    moved: int
    cancelled: int
    refused: int
    rows: list[Settled]


def settlement(actor: Actor, settlement_id: UUID) -> SettlementShown:
    """Return it; NotFound (404). The look at the patients is noted."""
    run = settlement_for(actor, settlement_id)
    counted = select(SettlementItem.state, func.count()).where(SettlementItem.settlement_id == run.id)
    counts = {row[0]: row[1] for row in db.session.execute(counted.group_by(SettlementItem.state))}
    staff = organization.directory(actor.organization_id).staff
    return SettlementShown(
        run=run,
        doctor=staff.get(run.doctor_id),
        moved=counts.get(MOVED, 0),
        cancelled=counts.get(CANCELLED, 0),
        refused=counts.get(REFUSED, 0),
        rows=[] if run.is_open else _rows(actor, run),
    )


def _rows(actor: Actor, run: Settlement) -> list[Settled]:
    wanted = (
        select(SettlementItem, Appointment.patient_id, Visit.ticket)
        .join(Appointment, Appointment.id == SettlementItem.appointment_id)
        .join(Visit, Visit.appointment_id == Appointment.id)
        .where(SettlementItem.settlement_id == run.id)
        .order_by(SettlementItem.state != REFUSED, SettlementItem.place)
    )
    found = db.session.execute(wanted).all()
    staff = organization.directory(actor.organization_id).staff
    ids = dict.fromkeys(patient_id for _, patient_id, _ in found)
    with transaction():
        cards = patients.cards(actor, ids)
        audit.saw(actor, "appointment.settlement", "patient", ids=ids)
    return [
        Settled(
            appointment_id=item.appointment_id,
            state=item.state,
            ticket=item.ticket or ticket,
            from_start=item.from_start,
            to_start=item.to_start,
            to_doctor=staff.get(item.to_doctor_id) if item.to_doctor_id else None,
            why_not=item.why_not,
            name=cards[patient_id].name if patient_id in cards else "",
            phone=cards[patient_id].phone if patient_id in cards else None,
        )
        for item, patient_id, ticket in found
    ]


def settled_lately(actor: Actor, doctor_id: UUID, since: datetime, until: datetime) -> list[Settlement]:
    """Return the last settlements of a doctor's time that meet the span, the newest first."""
    wanted = select(Settlement).where(
        Settlement.organization_id == actor.organization_id,
        Settlement.doctor_id == doctor_id,
        Settlement.created_at >= clock.now() - LATELY,
        Settlement.starts_at < until,
        Settlement.ends_at > since,
    )
    if actor.facility_id is not None:
        wanted = wanted.where(Settlement.facility_id == actor.facility_id)
    return list(db.session.scalars(wanted.order_by(Settlement.created_at.desc()).limit(MOST_LATELY)))
