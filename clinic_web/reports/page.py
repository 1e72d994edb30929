"""What the page of a report shows: key figures beside those of the weeks before, charts, tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo
from clinic_web.reports import charts
from clinic_web.reports.access import facilities_of, facility_for
from clinic_web.reports.charts import Chart, Head, Series
from clinic_web.reports.figures import Figures, Minutes
from clinic_web.reports.forms import Asked, presets
from clinic_web.reports.live import reports_topic
from clinic_web.reports.models import Run
from clinic_web.reports.queries.kept import (
    Check,
    KeptDay,
    Period,
    Report,
    last_check,
    last_kept_day,
    report_of,
    runs_of,
    versions_of,
)
from clinic_web.reports.tables import MINUTES, MONEY, NUMBER, Table, Teller, hour_name
from clinic_web.ui import texts

LOOKS = {"no_shows": "late", "left": "pay"}
STATES = {"taken": "all", "left": "owing"}


@dataclass(frozen=True)
class KeyFigure:
    """One figure, how it is written, and what it was before (None: nothing to compare with).

    ``state`` names the filter of the list of payments whose rows it adds up.
    """

    word: str
    value: Any
    kind: str
    before: Any = None
    beside: str = ""
    look: str = ""
    state: str = ""


@dataclass
class Page:
    """A facility's report of a period, as somebody reads it."""

    facility: FacilityInfo
    facilities: list[FacilityInfo]
    today: date
    report: Report
    before: Report
    versions: list[KeptDay]
    version: int | None
    runs: list[Run]
    teller: Teller

    @property
    def period(self) -> Period:
        return self.report.period

    @property
    def topic(self) -> str:
        return reports_topic(self.facility.id)

    @property
    def is_one_day(self) -> bool:
        return self.period.days == 1

    @cached_property
    def tables(self) -> dict[str, Table]:
        return {table.name: table for table in self.teller.tables()}

    @cached_property
    def presets(self) -> dict[str, Period]:
        return presets(self.today)

    @property
    def missing_span(self) -> Period | None:
        """The days from the first to the last that have no report."""
        missing = self.report.missing
        return Period(missing[0], missing[-1]) if missing else None

    @property
    def redo_span(self) -> Period | None:
        """The shown days that are over, whose reports can be made again."""
        last = min(self.period.last, self.today - timedelta(days=1))
        return Period(self.period.first, last) if self.period.first <= last else None

    @cached_property
    def check(self) -> Check | None:
        """How making the shown days again ended, as long as nothing newer is known of them."""
        if self.version or self.redo_span is None or not self.report.kept:
            return None
        newest = max(each.made_at for each in self.report.kept)
        return last_check(self.facility.id, self.redo_span, newest)

    @property
    def turned(self) -> tuple[Period, Period | None]:
        """The periods of the same length before and after; None when that has not begun."""
        span = timedelta(days=self.period.days)
        after = Period(self.period.last + timedelta(days=1), min(self.period.last + span, self.today))
        before = Period(self.period.first - span, self.period.first - timedelta(days=1))
        return before, after if after.first <= self.today else None

    @cached_property
    def key_figures(self) -> list[KeyFigure]:
        now = _key_values(self.report.figures, self.facility.currency)
        # Half a month beside a whole one would look like a fall: nothing is compared then.
        is_whole = not (self.before.is_empty or self.before.missing)
        then = _key_values(self.before.figures, self.facility.currency) if is_whole else {}
        found = []
        for name, (word, value, kind, beside) in now.items():
            before = then[name][1] if name in then else None
            look = LOOKS.get(name, "") if value else ""
            found.append(KeyFigure(word, value, kind, before, beside, look, STATES.get(name, "")))
        return found

    @cached_property
    def charts(self) -> dict[str, Chart | None]:
        if self.is_one_day:
            return {
                "visits": self._arrivals(),
                "waits": self._waits(),
                "consultations": self._consultations(),
            }
        return {"visits": self._visits_by_day(), "waits": self._waits(), "taken": self._taken_by_day()}

    def _arrivals(self) -> Chart | None:
        hours = self._hours()
        came = Series("main", _("Came"), [self.report.figures.arrivals[hour] for hour in hours])
        names = [hour_name(each) for each in hours]
        return self._chart(_("Patients who came, by hour"), _("patients"), names, [came])

    def _waits(self) -> Chart | None:
        spans = self.report.figures.waits_by_hour
        return self._minutes(_("Wait by hour of arrival"), spans)

    def _consultations(self) -> Chart | None:
        spans = self.report.figures.consultations_by_hour
        return self._minutes(_("Consultation by hour of its beginning"), spans)

    def _minutes(self, title: str, spans: Any) -> Chart | None:
        hours = range(min(spans), max(spans) + 1) if spans else range(0)
        medians = [spans[hour].median if hour in spans else None for hour in hours]
        longest = [spans[hour].p90 if hour in spans else None for hour in hours]
        return self._chart(title, _("minutes"), [hour_name(each) for each in hours],
                           [Series("main", _("Median"), medians)],
                           mark=Series("mark", _("9 of 10 at most"), longest))  # fmt: skip

    def _visits_by_day(self) -> Chart | None:
        days = self.report.daily.values()
        series = [
            Series("main", _("Seen"), [each.visits.seen for each in days]),
            Series("quiet", _("Left open"), [each.visits.open for each in days]),
            Series("late", _("Did not come"), [each.visits.no_shows for each in days]),
            Series("faint", _("Cancelled"), [each.visits.cancelled for each in days]),
        ]
        used = [each for each in series if any(each.values)]
        return self._chart(_("Visits by day"), _("visits"), self._days(), used)

    def _taken_by_day(self) -> Chart | None:
        taken = [float(each.net[self.facility.currency]) for each in self.report.daily.values()]
        series = Series("main", _("Taken"), [max(each, 0) for each in taken])
        return self._chart(
            _("Taken by day"), texts.currency_sign(self.facility.currency), self._days(), [series]
        )

    def _chart(
        self, title: str, unit: str, names: list[str], series: list[Series], **more: Any
    ) -> Chart | None:
        is_rtl = texts.language() in texts.RIGHT_TO_LEFT
        return charts.columns(Head(title, unit), names, series, is_rtl=is_rtl, write=_figure, **more)

    def _hours(self) -> range:
        came = self.report.figures.arrivals
        return range(min(came), max(came) + 1) if came else range(0)

    def _days(self) -> list[str]:
        return [texts.day(day, "d MMM") for day in self.report.daily]


def _figure(value: Any) -> str:
    return texts.number(Decimal(str(round(value, 2))))


def _key_values(figures: Figures, currency: str) -> dict[str, tuple[str, Any, str, str]]:
    visits, money = figures.visits, figures.money_in(currency)
    rate = _("%(n)s %%", n=texts.number(visits.miss_rate)) if visits.miss_rate is not None else ""
    return {
        "seen": (
            _("Patients seen"),
            visits.seen,
            NUMBER,
            _("of %(n)s visits", n=texts.number(visits.number)),
        ),
        "no_shows": (_("Did not come"), visits.no_shows, NUMBER, rate),
        "waits": (_("Wait, median"), figures.waits.median, MINUTES, _longest(figures.waits)),
        "consultations": (
            _("Consultation, median"),
            figures.consultations.median,
            MINUTES,
            _longest(figures.consultations),
        ),
        "taken": (_("Taken"), money.net, MONEY, ""),
        "doctors": (_("Doctors' shares"), money.doctors_share, MONEY, ""),
        "centre": (_("Centre's share"), money.centre_share, MONEY, ""),
        "left": (_("Left unpaid"), money.due.left, MONEY, _("of what was due")),
    }


def _longest(spans: Minutes) -> str:
    return str(_("9 of 10 at most %(n)s", n=texts.number(spans.p90))) if spans.number else ""


def page_of(actor: Actor, asked: Asked) -> Page:
    """Return the page for what was asked: the last kept day unless days are named; NotFound (404)."""
    facility = facility_for(actor, asked.facility_id)
    today = clock.today(facility.timezone)
    period = _period(asked, facility, today)
    version = asked.version if period.days == 1 else None
    report = report_of(facility, period, version=version)
    teller = Teller(report, organization.directory(actor.organization_id), facility.currency)
    return Page(
        facility=facility,
        facilities=facilities_of(actor),
        today=today,
        report=report,
        before=report_of(facility, period.before, with_lines=False),
        versions=versions_of(facility.id, period.first) if period.days == 1 else [],
        version=version,
        runs=runs_of(facility.id),
        teller=teller,
    )


def _period(asked: Asked, facility: FacilityInfo, today: date) -> Period:
    if asked.first and asked.last:
        return Period(asked.first, asked.last)
    day = last_kept_day(facility.id) or today - timedelta(days=1)
    return Period(day, day)
