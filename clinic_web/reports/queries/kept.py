"""The kept reports, read for screens: their figures added up, which days have one, what is being made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from clinic_web.kernel import clock, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.runs import DONE, FAILED, OPEN
from clinic_web.organization.api import FacilityInfo
from clinic_web.reports.figures import DayLine, Figures
from clinic_web.reports.models import DailyReport, Run
from clinic_web.reports.queries import day as of_day
from clinic_web.reports.queries.question import question_of

# The newest report of each day, and how many there are of it.
NEWEST = text(
    """
    SELECT DISTINCT ON (day) day, version, figures, outstanding, made_at,
           CAST(count(*) OVER (PARTITION BY day) AS int) AS versions
      FROM reports.daily_reports
     WHERE facility_id = :facility_id AND day BETWEEN :first AND :last
       AND (CAST(:version AS int) IS NULL OR version = :version)
     ORDER BY day, version DESC
    """
)
# The same of several facilities at once.
NEWEST_OF_ALL = text(
    """
    SELECT DISTINCT ON (facility_id, day) facility_id, day, figures, outstanding
      FROM reports.daily_reports
     WHERE facility_id = ANY(:facilities) AND day BETWEEN :first AND :last
     ORDER BY facility_id, day, version DESC
    """
)
RUNS_SHOWN = 5
FAILED_SHOWN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Period:
    """Local days, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def weeks_back(self) -> int:
        """How many weeks before it lies the period to compare with: the same weekdays, nothing in common."""
        return -(-self.days // 7)

    @property
    def before(self) -> Period:
        back = timedelta(weeks=self.weeks_back)
        return Period(self.first - back, self.last - back)

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=each) for each in range(self.days))


@dataclass(frozen=True)
class KeptDay:
    """One report in the list."""

    day: date
    version: int
    made_at: datetime
    versions: int


@dataclass
class Report:
    """The days of a period added up. ``missing``: days that are over and have no report.

    ``so_far``: today is in it, computed now and not kept. ``daily`` has each day for itself.
    """

    period: Period
    figures: Figures = field(default_factory=Figures)
    daily: dict[date, DayLine] = field(default_factory=dict)
    missing: list[date] = field(default_factory=list)
    kept: list[KeptDay] = field(default_factory=list)
    so_far: bool = False
    outstanding_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not self.figures.days


def report_of(
    facility: FacilityInfo, period: Period, *, version: int | None = None, with_lines: bool = True
) -> Report:
    """Return the facility's report of a period: one query, and the day's own when today is in it.

    ``version`` picks an older report of a single day; ``with_lines``: also each day for itself.
    """
    report, days = Report(period), dict[date, Any]()
    outstanding: Any = []
    for row in _newest(facility.id, period, version):
        days[row.day], outstanding = row.figures, row.outstanding
        report.outstanding_at = row.made_at
        report.kept.append(KeptDay(row.day, row.version, row.made_at, row.versions))
    today = clock.today(facility.timezone)
    if period.first <= today <= period.last:
        question = question_of(facility.organization_id, facility.id, today)
        days[today], outstanding = of_day.figures(question), of_day.outstanding(question)
        report.so_far, report.outstanding_at = True, clock.now()
    report.figures.add(days.values())
    report.figures.set_outstanding(outstanding)
    if with_lines:
        report.daily = {day: DayLine.of(kept) for day, kept in days.items()}
    report.missing = [day for day in period if day not in days and day < today]
    return report


def reports_of(facilities: list[FacilityInfo], period: Period) -> dict[UUID, Report]:
    """Return each facility's report of a period: one query, and the day's own where today is in it."""
    asked = {"facilities": [each.id for each in facilities], "first": period.first, "last": period.last}
    kept: dict[UUID, dict[date, Any]] = {each.id: {} for each in facilities}
    owed: dict[UUID, Any] = {each.id: [] for each in facilities}
    for row in db.session.execute(NEWEST_OF_ALL, asked):
        kept[row.facility_id][row.day] = row.figures
        owed[row.facility_id] = row.outstanding
    found = {}
    for each in facilities:
        report, days, today = Report(period), kept[each.id], clock.today(each.timezone)
        if period.first <= today <= period.last:
            question = question_of(each.organization_id, each.id, today)
            days[today], owed[each.id] = of_day.figures(question), of_day.outstanding(question)
            report.so_far = True
        report.figures.add(days.values())
        report.figures.set_outstanding(owed[each.id])
        report.missing = [day for day in period if day not in days and day < today]
        found[each.id] = report
    return found


def _newest(facility_id: UUID, period: Period, version: int | None) -> Any:
    asked = {"facility_id": facility_id, "first": period.first, "last": period.last, "version": version}
    return db.session.execute(NEWEST, asked)


def versions_of(facility_id: UUID, day: date) -> list[KeptDay]:
    """Return every version of a day's report, the newest first."""
    rows = db.session.execute(
        select(DailyReport.version, DailyReport.made_at)
        .where(DailyReport.facility_id == facility_id, DailyReport.day == day)
        .order_by(DailyReport.version.desc())
    ).all()
    return [KeptDay(day, version, made_at, len(rows)) for version, made_at in rows]


def last_kept_day(facility_id: UUID) -> date | None:
    """Return the last day that has a report."""
    newest = select(DailyReport.day).where(DailyReport.facility_id == facility_id)
    found: date | None = db.session.scalar(newest.order_by(DailyReport.day.desc()).limit(1))
    return found


def runs_of(facility_id: UUID) -> list[Run]:
    """Return what is being made now and what failed lately, the newest first."""
    recent = clock.now() - FAILED_SHOWN_FOR
    asked = (
        select(Run)
        .where(
            Run.facility_id == facility_id,
            Run.state.in_(OPEN) | ((Run.state == FAILED) & (Run.created_at >= recent)),
        )
        .order_by(Run.created_at.desc())
        .limit(RUNS_SHOWN)
    )
    return list(db.session.scalars(asked))


@dataclass(frozen=True)
class Check:
    """The last run that went through a period; ``changed`` days got a new report by it."""

    at: datetime
    changed: int


def last_check(facility_id: UUID, period: Period, newest: datetime) -> Check | None:
    """Return the last run of a period that ended since its ``newest`` report was made.

    A run of more days than these counts as well when it changed none of them.
    """
    is_exact = (Run.first_day == period.first) & (Run.last_day == period.last)
    row = db.session.execute(
        select(Run.finished_at, Run.days_changed)
        .where(
            Run.facility_id == facility_id,
            Run.state == DONE,
            Run.first_day <= period.first,
            Run.last_day >= period.last,
            Run.finished_at >= newest,
            is_exact | (Run.days_changed == 0),
        )
        .order_by(Run.finished_at.desc())
        .limit(1)
    ).first()
    return Check(row.finished_at, row.days_changed) if row else None


def runs_failed() -> float:
    """Return how many runs of all tenants failed lately and were not taken up again."""
    recent = clock.now() - FAILED_SHOWN_FOR
    failed = select(func.count()).where(Run.state == FAILED, Run.created_at >= recent)
    return float(sum(db.session.scalar(failed) or 0 for _ in tenant.each()))
