"""One appointment in hand: what was promised, what became of it, where it was, what may be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.identity import api as identity
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, StaffInfo
from clinic_web.reception.access import appointment_for
from clinic_web.reception.models import Appointment, AppointmentMove, Visit
from clinic_web.reception.models.visits import CALLED, NO_SHOW, ON_HOLD, SCHEDULED, WAITING
from clinic_web.reception.queries import hand
from clinic_web.reception.queries.hand import VisitInHand

CANCELLABLE = (SCHEDULED, WAITING, ON_HOLD, CALLED)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """One move, as the history tells it. ``from_start`` is None where only the line was another."""

    at: datetime
    from_start: datetime | None
    from_clinic: ClinicInfo | None
    from_doctor: StaffInfo | None
    from_ticket: str | None
    is_undo: bool
    can_be_undone: bool


@dataclass(frozen=True, kw_only=True)
class AppointmentInHand:
    """``held`` is its visit in hand; ``version`` is the appointment's, ``acts`` what the person may do."""

    id: UUID
    version: int
    held: VisitInHand
    start_time: datetime
    end_time: datetime
    doctor: StaffInfo | None
    doctor_id: UUID
    service_id: UUID
    booking_source: str
    booked_at: datetime
    booked_by: str | None
    overbooking_reason: str | None
    moves: list[Moved]
    acts: frozenset[str]

    @property
    def value(self) -> str:
        return f"{self.doctor_id}|{self.start_time.isoformat()}"


def appointment(actor: Actor, appointment_id: UUID, *, is_asked_for: bool = False) -> AppointmentInHand:
    """Return the appointment; NotFound (404). The look is noted. ``is_asked_for``: see ``hand.visit``."""
    found = appointment_for(actor, appointment_id)
    visit_id = db.session.scalars(select(Visit.id).where(Visit.appointment_id == found.id)).one()
    held = hand.visit(actor, visit_id, is_asked_for=is_asked_for)
    directory = organization.directory(actor.organization_id)
    moves = db.session.scalars(
        select(AppointmentMove)
        .where(AppointmentMove.appointment_id == found.id)
        .order_by(AppointmentMove.sequence_number.desc())
    )
    return AppointmentInHand(
        id=found.id,
        version=found.version,
        held=held,
        start_time=found.start_time,
        end_time=found.end_time,
        doctor=directory.staff.get(found.doctor_id),
        doctor_id=found.doctor_id,
        service_id=found.service_id,
        booking_source=found.booking_source,
        booked_at=found.created_at,
        booked_by=identity.names_of(actor, [found.created_by]).get(found.created_by)
        if found.created_by
        else None,
        overbooking_reason=found.overbooking_reason if found.is_overbooking else None,
        moves=[_moved(each, directory) for each in moves],
        acts=_acts(actor, found, held),
    )


def _moved(move: AppointmentMove, directory: Directory) -> Moved:
    return Moved(
        at=move.at,
        from_start=move.from_start if move.visit_move_id is None else None,
        from_clinic=_other(directory.clinics, move.from_clinic_id, move.to_clinic_id),
        from_doctor=directory.staff.get(move.from_doctor_id),
        from_ticket=move.from_ticket if move.from_ticket != move.to_ticket else None,
        is_undo=move.undoes_id is not None,
        can_be_undone=move.can_be_undone,
    )


def _other(clinics: dict[UUID, ClinicInfo], was: UUID | None, now: UUID | None) -> ClinicInfo | None:
    return clinics.get(was) if was is not None and was != now else None


def _acts(actor: Actor, found: Appointment, held: VisitInHand) -> frozenset[str]:
    """What the desk may do with the visit, and what concerns the promise alone."""
    status, acts = held.row.status, set(held.acts) - {"cancel", "miss", "prioritise", "hold"}
    if status in CANCELLABLE and actor.can("appointment.cancel"):
        acts.add("cancel")
    if status in CANCELLABLE and actor.can("appointment.book"):
        acts.add("note")
    if status == SCHEDULED and actor.can("appointment.reschedule"):
        acts.add("move")
    if status == SCHEDULED and held.row.is_due and actor.can("appointment.miss"):
        acts.add("miss")
    if found.keeps_its_time and actor.can("appointment.overbook") and actor.can("appointment.book"):
        acts.add("overbook")
    if status == NO_SHOW and actor.can("appointment.book"):
        acts.add("again")
    return frozenset(acts)
