"""Schema ``reports``: the kept report of a facility's local day, and the runs that make such reports."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Index, Integer, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, one_of
from clinic_web.kernel.runs import IS_OPEN, STATES, RunRow

NIGHT, HAND = "NIGHT", "HAND"


class DailyReport(Model):
    """A facility's local day as it was when the report was made. Never changed: another past is a version.

    ``figures`` is what ``figures.DayFigures`` reads; ``digest`` tells whether the past is still the same.
    ``outstanding`` is what was owed in all at ``made_at``; it changes daily and makes no new version.
    """

    __tablename__ = "daily_reports"
    __table_args__ = (
        UniqueConstraint("facility_id", "day", "version"),
        CheckConstraint("version > 0", name="version_positive"),
        {"schema": "reports"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    day: Mapped[date] = mapped_column(Date)
    version: Mapped[int] = mapped_column(Integer)
    figures: Mapped[dict[str, Any]]
    outstanding: Mapped[list[Any]]
    digest: Mapped[str] = mapped_column(Text)
    made_at: Mapped[Moment]
    made_by: Mapped[UUID | None]


class Run(Model, RunRow):
    """The making of one facility's reports from ``first_day`` to ``last_day``, day by day.

    ``days_done`` of ``days`` are made and committed, so a run that was killed goes on where it stopped;
    ``days_changed`` of them got a report that was not there before.
    """

    __tablename__ = "runs"
    __table_args__ = (
        one_of("reason", NIGHT, HAND),
        one_of("state", *STATES),
        CheckConstraint("first_day <= last_day", name="days_in_order"),
        CheckConstraint("days_done BETWEEN 0 AND last_day - first_day + 1", name="done_within_days"),
        Index(
            "uq_runs_night", "facility_id", "last_day", unique=True, postgresql_where=text("reason = 'NIGHT'")
        ),
        Index("ix_runs_open", "due_at", postgresql_where=text(IS_OPEN)),
        Index(None, "facility_id", "created_at"),
        {"schema": "reports"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(Text)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    days_done: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    days_changed: Mapped[int] = mapped_column(Integer, server_default="0", default=0)

    @property
    def days(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def next_day(self) -> date:
        return date.fromordinal(self.first_day.toordinal() + self.days_done)

    def advance(self, *, changed: bool, at: datetime) -> None:
        """Note that one more day is made; ``changed``: it got a new report."""
        self.days_done += 1
        self.days_changed += changed
        self.went_on(at, is_done=self.days_done == self.days)
