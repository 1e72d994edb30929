"""The report of all facilities of an organization, one beside the other.

Visits and minutes are compared as they are; money stands in each facility's own currency, and only what is of
one currency is ever added.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.money import ZERO
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo
from clinic_web.reports import charts
from clinic_web.reports.access import everywhere
from clinic_web.reports.charts import Chart, Head, Series
from clinic_web.reports.figures import Money
from clinic_web.reports.forms import Asked, presets
from clinic_web.reports.live import reports_topic
from clinic_web.reports.queries.kept import Period, Report, last_kept_day, reports_of
from clinic_web.reports.tables import CODE, MINUTES, MONEY, TEXT, Column, Table
from clinic_web.ui import texts

MOST_TOPICS = 30


@dataclass
class Everywhere:
    """A period in all facilities, in their order."""

    period: Period
    today: date
    facilities: list[FacilityInfo]
    reports: dict[Any, Report]
    version: None = None  # the tables' macro asks; only a single facility's day has versions

    @property
    def is_one_day(self) -> bool:
        return self.period.days == 1

    @property
    def is_empty(self) -> bool:
        return all(each.is_empty for each in self.reports.values())

    @property
    def so_far(self) -> bool:
        return any(each.so_far for each in self.reports.values())

    @cached_property
    def presets(self) -> dict[str, Period]:
        return presets(self.today)

    @property
    def turned(self) -> tuple[Period, Period | None]:
        """The periods of the same length before and after; None when that has not begun."""
        span = timedelta(days=self.period.days)
        before = Period(self.period.first - span, self.period.first - timedelta(days=1))
        after = Period(self.period.last + timedelta(days=1), min(self.period.last + span, self.today))
        return before, after if after.first <= self.today else None

    @property
    def topics(self) -> str:
        return " ".join(reports_topic(each.id) for each in self.facilities[:MOST_TOPICS])

    @cached_property
    def tables(self) -> dict[str, Table]:
        return {each.name: each for each in (self._visits(), self._money(), self._sums())}

    @cached_property
    def charts(self) -> dict[str, Chart | None]:
        found = {"visits": self._visits_chart()}
        for currency in sorted({each.currency for each in self.facilities}):
            found[f"taken-{currency}"] = self._taken_chart(currency)
        return found

    def _visits(self) -> Table:
        columns = [
            Column(_("Place"), TEXT), Column(_("Visits")), Column(_("Patients seen")),
            Column(_("Did not come")), Column(_("Wait, median"), MINUTES),
            Column(_("Consultation, median"), MINUTES), Column(_("Days without a report")),
        ]  # fmt: skip
        rows: list[list[Any]] = []
        for place, report in self._each():
            visits, spans = report.figures.visits, report.figures
            rows.append([place, visits.number, visits.seen, visits.no_shows, spans.waits.median,
                         spans.consultations.median, len(report.missing)])  # fmt: skip
        total = [_("Together"), *(sum(row[at] for row in rows) for at in (1, 2, 3)), None, None, None]
        return Table("visits", _("Visits by place"), columns, rows, total if len(rows) > 1 else None)

    def _money(self) -> Table:
        columns = [Column(_("Place"), TEXT), Column(_("Currency"), CODE), *_money_columns()]
        rows: list[list[Any]] = []
        for facility in self.facilities:
            for money in _monies(facility, self.reports[facility.id]):
                rows.append([_name(facility), money.currency, *_values(money)])
        note = _("Each in its own currency: different currencies are never added.")
        return Table("money", _("Money by place"), columns, rows, note=note)

    def _sums(self) -> Table:
        sums: defaultdict[str, list[Any]] = defaultdict(lambda: [0, ZERO, ZERO, ZERO, ZERO])
        for facility in self.facilities:
            for money in _monies(facility, self.reports[facility.id]):
                added = zip(sums[money.currency], [1, *_values(money)], strict=True)
                sums[money.currency] = [before + more for before, more in added]
        columns = [Column(_("Currency"), CODE), Column(_("Places")), *_money_columns()]
        rows = [[currency, *values] for currency, values in sorted(sums.items())]
        return Table("currencies", _("Sums by currency"), columns, rows)

    def _visits_chart(self) -> Chart | None:
        visits = [report.figures.visits for _place, report in self._each()]
        series = [
            Series("main", _("Seen"), [each.seen for each in visits]),
            Series("quiet", _("Left open"), [each.open for each in visits]),
            Series("late", _("Did not come"), [each.no_shows for each in visits]),
            Series("faint", _("Cancelled"), [each.cancelled for each in visits]),
        ]
        used = [each for each in series if any(each.values)]
        return _chart(_("Visits by place"), _("visits"), [_name(each) for each in self.facilities], used)

    def _taken_chart(self, currency: str) -> Chart | None:
        here = [each for each in self.facilities if each.currency == currency]
        taken = [float(self.reports[each.id].figures.money_in(currency).net) for each in here]
        series = Series("main", _("Taken"), [max(each, 0) for each in taken])
        sign = texts.currency_sign(currency)
        title = _("Taken by place, %(currency)s", currency=sign)
        return _chart(title, sign, [_name(each) for each in here], [series])

    def _each(self) -> list[tuple[str, Report]]:
        return [(_name(each), self.reports[each.id]) for each in self.facilities]


def _name(facility: FacilityInfo) -> str:
    return texts.local_name(facility.name, facility.name_ar)


def _money_columns() -> list[Column]:
    words = (_("Taken"), _("Doctors' shares"), _("Centre's share"), _("Left unpaid"))
    return [Column(each, MONEY) for each in words]


def _values(money: Money) -> list[Decimal]:
    return [money.net, money.doctors_share, money.centre_share, money.due.left]


def _monies(facility: FacilityInfo, report: Report) -> list[Money]:
    """The facility's own currency, and others in which anything happened."""
    mine = report.figures.money_in(facility.currency)
    others = (each for each in report.figures.money.values() if each is not mine)
    return [mine, *(each for each in others if any(_values(each)))]


def _chart(title: str, unit: str, names: list[str], series: list[Series]) -> Chart | None:
    is_rtl = texts.language() in texts.RIGHT_TO_LEFT
    return charts.columns(Head(title, unit), names, series, is_rtl=is_rtl, write=_figure)


def _figure(value: Any) -> str:
    return texts.number(Decimal(str(round(value, 2))))


def everywhere_of(actor: Actor, asked: Asked) -> Everywhere:
    """Return all facilities for what was asked, the last kept day unless days are named; Forbidden (403)."""
    facilities, here = everywhere(actor), organization.facility(actor)
    today = clock.today(here.timezone)
    if asked.first and asked.last:
        period = Period(asked.first, asked.last)
    else:
        day = last_kept_day(here.id) or today - timedelta(days=1)
        period = Period(day, day)
    return Everywhere(period, today, facilities, reports_of(facilities, period))


def paper(shown: Everywhere) -> dict[str, Any]:
    """Return the words and figures that ``templates/pdf/report.typ`` places."""
    first, last = (texts.day(each, "EEEE d MMMM y") for each in (shown.period.first, shown.period.last))
    days = first if shown.is_one_day else _("%(first)s to %(last)s", first=first, last=last)
    now, count = clock.now(), len(shown.facilities)
    place = ngettext("%(num)s place", "%(num)s places", count)
    printed = _("%(place)s. Printed %(day)s %(time)s", place=place, day=texts.day(now, "d MMM y"),
                time=texts.clock_time(now))  # fmt: skip
    return {
        "title": str(_("Report of all places")),
        "place": place,
        "days": str(days),
        "foot": str(printed),
        "currency": "",
        "key_figures": [],
        "warning": str(_("The day is not over: the figures so far.")) if shown.so_far else "",
        "charts": list(shown.charts.values()),
        "tables": [each for each in shown.tables.values() if each.rows],
    }
