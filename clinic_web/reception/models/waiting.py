"""The waiting list: who wants an earlier or any time, and which freed times were offered to whom."""

from __future__ import annotations

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    SmallInteger,
    Text,
    Time,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, StaleScreen

LISTED, BOOKED, WITHDRAWN = "LISTED", "BOOKED", "WITHDRAWN"
STATUSES = (LISTED, BOOKED, WITHDRAWN)

OPEN, ACCEPTED, DECLINED, EXPIRED, GONE = "OPEN", "ACCEPTED", "DECLINED", "EXPIRED", "GONE"
OFFER_STATUSES = (OPEN, ACCEPTED, DECLINED, EXPIRED, GONE)

# How much it matters; the rank sorts, then who has waited longest.
URGENCIES: dict[str, int] = {"URGENT": 2, "SOON": 1, "NORMAL": 0}

ONE_ENTRY, ONE_OFFER_PER_TIME = "uq_waiting_entries_one_wish", "ex_waiting_offers_one_per_time"

IS_NOW: dict[str, str] = {
    LISTED: N_("This changed at %(at)s: the patient is on the waiting list."),
    BOOKED: N_("This changed at %(at)s: the patient has got a time."),
    WITHDRAWN: N_("This changed at %(at)s: the patient was taken off the waiting list."),
}
OFFER_IS_NOW: dict[str, str] = {
    OPEN: N_("This changed at %(at)s: the offer is open."),
    ACCEPTED: N_("This changed at %(at)s: the offer was accepted."),
    DECLINED: N_("This changed at %(at)s: the offer was declined."),
    EXPIRED: N_("This changed at %(at)s: the offer has run out."),
    GONE: N_("This changed at %(at)s: the time was taken by somebody else."),
}


class WaitingEntry(Model, Stamped, Versioned):
    """One wish. ``doctor_id`` None: anyone. Days are the facility's, times its wall clock (None: any).

    ``appointment_id`` is the appointment that an earlier time would replace; without one any time will do.
    """

    __tablename__ = "waiting_entries"
    __table_args__ = (
        one_of("status", *STATUSES),
        one_of("urgency", *URGENCIES),
        CheckConstraint("from_date <= until_date", name="from_before_until"),
        CheckConstraint("from_time < until_time", name="time_from_before_until"),
        Index(
            ONE_ENTRY,
            "clinic_id",
            "patient_id",
            "service_id",
            unique=True,
            postgresql_where=text("status = 'LISTED'"),
        ),
        Index(
            "ix_waiting_entries_listed",
            "clinic_id",
            "urgency_rank",
            "created_at",
            postgresql_where=text("status = 'LISTED'"),
        ),
        Index(None, "patient_id"),
        {"schema": "reception", "info": {"patient_id": "check"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    patient_id: Mapped[UUID]
    service_id: Mapped[UUID]
    doctor_id: Mapped[UUID | None]
    appointment_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.appointments.id"))
    from_date: Mapped[date] = mapped_column(Date)
    until_date: Mapped[date] = mapped_column(Date)
    from_time: Mapped[time | None] = mapped_column(Time)
    until_time: Mapped[time | None] = mapped_column(Time)
    urgency: Mapped[str] = mapped_column(Text, server_default="NORMAL", default="NORMAL")
    urgency_rank: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    note: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default=LISTED, default=LISTED)
    booked_appointment_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.appointments.id"))

    def require_version(self, version: int) -> None:
        """Raise StaleScreen (409) unless the person who acts saw the entry as it is now."""
        if self.version != version:
            raise StaleScreen(IS_NOW[self.status], at=self.updated_at)

    def require_listed(self) -> None:
        """Raise StaleScreen (409) when the patient is not on the list any more."""
        if self.status != LISTED:
            raise StaleScreen(IS_NOW[self.status], at=self.updated_at)


class WaitingOffer(Model):
    """A freed time on offer to one entry until ``expires_at``. One open offer per time, and per entry.

    A time that an entry has been offered once is never offered to it again.
    """

    __tablename__ = "waiting_offers"
    __table_args__ = (
        one_of("status", *OFFER_STATUSES),
        UniqueConstraint("entry_id", "doctor_id", "start_time"),
        ExcludeConstraint(
            (Column("doctor_id"), "="),
            (func.tstzrange(literal_column("start_time"), literal_column("end_time")), "&&"),
            using="gist",
            where=text("status = 'OPEN'"),
            name=ONE_OFFER_PER_TIME,
        ),
        Index("uq_waiting_offers_open", "entry_id", unique=True, postgresql_where=text("status = 'OPEN'")),
        Index("ix_waiting_offers_due", "expires_at", postgresql_where=text("status = 'OPEN'")),
        {"schema": "reception"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("reception.waiting_entries.id"))
    doctor_id: Mapped[UUID]
    start_time: Mapped[Moment]
    end_time: Mapped[Moment]
    status: Mapped[str] = mapped_column(Text, server_default=OPEN, default=OPEN)
    offered_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None]

    def close(self, status: str, *, at: datetime, by: UUID | None) -> None:
        """Answer the offer, or raise StaleScreen (409) when it is answered already."""
        if self.status != OPEN:
            raise StaleScreen(OFFER_IS_NOW[self.status], at=self.answered_at)
        self.status, self.answered_at, self.answered_by = status, at, by
