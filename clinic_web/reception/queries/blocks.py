"""Numbers on paper: a line's blocks with what became of each number; what is open when a day is closed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, text

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo
from clinic_web.patients import api as patients
from clinic_web.reception.access import block_for
from clinic_web.reception.models import NumberBlock, Queue, QueueNumber, Visit
from clinic_web.reception.models.queues import RESERVED, TODAY, VOID, ticket_text
from clinic_web.reception.queries import lines
from clinic_web.reception.queries.lines import Line

MOST_BLOCKS = 10
LOCAL_DAY = text(f"SELECT {TODAY}")


@dataclass(frozen=True, kw_only=True)
class PaperNumber:
    """One number of a block: RESERVED (on paper, open), ISSUED (entered: ``visit_id``, ``name``) or VOID."""

    number: int
    ticket: str
    state: str
    visit_id: UUID | None
    void_reason: str | None
    name: str | None = None
    written_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.state == RESERVED

    @property
    def is_void(self) -> bool:
        return self.state == VOID


@dataclass(frozen=True, kw_only=True)
class Block:
    """Numbers that were handed out on paper together."""

    id: UUID
    day: date
    first_number: int
    last_number: int
    reason: str
    created_at: datetime
    created_by: UUID | None
    numbers: tuple[PaperNumber, ...]

    @property
    def open(self) -> list[PaperNumber]:
        return [each for each in self.numbers if each.is_open]


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """A line's blocks: today's and those that still have open numbers, the newest first."""

    line: Line
    today: date
    blocks: tuple[Block, ...]


def blocks(actor: Actor, queue_id: UUID) -> Blocks:
    """Return a line's numbers on paper; NotFound (404). Whose visits they became is noted as seen."""
    line = lines.line(actor, queue_id)
    today = db.session.execute(LOCAL_DAY, {"timezone": organization.facility(actor).timezone}).scalar_one()
    is_open = select(QueueNumber.block_id).where(
        QueueNumber.queue_id == queue_id, QueueNumber.state == RESERVED
    )
    wanted = (
        select(NumberBlock)
        .where(NumberBlock.queue_id == queue_id, (NumberBlock.day == today) | NumberBlock.id.in_(is_open))
        .order_by(NumberBlock.day.desc(), NumberBlock.first_number.desc())
        .limit(MOST_BLOCKS)
    )
    found = list(db.session.scalars(wanted))
    numbers = _numbers(actor, line.prefix, [block.id for block in found])
    return Blocks(line=line, today=today, blocks=tuple(_block(each, numbers[each.id]) for each in found))


def _block(row: NumberBlock, numbers: list[PaperNumber]) -> Block:
    return Block(
        id=row.id,
        day=row.day,
        first_number=row.first_number,
        last_number=row.last_number,
        reason=row.reason,
        created_at=row.created_at,
        created_by=row.created_by,
        numbers=tuple(numbers),
    )


def _numbers(actor: Actor, prefix: str, block_ids: list[UUID]) -> dict[UUID | None, list[PaperNumber]]:
    """Every number with the patient it was entered for, names asked in one go."""
    rows = db.session.execute(
        select(QueueNumber.block_id, QueueNumber, Visit.patient_id, Visit.check_in_time)
        .outerjoin(Visit, Visit.id == QueueNumber.visit_id)
        .where(QueueNumber.block_id.in_(block_ids))
        .order_by(QueueNumber.number)
    ).all()
    of_patients = {row.patient_id for row in rows if row.patient_id}
    with transaction():
        cards = patients.cards(actor, of_patients) if of_patients else {}
        if of_patients:
            audit.saw(actor, "queue.blocks", "patient", ids=of_patients)
    found: dict[UUID | None, list[PaperNumber]] = defaultdict(list)
    for block_id, number, patient_id, written_at in rows:
        card = cards.get(patient_id) if patient_id else None
        found[block_id].append(
            PaperNumber(
                number=number.number,
                ticket=ticket_text(prefix, number.number),
                state=number.state,
                visit_id=number.visit_id,
                void_reason=number.void_reason,
                name=card.name if card else None,
                written_at=written_at,
            )
        )
    return found


@dataclass(frozen=True, kw_only=True)
class OpenNumber:
    """A number that can be entered now, with the day on which it was handed out."""

    block_id: UUID
    number: int
    ticket: str
    day: date


def open_for_entry(actor: Actor, clinic_id: UUID) -> list[OpenNumber]:
    """Return a clinic's numbers that are still on paper, the oldest first."""
    rows = db.session.execute(
        select(QueueNumber.block_id, QueueNumber.number, QueueNumber.day, Queue.prefix)
        .join(Queue, Queue.id == QueueNumber.queue_id)
        .where(
            QueueNumber.organization_id == actor.organization_id,
            Queue.clinic_id == clinic_id,
            QueueNumber.state == RESERVED,
        )
        .order_by(QueueNumber.day, QueueNumber.number)
    )
    return [
        OpenNumber(block_id=block_id, number=number, ticket=ticket_text(prefix, number), day=day)
        for block_id, number, day, prefix in rows
        if block_id is not None
    ]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A block as it is printed: one slip for each number that is still open."""

    block_id: UUID
    line: Line
    facility: FacilityInfo
    day: date
    tickets: tuple[str, ...]


def sheet(actor: Actor, block_id: UUID) -> Sheet:
    """Return the slips of a block; NotFound (404)."""
    block = block_for(actor, block_id)
    line = lines.line(actor, block.queue_id)
    numbers = db.session.scalars(
        select(QueueNumber.number)
        .where(QueueNumber.block_id == block.id, QueueNumber.state == RESERVED)
        .order_by(QueueNumber.number)
    )
    return Sheet(
        block_id=block.id,
        line=line,
        facility=organization.facility(actor),
        day=block.day,
        tickets=tuple(ticket_text(line.prefix, number) for number in numbers),
    )


def open_numbers(actor: Actor, facility_id: UUID, day: date) -> dict[UUID, int]:
    """Return how many numbers of a day are still open on paper, by queue: what closing the day shows."""
    rows = db.session.execute(
        select(QueueNumber.queue_id, func.count())
        .join(Queue, Queue.id == QueueNumber.queue_id)
        .where(
            QueueNumber.organization_id == actor.organization_id,
            Queue.facility_id == facility_id,
            QueueNumber.day == day,
            QueueNumber.state == RESERVED,
        )
        .group_by(QueueNumber.queue_id)
    )
    return {queue_id: count for queue_id, count in rows}
