"""Numbers on paper: reserved for a power cut, written down by hand, entered later, the unused ones void.

From the reservation on every number has its row, so the numbers of the day stay gapless, and walk-ins
meanwhile draw after the block.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.reception import VisitOpened
from clinic_web.kernel import bus, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import Terms
from clinic_web.patients import api as patients
from clinic_web.reception.access import NO_BLOCK, block_for, queue_for
from clinic_web.reception.models import NumberBlock, Queue, QueueNumber, Visit, VisitTransition
from clinic_web.reception.models.queues import CLINIC, ISSUED, RESERVED, VOID, ticket_text
from clinic_web.reception.models.visits import ONE_PRESENCE, PENDING_PAYMENT, WAITING, WALK_IN
from clinic_web.reception.service import answers
from clinic_web.reception.service.moves import require_absent, said, tell_line
from clinic_web.reception.service.numbers import today
from clinic_web.reception.service.payables import open_payment_for, require_here

MOST_AT_ONCE = 200
ON_PAPER = N_("Written down on paper.")
IS_USED = N_("%(ticket)s is entered already.")
IS_VOID = N_("%(ticket)s is void.")

# The counter moves past the whole block at once; each number has its row in the same statement.
RESERVE = Statement(
    """
    WITH counter AS (
        INSERT INTO reception.queue_days AS d (organization_id, queue_id, day, last_number)
        VALUES (:organization_id, :queue_id, CAST(:day AS date), :count)
            ON CONFLICT (queue_id, day) DO UPDATE SET last_number = d.last_number + :count
        RETURNING last_number
    ), block AS (
        INSERT INTO reception.number_blocks
               (id, organization_id, facility_id, queue_id, day, first_number, last_number, reason,
                created_by, updated_by)
        SELECT :block_id, :organization_id, :facility_id, :queue_id, CAST(:day AS date),
               last_number - :count + 1, last_number, :reason, :user_id, :user_id
          FROM counter
        RETURNING first_number, last_number
    ), numbers AS (
        INSERT INTO reception.queue_numbers
               (id, organization_id, queue_id, day, number, block_id, state, issued_at)
        SELECT gen_random_uuid(), :organization_id, :queue_id, CAST(:day AS date), each, :block_id,
               'RESERVED', :now
          FROM block, generate_series(first_number, last_number) AS each
    )
    SELECT first_number, last_number FROM block
    """
)


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """A block of numbers that are on paper now."""

    block_id: UUID
    first_number: int
    last_number: int


@dataclass(frozen=True, kw_only=True)
class Written:
    """What somebody wrote on a slip. ``written_at`` is aware; ``was_seen``: the doctor has seen the patient
    already, so the visit only has to be paid."""

    number: int
    patient_id: UUID
    service_id: UUID
    written_at: datetime
    doctor_id: UUID | None = None
    was_seen: bool = False


@dataclass(frozen=True, kw_only=True)
class Entered:
    """The visit of a number that was written down."""

    visit_id: UUID
    payment_id: UUID
    ticket: str
    queue_id: UUID
    status: str


def reserve(actor: Actor, queue_id: UUID, count: int, reason: str, *, key: str | None) -> Reserved:
    """Reserve the next ``count`` numbers of today, once per ``key``. Right ``queue.reserve``.

    Raises RuleBroken (422, field ``count`` or ``reason``), NotFound (404), BadRequest (400: no key).
    """
    actor.require("queue.reserve")
    reason = said(reason)
    if not 0 < count <= MOST_AT_ONCE:
        raise RuleBroken(N_("Reserve between 1 and %(most)s numbers."), field="count", most=MOST_AT_ONCE)
    with transaction():
        asked = {"queue": queue_id, "count": count, "reason": reason}
        claim = idempotency.claim(actor, "queue.reserve", key, asked)
        if claim.is_repetition:
            return answers.again(Reserved, claim)
        queue = queue_for(actor, queue_id)
        if queue.kind != CLINIC or not queue.is_active:
            raise NotFound(NO_BLOCK)
        block_id = new_id()
        row = RESERVE.first(
            {
                "queue_id": queue.id,
                "day": today(actor, queue.facility_id),
                "count": count,
                "block_id": block_id,
                "organization_id": actor.organization_id,
                "facility_id": queue.facility_id,
                "reason": reason,
                "user_id": actor.user_id,
                "now": clock.now(),
            }
        )
        audit.saw(actor, "queue.reserve", "number_block", block_id)
        tell_line(queue.id)
        reserved = Reserved(block_id=block_id, first_number=row.first_number, last_number=row.last_number)
        answers.keep(claim, reserved)
        return reserved


def enter(actor: Actor, block_id: UUID, slip: Written, *, key: str | None) -> Entered:
    """Open the visit that a slip stands for, with its number and at the time written, once per ``key``.

    Today's patients wait from then on, or go to pay when they were seen; of an earlier day all were seen.
    Raises StaleScreen (409: the number is entered or void), RuleBroken (422: ``number``, ``patient_id``,
    ``written_at``), NotFound (404), BadRequest (400).
    """
    actor.require("queue.reserve")
    with transaction():
        claim = idempotency.claim(actor, "queue.enter", key, {"block": block_id, **vars(slip)})
        if claim.is_repetition:
            return answers.again(Entered, claim)
        block = block_for(actor, block_id)
        queue = queue_for(actor, block.queue_id)
        slip = replace(slip, patient_id=patients.hold(actor, slip.patient_id))
        terms = organization.terms(actor, slip.service_id, slip.doctor_id)
        require_here(actor, terms)
        _require_fits(actor, block, queue, slip, terms)
        entered = _open(actor, block, queue, slip, terms)
        _tell(actor, slip, terms, entered)
        answers.keep(claim, entered)
        return entered


def _require_fits(actor: Actor, block: NumberBlock, queue: Queue, slip: Written, terms: Terms) -> None:
    if terms.clinic_id != queue.clinic_id:
        raise RuleBroken(N_("This service is not offered in this clinic."), field="service")
    zone = organization.directory(actor.organization_id).facilities[queue.facility_id].timezone
    if clock.local(slip.written_at, zone).date() != block.day or slip.written_at > clock.now():
        raise RuleBroken(
            N_("Give the time at which it was written, on the day of these numbers."), field="written_at"
        )
    if block.day != today(actor, queue.facility_id) and not slip.was_seen:
        raise RuleBroken(
            N_("That day is over: only patients who were seen can be entered. Void the others."),
            field="was_seen",
        )
    if slip.was_seen and slip.doctor_id is None:
        raise RuleBroken(N_("Say which doctor has seen the patient."), field="doctor")


def _open(actor: Actor, block: NumberBlock, queue: Queue, slip: Written, terms: Terms) -> Entered:
    """Visit, payment, number: nobody else can enter the number meanwhile, its row is locked."""
    if not slip.was_seen:
        require_absent(queue.id, block.day, slip.patient_id)
    number = _locked_number(block, queue, slip.number)
    ticket = ticket_text(queue.prefix, slip.number)
    visit = _visit(actor, block, queue, slip, ticket)
    number.state, number.visit_id = ISSUED, visit.id
    db.session.add(visit)
    try:
        db.session.flush()
    except IntegrityError as error:
        if constraint_of(error) != ONE_PRESENCE:
            raise
        raise RuleBroken(N_("This patient is already in this line."), field="patient_id") from error
    db.session.add(
        VisitTransition(
            organization_id=actor.organization_id,
            visit_id=visit.id,
            to_status=visit.status,
            reason=ON_PAPER,
            by_user_id=actor.user_id,
            at=slip.written_at,
        )
    )
    payment_id = open_payment_for(
        actor, slip, terms, visit_id=visit.id, ticket=ticket, due_at=slip.written_at
    )
    audit.saw(actor, "queue.enter", "visit", visit.id)
    return Entered(
        visit_id=visit.id, payment_id=payment_id, ticket=ticket, queue_id=queue.id, status=visit.status
    )


def _locked_number(block: NumberBlock, queue: Queue, wanted: int) -> QueueNumber:
    found = select(QueueNumber).where(QueueNumber.block_id == block.id, QueueNumber.number == wanted)
    number = db.session.scalars(
        found.with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    ticket = ticket_text(queue.prefix, wanted)
    if number is None:
        raise RuleBroken(N_("%(ticket)s is not one of these numbers."), field="number", ticket=ticket)
    if number.state != RESERVED:
        raise StaleScreen(IS_USED if number.state == ISSUED else IS_VOID, ticket=ticket)
    return number


def _visit(actor: Actor, block: NumberBlock, queue: Queue, slip: Written, ticket: str) -> Visit:
    seen_at = slip.written_at if slip.was_seen else None
    return Visit(
        id=new_id(),
        organization_id=actor.organization_id,
        facility_id=queue.facility_id,
        clinic_id=queue.clinic_id,
        queue_id=queue.id,
        doctor_id=slip.doctor_id,
        attending_id=slip.doctor_id if slip.was_seen else None,
        patient_id=slip.patient_id,
        service_id=slip.service_id,
        queue_day=block.day,
        queue_number=slip.number,
        ticket=ticket,
        check_in_time=slip.written_at,
        start_time=seen_at,
        end_time=seen_at,
        visit_type=WALK_IN,
        status=PENDING_PAYMENT if slip.was_seen else WAITING,
        created_by=actor.user_id,
        updated_by=actor.user_id,
    )


def void_unused(actor: Actor, block_id: UUID, reason: str, *, number: int | None = None) -> int:
    """Void the numbers of a block that nobody used, or one of them; return how many.

    Raises RuleBroken (422, field ``reason``), StaleScreen (409: nothing is open any more), NotFound (404).
    """
    actor.require("queue.reserve")
    reason = said(reason)
    with transaction():
        block = block_for(actor, block_id)
        mine = select(QueueNumber).where(QueueNumber.block_id == block.id, QueueNumber.state == RESERVED)
        if number is not None:
            mine = mine.where(QueueNumber.number == number)
        rows = db.session.scalars(mine.order_by(QueueNumber.number).with_for_update()).all()
        if not rows:
            raise StaleScreen(N_("None of these numbers is open any more."))
        for row in rows:
            row.state, row.void_reason = VOID, reason
        block.updated_by, block.updated_at = actor.user_id, clock.now()
        audit.saw(actor, "queue.void", "number_block", block.id)
        tell_line(block.queue_id)
        return len(rows)


def _tell(actor: Actor, slip: Written, terms: Terms, entered: Entered) -> None:
    told: dict[str, Any] = {
        "organization_id": actor.organization_id,
        "facility_id": terms.facility_id,
        "clinic_id": terms.clinic_id,
        "visit_id": entered.visit_id,
        "payment_id": entered.payment_id,
        "patient_id": slip.patient_id,
        "service_id": slip.service_id,
        "total_amount": terms.price,
        "doctor_id": slip.doctor_id,
        "ticket": entered.ticket,
    }
    bus.publish(VisitOpened(**told), actor)
    tell_line(entered.queue_id)
