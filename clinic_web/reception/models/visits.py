"""A visit: one presence of a patient in one clinic on one local day, and the rule of its moves."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Identity, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import clock
from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, StaleScreen

SCHEDULED, WAITING, CALLED, IN_PROGRESS = "SCHEDULED", "WAITING", "CALLED", "IN_PROGRESS"
ON_HOLD, PENDING_PAYMENT, COMPLETED = "ON_HOLD", "PENDING_PAYMENT", "COMPLETED"
NO_SHOW, CANCELLED = "NO_SHOW", "CANCELLED"
STATUSES = (SCHEDULED, WAITING, CALLED, IN_PROGRESS, ON_HOLD, PENDING_PAYMENT, COMPLETED, NO_SHOW, CANCELLED)

FROM_APPOINTMENT, WALK_IN = "SCHEDULED", "WALK_IN"

# Every move that is allowed; any other is refused with 409.
MOVES: dict[str, tuple[str, ...]] = {
    SCHEDULED: (WAITING, NO_SHOW, CANCELLED),
    WAITING: (CALLED, ON_HOLD, SCHEDULED, CANCELLED),  # SCHEDULED: undo of a check-in
    ON_HOLD: (WAITING, CANCELLED),
    CALLED: (IN_PROGRESS, WAITING, NO_SHOW, CANCELLED),  # WAITING: sent back, or undo of a wrong call
    IN_PROGRESS: (PENDING_PAYMENT, COMPLETED),  # COMPLETED at once when it is settled
    PENDING_PAYMENT: (COMPLETED, IN_PROGRESS),  # IN_PROGRESS: undo of a finish
    NO_SHOW: (WAITING,),  # came after all
    COMPLETED: (),
    CANCELLED: (),
}

# Priority stands above any policy. Its rank sorts, its reason is shown.
PRIORITIES: dict[str, int] = {"EMERGENCY": 90, "DISABLED": 40, "PREGNANT": 40, "ELDERLY": 30, "CHILD": 20, "STAFF_DECISION": 10}


class Visit(Model, Stamped, Versioned):
    """``attending_id`` is the doctor who called the patient; a partial unique index lets a doctor have one
    patient called or in the room, and a queue one presence of a patient, whatever races happen.

    ``queue_day`` is the facility's local day. ``scheduled_time`` copies the appointment's start.
    """

    __tablename__ = "visits"
    __table_args__ = (
        UniqueConstraint("appointment_id"),
        UniqueConstraint("queue_id", "queue_day", "queue_number"),
        UniqueConstraint("organization_id", "external_id"),
        one_of("status", *STATUSES),
        one_of("visit_type", FROM_APPOINTMENT, WALK_IN),
        one_of("priority", *PRIORITIES),
        CheckConstraint("priority IS NULL OR priority_reason IS NOT NULL", name="priority_has_reason"),
        Index(
            "uq_visits_one_with_the_doctor",
            "attending_id",
            unique=True,
            postgresql_where=text("status IN ('CALLED', 'IN_PROGRESS')"),
        ),
        Index(
            "uq_visits_one_presence",
            "queue_id",
            "queue_day",
            "patient_id",
            unique=True,
            postgresql_where=text("status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD')"),
        ),
        Index(
            "ix_visits_line",
            "queue_id",
            "queue_day",
            "priority_rank",
            "queue_number",
            postgresql_where=text("status = 'WAITING'"),
        ),
        Index("ix_visits_queue_day", "queue_id", "queue_day", "status"),
        Index("idx_visit_clinic_status_date", "clinic_id", "status", "queue_day"),
        Index("idx_visit_doctor_status", "doctor_id", "status"),
        Index("idx_visit_patient_date", "patient_id", "queue_day"),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))
    appointment_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.appointments.id"))
    doctor_id: Mapped[UUID | None]
    attending_id: Mapped[UUID | None]
    patient_id: Mapped[UUID]
    service_id: Mapped[UUID]
    room_id: Mapped[UUID | None]
    queue_day: Mapped[date] = mapped_column(Date)
    queue_number: Mapped[int | None] = mapped_column(Integer)
    ticket: Mapped[str | None] = mapped_column(Text)
    scheduled_time: Mapped[datetime | None]
    check_in_time: Mapped[datetime | None]
    called_at: Mapped[datetime | None]
    start_time: Mapped[datetime | None]
    end_time: Mapped[datetime | None]
    times_called: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    hold_reason: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[str | None] = mapped_column(Text)
    priority_rank: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    priority_reason: Mapped[str | None] = mapped_column(Text)
    priority_by: Mapped[UUID | None]
    priority_at: Mapped[datetime | None]
    visit_type: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text)

    def move_to(self, status: str) -> VisitTransition:
        """Move to ``status`` and return the row that witnesses it; StaleScreen (409) if that is not allowed."""
        if status not in MOVES[self.status]:
            raise StaleScreen(N_("This visit has moved on."), changes={"status": (status, self.status)})
        witness = VisitTransition(
            organization_id=self.organization_id,
            visit_id=self.id,
            from_status=self.status,
            to_status=status,
            room_id=self.room_id,
            at=clock.now(),
        )
        self.status = status
        return witness


class VisitTransition(Model):
    """One move of a visit, never edited: who, when, from, to, room, why."""

    __tablename__ = "visit_transitions"
    __table_args__ = (Index(None, "visit_id", "sequence_number"), {"schema": "reception"})

    id: Mapped[Key]
    sequence_number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    organization_id: Mapped[UUID]
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("reception.visits.id"))
    from_status: Mapped[str | None] = mapped_column(Text)
    to_status: Mapped[str] = mapped_column(Text)
    room_id: Mapped[UUID | None]
    reason: Mapped[str | None] = mapped_column(Text)
    by_user_id: Mapped[UUID | None]
    at: Mapped[Moment]
