"""Queues and their numbers. Every number 1..N of a queue's day has a row: gapless, once each."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of

CLINIC = "CLINIC"
CASHIER = "CASHIER"
STATIONS = (CASHIER, "PHARMACY", "LAB")
KINDS = (CLINIC, *STATIONS)

BY_NUMBER, BY_APPOINTMENT, BY_PRIORITY = "NUMBER", "APPOINTMENT_TIME", "PRIORITY_THEN_NUMBER"
POLICIES = (BY_NUMBER, BY_APPOINTMENT, BY_PRIORITY)

AT_BOOKING, AT_CHECK_IN = "BOOKING", "CHECK_IN"

SHOW_NUMBER, SHOW_INITIALS, SHOW_NAME = "NUMBER", "INITIALS", "NAME"
PRIVACIES = (SHOW_NUMBER, SHOW_INITIALS, SHOW_NAME)

ISSUED, VOID, RESERVED = "ISSUED", "VOID", "RESERVED"


class Queue(Model, Stamped, Versioned):
    """A line of people: one per clinic, and one per station. ``prefix`` is the letter of its tickets.

    A clinic's queue is called as its clinic is; a station has names of its own, and ``room_id`` is the usual
    counter. People at a station come one by one from elsewhere, so there only the time they came counts.
    ``takes_unpaid``, of a cashier: who was seen and has not paid joins by themselves.
    """

    __tablename__ = "queues"
    __table_args__ = (
        one_of("kind", *KINDS),
        one_of("policy", *POLICIES),
        one_of("draw_at", AT_BOOKING, AT_CHECK_IN),
        one_of("privacy", *PRIVACIES),
        Index("uq_queues_clinic", "clinic_id", unique=True, postgresql_where=text("kind = 'CLINIC'")),
        UniqueConstraint("facility_id", "prefix"),
        CheckConstraint(
            "CASE WHEN kind = 'CLINIC' THEN clinic_id IS NOT NULL"
            " ELSE clinic_id IS NULL AND name IS NOT NULL AND policy = 'APPOINTMENT_TIME' END",
            name="clinic_or_station",
        ),
        CheckConstraint("wait_target_minutes BETWEEN 1 AND 480", name="wait_target_range"),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID | None]
    name: Mapped[str | None] = mapped_column(Text)
    name_ar: Mapped[str | None] = mapped_column(Text)
    room_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text, server_default=CLINIC, default=CLINIC)
    prefix: Mapped[str] = mapped_column(Text)
    policy: Mapped[str] = mapped_column(Text, server_default=BY_APPOINTMENT, default=BY_APPOINTMENT)
    draw_at: Mapped[str] = mapped_column(Text, server_default=AT_BOOKING, default=AT_BOOKING)
    privacy: Mapped[str] = mapped_column(Text, server_default=SHOW_NUMBER, default=SHOW_NUMBER)
    wait_target_minutes: Mapped[int] = mapped_column(Integer, server_default="30", default=30)
    takes_unpaid: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)


class QueuePriority(Model, Stamped, Versioned):
    """A reason to come before others in one queue: the higher ``rank``, the earlier. Its reason is shown.

    Every new queue has the usual ones (a trigger gives them, whoever makes the queue). One that visits may
    carry is never deleted but taken out of use.
    """

    __tablename__ = "queue_priorities"
    __table_args__ = (
        UniqueConstraint("queue_id", "code"),
        CheckConstraint("code ~ '^[A-Z][A-Z0-9_]{0,29}$'", name="code_form"),
        CheckConstraint("rank BETWEEN 1 AND 99", name="rank_range"),
        CheckConstraint("btrim(name) <> '' AND btrim(name_ar) <> ''", name="named"),
        {"schema": "reception"},
    )

    id: Mapped[Key] = mapped_column(server_default=func.gen_random_uuid())
    organization_id: Mapped[UUID]
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_ar: Mapped[str] = mapped_column(Text)
    rank: Mapped[int] = mapped_column(SmallInteger)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)


class QueueDay(Model):
    """The counter of one queue on one local day. Its row lock makes the numbers gapless (see docs/adr)."""

    __tablename__ = "queue_days"
    __table_args__ = (
        CheckConstraint("last_number >= 0", name="last_number_positive"),
        {"schema": "reception", "postgresql_with": {"fillfactor": 50}},
    )

    organization_id: Mapped[UUID]
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    last_number: Mapped[int] = mapped_column(Integer)


class NumberBlock(Model, Stamped, Versioned):
    """Numbers of one day that were handed out on paper. Their rows exist from the reservation on."""

    __tablename__ = "number_blocks"
    __table_args__ = (
        CheckConstraint("first_number > 0 AND first_number <= last_number", name="first_before_last"),
        ExcludeConstraint(
            (Column("queue_id"), "="),
            (Column("day"), "="),
            (func.int4range(literal_column("first_number"), literal_column("last_number"), "[]"), "&&"),
            using="gist",
            name="ex_number_blocks_no_overlap",
        ),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))
    day: Mapped[date] = mapped_column(Date)
    first_number: Mapped[int] = mapped_column(Integer)
    last_number: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(Text)


class QueueNumber(Model):
    """One ticket. A void one keeps its number and says why; a reserved one waits on paper."""

    __tablename__ = "queue_numbers"
    __table_args__ = (
        UniqueConstraint("queue_id", "day", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("state <> 'VOID' OR void_reason IS NOT NULL", name="void_has_reason"),
        CheckConstraint("state <> 'RESERVED' OR block_id IS NOT NULL", name="reserved_in_a_block"),
        one_of("state", ISSUED, VOID, RESERVED),
        Index(None, "visit_id"),
        Index("ix_queue_numbers_open", "queue_id", "day", postgresql_where=text("state = 'RESERVED'")),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))
    day: Mapped[date] = mapped_column(Date)
    number: Mapped[int] = mapped_column(Integer)
    visit_id: Mapped[UUID | None]
    block_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.number_blocks.id"))
    state: Mapped[str] = mapped_column(Text, server_default=ISSUED, default=ISSUED)
    void_reason: Mapped[str | None] = mapped_column(Text)
    issued_at: Mapped[Moment]

    def void(self, reason: str) -> None:
        """It keeps its place among the numbers, and says why nobody answers to it."""
        self.state, self.void_reason = VOID, reason

    def issue_again(self) -> None:
        self.state, self.void_reason = ISSUED, None


# The clinic's day: the facility's local day, by PostgreSQL's clock inside the transaction, so that midnight
# and the change of clocks turn it for everybody at the same instant. Needs the parameter ``timezone``.
TODAY = "(kernel.now() AT TIME ZONE :timezone)::date"

# Who is next, for aliases ``v`` (visits) and ``q`` (queues): the text of an ORDER BY. Priority stands above
# any policy; appointments count at their time, walk-ins by when they came; else the number decides.
WHO_IS_NEXT = """
    v.priority_rank DESC,
    CASE WHEN q.policy = 'APPOINTMENT_TIME' THEN coalesce(v.scheduled_time, v.check_in_time) END,
    v.queue_number, v.check_in_time, v.id
"""
# The same inside one queue, whose numbers are unique: by its policy, as its two indexes are ordered.
LINE_BY_NUMBER = "v.priority_rank DESC, v.queue_number"
LINE_BY_TIME = "v.priority_rank DESC, coalesce(v.scheduled_time, v.check_in_time), v.queue_number"


def ticket_text(prefix: str, number: int) -> str:
    """Return the ticket as it is printed, shown and called: ``D-042``."""
    return f"{prefix}-{number:03d}"
