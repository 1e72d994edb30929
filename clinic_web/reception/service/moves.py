"""What every move of a visit has in common: its witness row, its version, who is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events import reception as events
from clinic_web.kernel import bus, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.patients import api as patients
from clinic_web.reception.access import visit_for
from clinic_web.reception.live import board_topic, queue_topic
from clinic_web.reception.models import Visit, VisitTransition
from clinic_web.reception.models.visits import ONE_PRESENCE, ONE_WITH_THE_DOCTOR, PRESENT

VisitEvent = (
    type[events.VisitCheckedIn]
    | type[events.VisitCalled]
    | type[events.VisitStarted]
    | type[events.VisitFinished]
    | type[events.VisitCompleted]
    | type[events.VisitMissed]
    | type[events.VisitCancelled]
)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A visit after a move: what a screen needs to say so, and ``version`` for the next move or its undo."""

    visit_id: UUID
    queue_id: UUID
    patient_id: UUID
    ticket: str | None
    status: str
    version: int
    appointment_id: UUID | None = None
    doctor_id: UUID | None = None
    attending_id: UUID | None = None
    room_id: UUID | None = None


@contextmanager
def moving(actor: Actor, visit_id: UUID, version: int) -> Iterator[Visit]:
    """Run one use case on one visit: locked, and as the person who acts saw it (else StaleVisit, 409).

    Nothing is written until ``moved`` does it, in one UPDATE: reading a payment half-way must not write half
    a move.
    """
    with transaction(), db.session.no_autoflush:
        visit = visit_for(actor, visit_id, lock=True)
        visit.require_version(version)
        yield visit


def moved(actor: Actor, action: str, visit: Visit, *witnesses: VisitTransition) -> Moved:
    """Write a move that a verb of ``visit`` has made: its witnesses, the access log; tell desk and board."""
    for witness in witnesses:
        witness.by_user_id = actor.user_id
        db.session.add(witness)
    visit.updated_by = actor.user_id
    flush()
    audit.saw(actor, action, "visit", visit.id)
    tell_line(visit.queue_id)
    return state_of(visit)


def flush() -> None:
    """Write pending changes now; a race that a unique index has decided becomes a sentence."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise _lost_race(error) from error


def _lost_race(error: IntegrityError) -> Exception:
    sentences: dict[str | None, DomainError] = {
        ONE_PRESENCE: RuleBroken(N_("This patient is already in this line."), field="patient_id"),
        ONE_WITH_THE_DOCTOR: StaleScreen(N_("The doctor has called another patient meanwhile.")),
    }
    return sentences.get(constraint_of(error), error)


def require_absent(queue_id: UUID, day: date, patient_id: UUID, *, besides: UUID | None = None) -> None:
    """Raise RuleBroken (422) naming the ticket when the patient is present in this line already.

    That is under any id of theirs, and the person is held until the commit: nobody else lets them in, and no
    merge brings another id. ``besides`` is the visit that is just being opened.
    """
    ticket = db.session.execute(
        select(Visit.ticket).where(
            Visit.queue_id == queue_id,
            Visit.queue_day == day,
            Visit.patient_id.in_(patients.hold_ids(patient_id)),
            Visit.id.is_distinct_from(besides),
            Visit.status.in_(PRESENT),
        )
    ).first()
    if ticket is not None:
        raise RuleBroken(
            N_("This patient is already in this line, with %(ticket)s."),
            field="patient_id",
            ticket=ticket[0] or "–",
        )


def require_reason(priority: str | None, reason: str | None) -> None:
    """Raise RuleBroken (422) for a priority without the reason that is shown beside it."""
    if priority is not None and not (reason or "").strip():
        raise RuleBroken(
            N_("Say why this patient comes first: everybody who waits may ask."), field="priority_reason"
        )


def said(reason: str | None) -> str:
    """Return the reason that a person gave; RuleBroken (422, field ``reason``) when there is none."""
    reason = (reason or "").strip()
    if not reason:
        raise RuleBroken(N_("Say why, in a few words."), field="reason")
    return reason


def state_of(visit: Visit) -> Moved:
    return Moved(
        visit_id=visit.id,
        queue_id=visit.queue_id,
        patient_id=visit.patient_id,
        ticket=visit.ticket,
        status=visit.status,
        version=visit.version,
        appointment_id=visit.appointment_id,
        doctor_id=visit.doctor_id,
        attending_id=visit.attending_id,
        room_id=visit.room_id,
    )


def tell_line(queue_id: UUID) -> None:
    """Say that the line changed: for desks and doctors, and for the wall."""
    push.changed(queue_topic(queue_id))
    push.changed(board_topic(queue_id))


class OfVisit(Protocol):
    """What events and finishing need of a visit: the entity, or a row that the hot path has read."""

    id: Any
    organization_id: Any
    clinic_id: Any
    queue_id: Any
    patient_id: Any
    doctor_id: Any
    attending_id: Any
    room_id: Any
    ticket: Any


def publish(actor: Actor, event: VisitEvent, visit: OfVisit) -> None:
    """Tell the other modules what happened to a visit."""
    bus.publish(
        event(
            organization_id=visit.organization_id,
            clinic_id=visit.clinic_id,
            visit_id=visit.id,
            patient_id=visit.patient_id,
            ticket=visit.ticket,
            doctor_id=visit.attending_id or visit.doctor_id,
            room_id=visit.room_id,
        ),
        actor,
    )
