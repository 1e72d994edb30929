"""A patient without an appointment: visit, payment and number in one transaction, waiting at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.reception import VisitOpened
from clinic_web.kernel import at_once, bus, clock, idempotency, unit_of_work
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import Busy, NotFound
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, single_statement, transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import Terms
from clinic_web.patients import api as patients
from clinic_web.payments import api as payments
from clinic_web.reception.access import NO_QUEUE
from clinic_web.reception.models.visits import ONE_PRESENCE
from clinic_web.reception.queries import priorities
from clinic_web.reception.service import answers
from clinic_web.reception.service.moves import require_absent, require_reason, tell_line
from clinic_web.reception.service.numbers import timezone_of
from clinic_web.reception.service.payables import open_payment_for, require_here
from clinic_web.reception.service.statements import OPEN_WALK_IN, OPEN_WALK_IN_AT_ONCE

OPEN = "visit.walk_in"


@dataclass(frozen=True, kw_only=True)
class WalkIn:
    """``doctor_id`` None: anyone. ``priority`` (one of the clinic's) needs ``priority_reason``."""

    patient_id: UUID
    service_id: UUID
    doctor_id: UUID | None = None
    priority: str | None = None
    priority_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The walk-in's visit, WAITING, with its number drawn. ``version`` is the visit's: 1 for a new one."""

    visit_id: UUID
    payment_id: UUID
    ticket: str
    queue_id: UUID
    version: int = 1


def open_walk_in(actor: Actor, walk_in: WalkIn, *, key: str) -> Opened:
    """Open the visit, once per ``key``: the same key and walk-in give the same number again.

    Raises NotFound (404: patient, service, doctor), RuleBroken (422, field ``patient_id``: already waiting,
    the sentence names the ticket; field ``priority`` or ``priority_reason``: one that the clinic lacks, or
    without a reason), BadRequest (400).
    """
    require_reason(walk_in.priority, walk_in.priority_reason)
    if unit_of_work.is_under_way():  # which a refused statement would end
        return _open(actor, walk_in, key)
    try:
        opened = _open_at_once(actor, walk_in, key)
    except IntegrityError as error:
        if constraint_of(error) not in (ONE_PRESENCE, idempotency.ALREADY_PRESSED):
            raise
        opened = None
    return opened or _open(actor, walk_in, key)


def _open_at_once(actor: Actor, walk_in: WalkIn, key: str) -> Opened | None:
    """The usual walk-in, in one statement; None when the press needs the long way, which also says why."""
    press = idempotency.press(actor, OPEN, key, vars(walk_in))
    # First where the list stands, then the terms: they may be newer than that says, never older.
    listed = organization.directory_as_of(actor.organization_id)
    terms = organization.listed_terms(actor, walk_in.service_id, walk_in.doctor_id)
    if terms is None or listed is None or actor.facility_id not in (None, terms.facility_id):
        return None
    values = _values(actor, walk_in, terms, new_id())
    values |= payments.values_of_opening(terms, values["now"])
    values |= at_once.values(actor, press, VisitOpened) | at_once.known_as_of(listed)
    values |= audit.witness_values(actor)
    with single_statement():
        row = OPEN_WALK_IN_AT_ONCE.first(values)
        if row is None:
            return None
        at_once.recorded(row.moved, VisitOpened)
        return Opened(
            visit_id=row.id, payment_id=values["payment_id"], ticket=row.ticket, queue_id=row.queue_id
        )


def _open(actor: Actor, walk_in: WalkIn, key: str) -> Opened:
    with transaction():
        claim = idempotency.claim(actor, OPEN, key, vars(walk_in))
        if claim.is_repetition:
            return answers.again(Opened, claim)
        walk_in = replace(walk_in, patient_id=patients.hold(actor, walk_in.patient_id))
        terms = organization.terms(actor, walk_in.service_id, walk_in.doctor_id)
        require_here(actor, terms)
        visit_id = new_id()
        audit.saw(actor, "visit.walk_in", "visit", visit_id)
        queue_id, ticket = _draw_and_open(actor, walk_in, terms, visit_id)
        payment_id = open_payment_for(actor, walk_in, terms, visit_id=visit_id, ticket=ticket)
        opened = Opened(visit_id=visit_id, payment_id=payment_id, ticket=ticket, queue_id=queue_id)
        _tell(actor, walk_in, terms, opened)
        failpoint("walk_in.before_commit")
        answers.keep(claim, opened)
        return opened


def _draw_and_open(actor: Actor, walk_in: WalkIn, terms: Terms, visit_id: UUID) -> tuple[UUID, str]:
    """Draw the number and open the visit with it; return the queue and the ticket."""
    row = OPEN_WALK_IN.first(_values(actor, walk_in, terms, visit_id))
    if row is None:
        raise NotFound(NO_QUEUE)
    if row.ticket is None:
        require_absent(row.queue_id, row.day, walk_in.patient_id)
        raise Busy  # the other visit left the line this very moment
    require_absent(row.queue_id, row.day, walk_in.patient_id, besides=visit_id)  # as a merged record
    return row.queue_id, row.ticket


def _values(actor: Actor, walk_in: WalkIn, terms: Terms, visit_id: UUID) -> dict[str, Any]:
    now = clock.now()
    is_first = walk_in.priority is not None
    return {
        "organization_id": actor.organization_id,
        "facility_id": terms.facility_id,
        "clinic_id": terms.clinic_id,
        "timezone": timezone_of(actor, terms.facility_id),
        "visit_id": visit_id,
        "number_id": new_id(),
        "transition_id": new_id(),
        "patient_id": walk_in.patient_id,
        "service_id": walk_in.service_id,
        "doctor_id": walk_in.doctor_id,
        "priority": walk_in.priority,
        "rank": priorities.rank_in_clinic(terms.clinic_id, walk_in.priority),
        "reason": walk_in.priority_reason if is_first else None,
        "priority_by": actor.user_id if is_first else None,
        "priority_at": now if is_first else None,
        "user_id": actor.user_id,
        "now": now,
    }


def _tell(actor: Actor, walk_in: WalkIn, terms: Terms, opened: Opened) -> None:
    bus.publish(
        VisitOpened(
            organization_id=actor.organization_id,
            facility_id=terms.facility_id,
            clinic_id=terms.clinic_id,
            visit_id=opened.visit_id,
            payment_id=opened.payment_id,
            patient_id=walk_in.patient_id,
            service_id=walk_in.service_id,
            total_amount=terms.price,
            doctor_id=walk_in.doctor_id,
            ticket=opened.ticket,
        ),
        actor,
    )
    tell_line(opened.queue_id)
