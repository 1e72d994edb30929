"""A stop at a station (cashier, pharmacy, laboratory). One ticket accompanies a visit everywhere."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import clock
from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.reception.models.visits import CALLED, CANCELLED, COMPLETED, NO_SHOW, WAITING

STATUSES = (WAITING, CALLED, COMPLETED, NO_SHOW, CANCELLED)
MOVES: dict[str, tuple[str, ...]] = {
    WAITING: (CALLED, CANCELLED),
    CALLED: (COMPLETED, NO_SHOW, WAITING),
    NO_SHOW: (WAITING,),  # came after all
    COMPLETED: (CALLED,),  # undo of a finish
    CANCELLED: (),
}
ONE_STOP, ONE_AT_THE_COUNTER = "uq_station_stops_one_stop", "uq_station_stops_one_at_the_counter"

IS_NOW: dict[str, str] = {
    WAITING: N_("This changed at %(at)s: %(ticket)s waits at the station."),
    CALLED: N_("This changed at %(at)s: %(ticket)s is at a counter."),
    COMPLETED: N_("This changed at %(at)s: %(ticket)s is done here."),
    NO_SHOW: N_("This changed at %(at)s: %(ticket)s did not come to the counter."),
    CANCELLED: N_("This changed at %(at)s: %(ticket)s was taken out of this line."),
}


class StationStop(Model, Stamped, Versioned):
    """One ticket in a station's line. A visit brings its own; a walk-in (no visit) has drawn the station's.

    ``check_in_time`` is when it joined the line, ``clerk_id`` the user who called it: one at a counter at a
    time, and a visit once in each station's line, both by unique indexes. ``finished_id`` is whom the same
    press finished.
    """

    __tablename__ = "station_stops"
    __table_args__ = (
        one_of("status", *STATUSES),
        CheckConstraint("(visit_id IS NULL) = (number_id IS NOT NULL)", name="own_number_or_visit"),
        CheckConstraint("visit_id IS NULL OR patient_id IS NOT NULL", name="visit_has_patient"),
        CheckConstraint(
            "status <> 'CALLED' OR (clerk_id IS NOT NULL AND called_at IS NOT NULL)",
            name="called_by_somebody",
        ),
        Index(
            ONE_STOP,
            "queue_id",
            "visit_id",
            unique=True,
            postgresql_where=text("status IN ('WAITING', 'CALLED')"),
        ),
        Index(ONE_AT_THE_COUNTER, "clerk_id", unique=True, postgresql_where=text("status = 'CALLED'")),
        Index(
            "ix_station_stops_line",
            "queue_id",
            "queue_day",
            text("priority_rank DESC"),
            "check_in_time",
            postgresql_where=text("status = 'WAITING'"),
        ),
        Index("ix_station_stops_day", "queue_id", "queue_day", "status"),
        Index(None, "visit_id"),
        {"schema": "reception", "info": {"patient_id": "frozen"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    queue_id: Mapped[UUID] = mapped_column(ForeignKey("reception.queues.id"))
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.visits.id"))
    number_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.queue_numbers.id"), unique=True)
    patient_id: Mapped[UUID | None]
    queue_day: Mapped[date] = mapped_column(Date)
    ticket: Mapped[str] = mapped_column(Text)
    priority_rank: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    status: Mapped[str] = mapped_column(Text, server_default=WAITING, default=WAITING)
    check_in_time: Mapped[Moment]
    called_at: Mapped[datetime | None]
    end_time: Mapped[datetime | None]
    times_called: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    clerk_id: Mapped[UUID | None]
    room_id: Mapped[UUID | None]
    finished_id: Mapped[UUID | None] = mapped_column(ForeignKey("reception.station_stops.id"))

    def require_version(self, version: int) -> None:
        """Raise StaleStop (409) unless the person who acts saw the stop as it is now."""
        if self.version != version:
            raise StaleStop(self)

    def move_to(self, status: str) -> None:
        """Move to ``status``; StaleStop (409) if that is not allowed from here."""
        if status not in MOVES[self.status]:
            raise StaleStop(self)
        self.status = status

    def finish(self) -> None:
        self.move_to(COMPLETED)
        self.end_time = clock.now()

    def undo_finish(self) -> None:
        if self.status != COMPLETED:
            raise StaleStop(self)
        self.move_to(CALLED)
        self.end_time = None

    def announce_again(self) -> None:
        if self.status != CALLED:
            raise StaleStop(self)
        self.times_called += 1
        self.called_at = clock.now()

    def send_back(self) -> None:
        """To the line again, at the old place, whether the call was wrong or the person came after all."""
        self.move_to(WAITING)
        self.clerk_id = self.room_id = self.called_at = self.end_time = self.finished_id = None

    def miss(self) -> None:
        self.move_to(NO_SHOW)
        self.end_time = clock.now()

    def cancel(self) -> None:
        self.move_to(CANCELLED)
        self.end_time = clock.now()


class StaleStop(StaleScreen):
    """The stop is not any more what the screen showed (409)."""

    def __init__(self, stop: StationStop) -> None:
        super().__init__(IS_NOW[stop.status], at=stop.updated_at, ticket=stop.ticket)
        self.changed_at = stop.updated_at
        self.changed_by = stop.updated_by
