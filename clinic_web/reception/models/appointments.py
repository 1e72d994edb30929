"""An appointment: a promise of a slot, kept free of overlaps by PostgreSQL itself."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, StaleScreen

CONFIRMED, CHECKED_IN, COMPLETED, CANCELLED, NO_SHOW = (
    "CONFIRMED",
    "CHECKED_IN",
    "COMPLETED",
    "CANCELLED",
    "NO_SHOW",
)
STATUSES = (CONFIRMED, CHECKED_IN, COMPLETED, CANCELLED, NO_SHOW)
SOURCES = ("PHONE", "WALK_IN", "ONLINE", "SYSTEM")

# CHECKED_IN -> CONFIRMED and NO_SHOW -> CHECKED_IN undo or correct a mistake of the desk.
MOVES: dict[str, tuple[str, ...]] = {
    CONFIRMED: (CHECKED_IN, CANCELLED, NO_SHOW),
    CHECKED_IN: (COMPLETED, CANCELLED, NO_SHOW, CONFIRMED),
    NO_SHOW: (CHECKED_IN, CONFIRMED),
    CANCELLED: (),
    COMPLETED: (CHECKED_IN,),
}


IS_NOW: dict[str, str] = {
    CONFIRMED: N_("This changed at %(at)s: the appointment is confirmed, the patient not here yet."),
    CHECKED_IN: N_("This changed at %(at)s: the patient is checked in."),
    COMPLETED: N_("This changed at %(at)s: the appointment is completed."),
    CANCELLED: N_("This changed at %(at)s: the appointment is cancelled."),
    NO_SHOW: N_("This changed at %(at)s: the patient did not come."),
}


class Appointment(Model, Stamped, Versioned):
    """``no_overlap`` refuses two active appointments of one doctor at one time, unless one is a deliberate
    overbooking, which has a reason."""

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("organization_id", "booking_id"),
        UniqueConstraint("organization_id", "external_id"),
        one_of("status", *STATUSES),
        one_of("booking_source", *SOURCES),
        CheckConstraint("start_time < end_time", name="starts_before_end"),
        CheckConstraint(
            "NOT is_overbooking OR overbooking_reason IS NOT NULL", name="overbooking_has_reason"
        ),
        ExcludeConstraint(
            (Column("doctor_id"), "="),
            (func.tstzrange(literal_column("start_time"), literal_column("end_time")), "&&"),
            using="gist",
            where=text("status IN ('CONFIRMED', 'CHECKED_IN') AND NOT is_overbooking"),
            name="ex_appointments_no_overlap",
        ),
        Index("idx_appointment_doctor_date", "doctor_id", "start_time"),
        Index("idx_appointment_patient_date", "patient_id", "start_time"),
        Index("idx_appointment_clinic_date", "clinic_id", "start_time"),
        Index("idx_appointment_status_date", "status", "start_time"),
        Index("idx_appointment_booking_id", "booking_id"),
        Index("ix_appointments_list", "facility_id", "start_time", "id"),
        Index("ix_appointments_booked", "facility_id", "created_at", "id"),
        Index("ix_appointments_by_state", "facility_id", "status", "start_time", "id"),
        Index("ix_appointments_of_service", "facility_id", "service_id", "start_time", "id"),
        Index("ix_appointments_by_source", "facility_id", "booking_source", "start_time", "id"),
        {"schema": "reception", "info": {"patient_id": "check"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    booking_id: Mapped[str] = mapped_column(Text)
    clinic_id: Mapped[UUID]
    doctor_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    service_id: Mapped[UUID]
    start_time: Mapped[Moment]
    end_time: Mapped[Moment]
    status: Mapped[str] = mapped_column(Text, server_default=CONFIRMED, default=CONFIRMED)
    booking_source: Mapped[str] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    is_overbooking: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    overbooking_reason: Mapped[str | None] = mapped_column(Text)
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text)

    def require_version(self, version: int) -> None:
        """Raise StaleScreen (409) unless the person who acts saw the appointment as it is now."""
        if self.version != version:
            raise StaleScreen(IS_NOW[self.status], at=self.updated_at)

    @property
    def keeps_its_time(self) -> bool:
        """Whether it stands in the way of another appointment, overbookings apart."""
        return self.status in (CONFIRMED, CHECKED_IN)

    def require_expected(self) -> None:
        """Raise StaleScreen (409) unless the patient is still expected: only then can the time change."""
        if self.status != CONFIRMED:
            raise StaleScreen(IS_NOW[self.status], at=self.updated_at)

    def move_to(self, status: str) -> None:
        """Move to ``status``, or raise StaleScreen (409) if the appointment's state does not allow it."""
        if status not in MOVES[self.status]:
            raise StaleScreen(IS_NOW[self.status], at=self.updated_at)
        self.status = status


class AppointmentMove(Model):
    """One rescheduling, from where to where. Never edited; ``undoes_id`` is the move that it took back.

    ``visit_move_id``: the patient waited already and went over to another doctor or clinic, the appointment
    with them. Only then the clinics are there.
    """

    __tablename__ = "appointment_moves"
    __table_args__ = (
        CheckConstraint(
            "num_nulls(visit_move_id, from_clinic_id, to_clinic_id) IN (0, 3)", name="clinics_of_visit_move"
        ),
        Index(None, "appointment_id", "sequence_number"),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    sequence_number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    organization_id: Mapped[UUID]
    appointment_id: Mapped[UUID] = mapped_column(ForeignKey("reception.appointments.id"))
    from_doctor_id: Mapped[UUID]
    from_start: Mapped[Moment]
    from_ticket: Mapped[str | None] = mapped_column(Text)
    from_overbooking_reason: Mapped[str | None] = mapped_column(Text)
    to_doctor_id: Mapped[UUID]
    to_start: Mapped[Moment]
    to_ticket: Mapped[str | None] = mapped_column(Text)
    visit_move_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.visit_moves.id"), unique=True)
    from_clinic_id: Mapped[UUID | None]
    to_clinic_id: Mapped[UUID | None]
    undoes_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.appointment_moves.id"))
    by_user_id: Mapped[UUID | None]
    at: Mapped[Moment]

    @property
    def can_be_undone(self) -> bool:
        """Whether it can be taken back by itself; what came with a visit goes back with it."""
        return self.undoes_id is None and self.visit_move_id is None
