"""A visit: one presence of a patient in one clinic on one local day, and the rule of its moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import clock
from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen

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

# Present in a line: a patient can be so only once in each (index uq_visits_one_presence).
PRESENT = (WAITING, CALLED, IN_PROGRESS, ON_HOLD)
ONE_PRESENCE, ONE_WITH_THE_DOCTOR = "uq_visits_one_presence", "uq_visits_one_with_the_doctor"

# What a person is told who asks for a move that the present state does not allow.
IS_NOW: dict[str, str] = {
    SCHEDULED: N_("This changed at %(at)s: the patient is expected and not here yet."),
    WAITING: N_("This changed at %(at)s: the patient is waiting."),
    CALLED: N_("This changed at %(at)s: the patient is called in."),
    IN_PROGRESS: N_("This changed at %(at)s: the patient is in the room."),
    ON_HOLD: N_("This changed at %(at)s: the patient is on hold."),
    PENDING_PAYMENT: N_("This changed at %(at)s: the patient is finished and goes to pay."),
    COMPLETED: N_("This changed at %(at)s: the visit is completed."),
    NO_SHOW: N_("This changed at %(at)s: the patient did not come."),
    CANCELLED: N_("This changed at %(at)s: the visit is cancelled."),
}

# Priority stands above any policy. Its rank sorts, its reason is shown. These are a new queue's; what a queue
# really has is in its rows (models.queues.QueuePriority).
PRIORITIES: dict[str, int] = {
    "EMERGENCY": 90,
    "DISABLED": 40,
    "PREGNANT": 40,
    "ELDERLY": 30,
    "CHILD": 20,
    "STAFF_DECISION": 10,
}


@dataclass(frozen=True, kw_only=True)
class NewPlace:
    """Where a visit goes that is moved: the columns that change with it."""

    clinic_id: UUID
    queue_id: UUID
    doctor_id: UUID | None
    service_id: UUID
    queue_number: int | None
    ticket: str | None
    priority: str | None
    priority_rank: int
    priority_reason: str | None


class Visit(Model, Stamped, Versioned):
    """``attending_id`` is the doctor who called the patient; a partial unique index lets a doctor have one
    patient called or in the room, and a queue one presence of a patient, whatever races happen.

    ``queue_day`` is the facility's local day. ``scheduled_time`` copies the appointment's start.
    """

    __tablename__ = "visits"
    __table_args__ = (
        UniqueConstraint("queue_id", "queue_day", "queue_number"),
        # What most visits have not is in no index: each entry is paid for with every move of a visit.
        Index(
            "uq_visits_appointment_id",
            "appointment_id",
            unique=True,
            postgresql_where=text("appointment_id IS NOT NULL"),
        ),
        Index(
            "uq_visits_organization_id_external_id",
            "organization_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
        one_of("status", *STATUSES),
        one_of("visit_type", FROM_APPOINTMENT, WALK_IN),
        CheckConstraint("priority IS NULL OR priority_reason IS NOT NULL", name="priority_has_reason"),
        ForeignKeyConstraint(
            ["queue_id", "priority"],
            ["reception.queue_priorities.queue_id", "reception.queue_priorities.code"],
            name="fk_visits_priority",
        ),
        Index(
            ONE_WITH_THE_DOCTOR,
            "attending_id",
            unique=True,
            postgresql_where=text("status IN ('CALLED', 'IN_PROGRESS')"),
        ),
        Index(
            ONE_PRESENCE,
            "queue_id",
            "queue_day",
            "patient_id",
            unique=True,
            postgresql_where=text("status IN ('WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD')"),
        ),
        # The line in the order of each policy (``queues.LINE_BY_NUMBER``, ``LINE_BY_TIME``), so that who is
        # next is the first entry, however many wait.
        Index(
            "ix_visits_line_by_number",
            "queue_id",
            "queue_day",
            text("priority_rank DESC"),
            "queue_number",
            postgresql_where=text("status = 'WAITING'"),
        ),
        Index(
            "ix_visits_line_by_time",
            "queue_id",
            "queue_day",
            text("priority_rank DESC"),
            text("coalesce(scheduled_time, check_in_time)"),
            "queue_number",
            postgresql_where=text("status = 'WAITING'"),
        ),
        Index("idx_visit_clinic_status_date", "clinic_id", "status", "queue_day"),
        Index("idx_visit_doctor_status", "doctor_id", "status"),
        Index("idx_visit_patient_date", "patient_id", "queue_day"),
        Index(
            "ix_visits_list",
            "facility_id",
            "queue_day",
            text("COALESCE(check_in_time, scheduled_time, created_at)"),
            "id",
        ),
        Index("ix_visits_by_state", "facility_id", "status", "queue_day"),
        Index("ix_visits_by_ticket", "facility_id", "ticket"),
        Index("ix_visits_of_service", "facility_id", "service_id", "queue_day"),
        Index(
            "ix_visits_of_attending",
            "attending_id",
            "queue_day",
            postgresql_where=text("attending_id IS NOT NULL"),
        ),
        # Each call leaves a dead entry at the head of the line's index: sweep them early.
        {
            "schema": "reception",
            "info": {"patient_id": "check"},
            "postgresql_with": {"autovacuum_vacuum_scale_factor": 0.02},
        },
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

    def require_version(self, version: int) -> None:
        """Raise StaleVisit (409) unless the person who acts saw the visit as it is now."""
        if self.version != version:
            raise StaleVisit(self)

    def move_to(
        self, status: str, *, only_from: str | None = None, reason: str | None = None
    ) -> VisitTransition:
        """Move to ``status`` and return the row that witnesses it; StaleVisit (409) if it is not allowed."""
        if status not in MOVES[self.status] or only_from not in (None, self.status):
            raise StaleVisit(self)
        witness = VisitTransition(
            organization_id=self.organization_id,
            visit_id=self.id,
            from_status=self.status,
            to_status=status,
            room_id=self.room_id,
            reason=reason,
            at=clock.now(),
        )
        self.status = status
        return witness

    def check_in(self) -> VisitTransition:
        witness = self.move_to(WAITING, only_from=SCHEDULED)
        self.check_in_time = witness.at
        return witness

    def undo_check_in(self) -> VisitTransition:
        if self.visit_type == WALK_IN:
            raise RuleBroken(N_("A walk-in has no appointment to wait for. Cancel the visit instead."))
        self.check_in_time = None
        return self.move_to(SCHEDULED)

    def announce_again(self) -> None:
        """The board and the voice say it once more; ``called_at`` is always the latest call."""
        if self.status != CALLED:
            raise StaleVisit(self)
        self.times_called += 1
        self.called_at = clock.now()

    def open(self) -> VisitTransition:
        witness = self.move_to(IN_PROGRESS, only_from=CALLED)
        self.start_time = witness.at
        return witness

    def send_back(self) -> VisitTransition:
        """Back to the line, at the old place; nobody's patient any more."""
        witness = self.move_to(WAITING, only_from=CALLED)
        self.attending_id = self.room_id = self.called_at = None
        return witness

    def take_back_call(self) -> VisitTransition:
        """As if the call had not been: it does not count."""
        witness = self.send_back()
        self.times_called -= 1
        return witness

    def hold(self, reason: str) -> list[VisitTransition]:
        """From WAITING, or from CALLED by way of WAITING: two moves, two witnesses."""
        back = [self.send_back()] if self.status == CALLED else []
        self.hold_reason = reason
        return [*back, self.move_to(ON_HOLD, reason=reason)]

    def resume(self) -> VisitTransition:
        witness = self.move_to(WAITING, only_from=ON_HOLD)
        self.hold_reason = None
        return witness

    def miss(self) -> VisitTransition:
        return self.move_to(NO_SHOW)

    def come_after_all(self) -> VisitTransition:
        witness = self.move_to(WAITING, only_from=NO_SHOW)
        self.attending_id = self.room_id = self.called_at = None
        self.check_in_time = witness.at
        return witness

    def undo_finish(self) -> VisitTransition:
        witness = self.move_to(IN_PROGRESS, only_from=PENDING_PAYMENT)
        self.end_time = None
        return witness

    def complete(self) -> VisitTransition:
        """What was owed is paid."""
        return self.move_to(COMPLETED, only_from=PENDING_PAYMENT)

    def move_over(self, to: NewPlace) -> None:
        """Wait in another line, for another doctor or for another service, as long as before."""
        if self.status not in (WAITING, ON_HOLD):
            raise StaleVisit(self)
        for name, value in vars(to).items():
            setattr(self, name, value)

    def cancel(self, reason: str) -> VisitTransition:
        return self.move_to(CANCELLED, reason=reason)

    def prioritise(self, priority: str | None, reason: str | None, by: UUID | None, *, rank: int = 0) -> None:
        """Set or take away the priority of a patient who has not been called yet."""
        if self.status not in (SCHEDULED, WAITING, ON_HOLD):
            raise StaleVisit(self)
        self.priority, self.priority_reason = priority, reason
        self.priority_rank = rank if priority else 0
        self.priority_by, self.priority_at = by, clock.now()


def finished_status(*, is_settled: bool) -> str:
    """Return where a finished visit goes: settled ones skip PENDING_PAYMENT."""
    return COMPLETED if is_settled else PENDING_PAYMENT


class StaleVisit(StaleScreen):
    """The visit is not any more what the screen showed (409): says when it changed and how it stands.

    ``visit_status``, ``changed_by`` (a user's id) and ``changed_at`` are for screens that say more.
    """

    def __init__(self, visit: Visit) -> None:
        super().__init__(IS_NOW[visit.status], at=visit.updated_at)
        self.visit_id = visit.id
        self.visit_status = visit.status
        self.changed_at = visit.updated_at
        self.changed_by = visit.updated_by


class VisitTransition(Model):
    """One move of a visit, never edited: who, when, from, to, room, why.

    ``finished_visit_id`` is the visit that the same press finished before it called this one.
    """

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
    finished_visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.visits.id"))
    at: Mapped[Moment]
