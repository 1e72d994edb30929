"""Schema ``lab``: when specimens are taken, how many fit, what is to be taken of whom, and what came out."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import clock
from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.tables import processed_events_table

processed_events = processed_events_table("lab")

ASKED, HELD, REFUSED, RELEASED = "ASKED", "HELD", "REFUSED", "RELEASED"
FULL, NOT_OFFERED, INACTIVE, CALLED_OFF = "FULL", "NOT_OFFERED", "INACTIVE", "CANCELLED"
REASONS = (FULL, NOT_OFFERED, INACTIVE, CALLED_OFF)

ROUTINE, URGENT, STAT = "ROUTINE", "URGENT", "STAT"
PRIORITIES = (ROUTINE, URGENT, STAT)

SCHEDULED, COLLECTED, RESULTED, VERIFIED, CANCELLED, FAILED = (
    "SCHEDULED",
    "COLLECTED",
    "RESULTED",
    "VERIFIED",
    "CANCELLED",
    "FAILED",
)
STATUSES = (SCHEDULED, COLLECTED, RESULTED, VERIFIED, CANCELLED, FAILED)
MOVES: dict[str, tuple[str, ...]] = {
    SCHEDULED: (COLLECTED, CANCELLED),
    COLLECTED: (RESULTED, FAILED, SCHEDULED),  # back: undo of a wrong press
    RESULTED: (VERIFIED, COLLECTED),
    VERIFIED: (RESULTED,),
    FAILED: (COLLECTED, SCHEDULED),  # undo, or another specimen
    CANCELLED: (SCHEDULED,),  # undo, if the place is still there
}
IS_NOW: dict[str, str] = {
    SCHEDULED: N_("This changed at %(at)s: the specimen is not taken yet."),
    COLLECTED: N_("This changed at %(at)s: the specimen is taken."),
    RESULTED: N_("This changed at %(at)s: the result is entered."),
    VERIFIED: N_("This changed at %(at)s: the result is verified."),
    CANCELLED: N_("This changed at %(at)s: the test is cancelled."),
    FAILED: N_("This changed at %(at)s: the specimen could not be used."),
}

NORMAL, LOW, HIGH, CRITICAL_LOW, CRITICAL_HIGH, ABNORMAL = (
    "NORMAL",
    "LOW",
    "HIGH",
    "CRITICAL_LOW",
    "CRITICAL_HIGH",
    "ABNORMAL",
)
FLAGS = (NORMAL, LOW, HIGH, CRITICAL_LOW, CRITICAL_HIGH, ABNORMAL)


class Hours(Model, Stamped):
    """When a facility's laboratory takes specimens: local times of a weekday (0 = Monday).

    ``organization.working_hours`` are doctors'; a laboratory opens before the first of them.
    """

    __tablename__ = "hours"
    __table_args__ = (
        UniqueConstraint("facility_id", "weekday", "starts_at"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_range"),
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        {"schema": "lab"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    weekday: Mapped[int] = mapped_column(SmallInteger)
    starts_at: Mapped[time] = mapped_column(Time)
    ends_at: Mapped[time] = mapped_column(Time)


class Offer(Model, Stamped, Versioned):
    """How a facility does a test where that is not as the catalogue says; a test without a row is."""

    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("facility_id", "lab_test_id"),
        CheckConstraint("slot_minutes BETWEEN 5 AND 480", name="slot_minutes_range"),
        CheckConstraint("capacity BETWEEN 0 AND 1000", name="capacity_range"),
        {"schema": "lab"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    lab_test_id: Mapped[UUID]
    slot_minutes: Mapped[int | None] = mapped_column(SmallInteger)
    capacity: Mapped[int | None] = mapped_column(Integer)
    is_offered: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)


class Slot(Model, Stamped):
    """A time of a test, made when the first is given: ``taken`` of ``capacity`` places.

    A capacity that is lowered throws nobody out: ``beyond`` is how many more had been promised by then. No
    hold raises it, so the CHECK refuses a place too many whatever the statement that asks.
    ``has_own_capacity``: a person gave this time its capacity; otherwise it is the test's.
    """

    __tablename__ = "slots"
    __table_args__ = (
        UniqueConstraint("facility_id", "lab_test_id", "starts_at"),
        CheckConstraint("capacity BETWEEN 0 AND 1000", name="capacity_range"),
        CheckConstraint("beyond >= 0", name="beyond_positive"),
        CheckConstraint("taken BETWEEN 0 AND capacity + beyond", name="taken_fits"),
        Index(None, "facility_id", "starts_at"),
        {"schema": "lab"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    lab_test_id: Mapped[UUID]
    starts_at: Mapped[Moment]
    slot_minutes: Mapped[int] = mapped_column(SmallInteger)
    capacity: Mapped[int] = mapped_column(Integer)
    taken: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    beyond: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    has_own_capacity: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)


class HeardOrder(Model):
    """An order as the laboratory heard of it, once: its answer is given again whenever it is asked again.

    RELEASED is also a tombstone: an order that was called off before it was heard of gets no slot.
    """

    __tablename__ = "heard_orders"
    __table_args__ = (
        one_of("answer", ASKED, HELD, REFUSED, RELEASED),
        one_of("reason", *REASONS),
        CheckConstraint("answer <> 'HELD' OR starts_at IS NOT NULL", name="held_at_a_time"),
        CheckConstraint("answer <> 'REFUSED' OR reason IS NOT NULL", name="refused_for_a_reason"),
        {"schema": "lab", "info": {"patient_id": "frozen"}},
    )

    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    answer: Mapped[str] = mapped_column(Text, server_default=ASKED, default=ASKED)
    starts_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(Text)
    line_id: Mapped[UUID | None]
    times_asked: Mapped[int] = mapped_column(Integer, server_default="1", default=1)
    heard_at: Mapped[Moment]


class LabOrder(Model, Stamped, Versioned):
    """One test of an order. ``scheduled_time`` is its slot's; ``result_id`` the entry that counts now."""

    __tablename__ = "lab_orders"
    __table_args__ = (
        UniqueConstraint("line_id"),
        one_of("status", *STATUSES),
        one_of("priority", *PRIORITIES),
        CheckConstraint(
            "status IN ('SCHEDULED', 'CANCELLED') OR collected_at IS NOT NULL", name="taken_at_a_time"
        ),
        CheckConstraint("status NOT IN ('RESULTED', 'VERIFIED') OR result_id IS NOT NULL", name="has_result"),
        Index("ix_lab_orders_day", "facility_id", "scheduled_time"),
        Index(None, "order_id"),
        Index(None, "patient_id"),
        Index("ix_lab_orders_visit", "visit_id", postgresql_where=text("status = 'SCHEDULED'")),
        Index("ix_lab_orders_slot", "slot_id"),
        {"schema": "lab", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("lab.heard_orders.order_id"))
    line_id: Mapped[UUID]
    lab_test_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    visit_id: Mapped[UUID | None]
    doctor_id: Mapped[UUID]
    slot_id: Mapped[UUID] = mapped_column(ForeignKey("lab.slots.id"))
    scheduled_time: Mapped[Moment]
    priority: Mapped[str] = mapped_column(Text, server_default=ROUTINE, default=ROUTINE)
    status: Mapped[str] = mapped_column(Text, server_default=SCHEDULED, default=SCHEDULED)
    reason: Mapped[str | None] = mapped_column(Text)
    arrived_at: Mapped[datetime | None]
    collected_at: Mapped[datetime | None]
    collected_by: Mapped[UUID | None]
    specimen_id: Mapped[UUID | None]
    resulted_at: Mapped[datetime | None]
    resulted_by: Mapped[UUID | None]
    result_id: Mapped[UUID | None]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]

    def require_version(self, version: int) -> None:
        """Raise StaleTest (409) unless the person who acts saw the row as it is now."""
        if self.version != version:
            raise StaleTest(self)

    def move_to(self, status: str) -> None:
        """Move to ``status``; StaleTest (409) if that is not allowed from here."""
        if status not in MOVES[self.status]:
            raise StaleTest(self)
        self.status = status

    def arrive(self) -> None:
        if self.status != SCHEDULED or self.arrived_at is not None:
            raise StaleTest(self)
        self.arrived_at = clock.now()

    def undo_arrive(self) -> None:
        if self.status != SCHEDULED or self.arrived_at is None:
            raise StaleTest(self)
        self.arrived_at = None

    def collect(self, specimen_id: UUID, by: UUID | None) -> None:
        if self.status != SCHEDULED:
            raise StaleTest(self)
        self.move_to(COLLECTED)
        self.collected_at, self.collected_by, self.specimen_id = clock.now(), by, specimen_id

    def undo_collect(self) -> None:
        if self.status != COLLECTED:
            raise StaleTest(self)
        self.move_to(SCHEDULED)
        self.collected_at = self.collected_by = self.specimen_id = None

    def fail(self, reason: str, by: UUID | None) -> None:
        """COLLECTED → FAILED: the specimen can't be used (clotted, too little, lost)."""
        self.move_to(FAILED)
        self._end(reason, by)

    def undo_fail(self) -> None:
        if self.status != FAILED:
            raise StaleTest(self)
        self.move_to(COLLECTED)
        self._go_on()

    def collect_anew(self) -> None:
        """FAILED → SCHEDULED: another specimen is wanted, at the time that stands."""
        if self.status != FAILED:
            raise StaleTest(self)
        self.move_to(SCHEDULED)
        self._go_on()
        self.collected_at = self.collected_by = self.specimen_id = self.arrived_at = None

    def enter_result(self, result_id: UUID, by: UUID | None) -> None:
        """COLLECTED → RESULTED; of a row that has a result it is a correction, to be verified again."""
        if self.status not in (COLLECTED, RESULTED, VERIFIED):
            raise StaleTest(self)
        self.status = RESULTED
        self.resulted_at, self.resulted_by, self.result_id = clock.now(), by, result_id
        self.verified_at = self.verified_by = None

    def undo_result(self, former: UUID | None) -> None:
        """To the entry before, or back to COLLECTED where there was none."""
        if self.status != RESULTED:
            raise StaleTest(self)
        self.result_id = former
        if former is None:
            self.move_to(COLLECTED)
            self.resulted_at = self.resulted_by = None

    def verify(self, by: UUID | None) -> None:
        self.move_to(VERIFIED)
        self.verified_at, self.verified_by = clock.now(), by

    def undo_verify(self) -> None:
        if self.status != VERIFIED:
            raise StaleTest(self)
        self.move_to(RESULTED)
        self.verified_at = self.verified_by = None

    def require_open(self) -> None:
        """Raise StaleTest (409) unless the specimen is still to be taken."""
        if self.status != SCHEDULED:
            raise StaleTest(self)

    def cancel(self, reason: str, by: UUID | None) -> None:
        if not reason.strip():
            raise RuleBroken(N_("Say why."), field="reason")
        self.move_to(CANCELLED)
        self._end(reason, by)

    def call_off(self) -> None:
        """SCHEDULED → CANCELLED with the whole order: nobody has to say why."""
        self.move_to(CANCELLED)
        self._end("", None)

    def undo_cancel(self) -> None:
        if self.status != CANCELLED:
            raise StaleTest(self)
        self.move_to(SCHEDULED)
        self._go_on()

    def _end(self, reason: str, by: UUID | None) -> None:
        self.reason, self.ended_at, self.ended_by = reason.strip() or None, clock.now(), by

    def _go_on(self) -> None:
        self.reason = self.ended_at = self.ended_by = None


class Specimen(Model, Stamped):
    """What was taken, and the number on its label; taken by mistake it stays with ``discarded_at``."""

    __tablename__ = "lab_specimens"
    __table_args__ = (
        UniqueConstraint("organization_id", "specimen_number"),
        Index(None, "lab_order_id"),
        {"schema": "lab"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    lab_order_id: Mapped[UUID] = mapped_column(ForeignKey("lab.lab_orders.id"))
    specimen_number: Mapped[str] = mapped_column(Text)
    specimen_type: Mapped[str | None] = mapped_column(Text)
    collected_at: Mapped[Moment]
    collected_by: Mapped[UUID | None]
    discarded_at: Mapped[datetime | None]


class Result(Model):
    """One line of what came out of a test, as it was entered: never edited, a correction is a new entry.

    Lines of one entry share ``entry_id``; ``corrects_id`` is the entry that it replaces. ``value`` is as it
    was written, ``value_number`` the same where it is a number.
    """

    __tablename__ = "lab_results"
    __table_args__ = (
        UniqueConstraint("entry_id", "position"),
        one_of("flag", *FLAGS),
        Index(None, "lab_order_id"),
        {"schema": "lab"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    lab_order_id: Mapped[UUID] = mapped_column(ForeignKey("lab.lab_orders.id"))
    entry_id: Mapped[UUID]
    corrects_id: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(SmallInteger)
    component: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    value_number: Mapped[Decimal | None] = mapped_column(Numeric(16, 6))
    unit: Mapped[str | None] = mapped_column(Text)
    reference_low: Mapped[Decimal | None] = mapped_column(Numeric(16, 6))
    reference_high: Mapped[Decimal | None] = mapped_column(Numeric(16, 6))
    reference_text: Mapped[str | None] = mapped_column(Text)
    flag: Mapped[str | None] = mapped_column(Text)
    comment: Mapped[str | None] = mapped_column(Text)
    entered_by: Mapped[UUID | None]
    entered_at: Mapped[Moment]


class StaleTest(StaleScreen):
    """The test is not any more what the screen showed (409)."""

    def __init__(self, row: LabOrder) -> None:
        super().__init__(IS_NOW[row.status], at=row.updated_at)
        self.changed_at = row.updated_at
        self.changed_by = row.updated_by
