"""The report on paper: the words and figures that ``templates/pdf/report.typ`` places."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.reports.charts import Chart
from clinic_web.reports.page import Page
from clinic_web.reports.tables import Table, write
from clinic_web.ui import texts


def data(shown: Page) -> dict[str, Any]:
    """Return the whole report as texts; only tables that have rows."""
    place = texts.local_name(shown.facility.name, shown.facility.name_ar)
    return {
        "title": _("Report"),
        "place": place,
        "days": days_of(shown),
        "foot": _("%(place)s. Printed %(day)s %(time)s", place=place, day=texts.day(clock.now(), "d MMM y"),
                  time=texts.clock_time(clock.now())),
        "currency": texts.currency_sign(shown.facility.currency),
        "key_figures": [
            [each.word, write(each.value, each.kind), each.beside, _before(shown, each.before, each.kind)]
            for each in shown.key_figures
        ],
        "warning": _warning(shown),
        "charts": [_chart(each) for each in shown.charts.values() if each],
        "tables": [_table(each) for each in shown.tables.values() if each.rows],
    }  # fmt: skip


def drawn(data: dict[str, Any]) -> dict[str, Any]:
    """Return a report's data with its charts and tables as texts and places."""
    return data | {
        "charts": [_chart(each) for each in data["charts"] if each],
        "tables": [_table(each) for each in data["tables"]],
    }


def days_of(shown: Page) -> str:
    first = texts.day(shown.period.first, "EEEE d MMMM y")
    if shown.is_one_day:
        return first
    return str(_("%(first)s to %(last)s", first=first, last=texts.day(shown.period.last, "EEEE d MMMM y")))


def _before(shown: Page, value: Any, kind: str) -> str:
    if value is None:
        return ""
    word = _("week before: %(value)s") if shown.period.weeks_back == 1 else _("time before: %(value)s")
    return str(word) % {"value": write(value, kind)}


def _warning(shown: Page) -> str:
    if shown.report.missing:
        return str(_("Days without a report are not in it: %(n)s", n=texts.number(len(shown.report.missing))))
    return str(_("The day is not over: the figures so far.")) if shown.report.so_far else ""


def _chart(chart: Chart) -> dict[str, Any]:
    return {
        "title": chart.title,
        "unit": chart.unit,
        "height": chart.height,
        "bars": [[bar.x, bar.width, bar.y, bar.height, bar.look] for bar in chart.bars],
        "marks": [[mark.x1, mark.x2, mark.y] for mark in chart.marks],
        "labels": [[label.at, label.text] for label in chart.labels],
        "lines": [[line.at, line.text] for line in chart.lines],
        "legend": [list(pair) for pair in chart.legend],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "note": table.note,
        "head": [column.title for column in table.columns],
        "figures": [at for at, column in enumerate(table.columns) if column.is_figure],
        "rows": list(table.written()),
        "has_total": table.total is not None,
    }
