"""Mona reads her reports: figures, charts and their tables, files, days without a report, what is refused."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from clinic_web.kernel import jobs
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.reports.charts import Head, Series, columns, step_of
from clinic_web.reports.models import Run
from clinic_web.reports.service import running
from clinic_web.reports.service.making import make_day
from tests.cast import Cast
from tests.reports.conftest import Past

AsPerson = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


@pytest.fixture
def mona(as_person: AsPerson) -> FlaskClient:
    return as_person("mona")


@pytest.fixture
def reported(past: Past, cast: Cast) -> Past:
    """Yesterday and the same day of the week before, both with a report."""
    for back in (1, 8):
        past.an_ordinary_day(back=back)
        make_day(cast.organization_id, cast.facility_id, past.day(back))
    return past


def test_the_page_opens_with_the_last_kept_day(mona: FlaskClient, reported: Past) -> None:
    shown = words(mona.get("/reports").text)
    for part in (
        "Patients seen 4 of 6 visits week before: 4",
        "Did not come 1 25 %",
        "Wait, median 10 min 9 of 10 at most 40",
        "Taken 1,650.05 EGP week before: 1,650.05",
        "Left unpaid 299.95",
        "agree to the cent",
        "Report 1, made",
    ):
        assert part in shown, part


def test_a_chart_is_one_sentence_and_its_figures_stand_in_a_table(mona: FlaskClient, reported: Past) -> None:
    page = mona.get(f"/reports?day={reported.day()}").text
    assert 'role="img" aria-label="Wait by hour of arrival. The figures stand in the table below."' in page
    assert "<title>09:00: Median 5</title>" in page and "style=" not in page
    assert "09:00 2 5 10 20 30" in words(page)
    for table in (
        "Taken by method",
        "Taken by doctor",
        "Taken by service",
        "Shares",
        "Outstanding",
        "Clinics",
    ):
        assert table in words(page)


def test_a_period_adds_up_and_offers_to_make_what_is_missing(mona: FlaskClient, reported: Past) -> None:
    page = mona.get(f"/reports?from={reported.day(9)}&to={reported.day(1)}").text
    shown = words(page)
    assert "Patients seen 8 of 12 visits" in shown and "7 days have no report" in shown
    assert "Visits by day" in shown and "Taken by day" in shown


def test_without_a_report_the_page_says_how_one_comes(mona: FlaskClient, past: Past) -> None:
    shown = words(mona.get("/reports").text)
    assert "No report is kept of this day" in shown and "Make the report now" in shown
    assert "Today is not over" in words(mona.get("/reports?day=today").text)
    assert mona.get("/reports?day=yesterday").status_code == 200


def test_csv_is_what_a_spreadsheet_opens(mona: FlaskClient, reported: Past) -> None:
    answer = mona.get(f"/reports/methods.csv?day={reported.day()}")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="methods-{reported.day()}.csv"'
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0] == ["Method", "Received", "Given back", "Taken", "Movements"]
    assert ["Card", "300.05", "0.00", "300.05", "1"] in rows
    assert mona.get("/reports/secrets.csv").status_code == 404


def test_pdf_in_both_languages(mona: FlaskClient, reported: Past, cast: Cast) -> None:
    answer = mona.get(f"/reports/report.pdf?from={reported.day(9)}&to={reported.day()}")
    assert answer.mimetype == "application/pdf" and answer.data.startswith(b"%PDF")
    mona.post("/account/settings", data={"locale": "ar", "next": "/account"})
    assert mona.get(f"/reports/report.pdf?day={reported.day()}").data.startswith(b"%PDF")
    assert '<html lang="ar" dir="rtl"' in mona.get("/reports").text


def test_making_by_hand_shows_its_progress(
    mona: FlaskClient, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "enqueue", lambda *args, **named: True)
    past.an_ordinary_day()
    form = {"from": str(past.day(2)), "to": str(past.day(1)), "idempotency_key": str(new_id())}
    answer = mona.post("/reports/make", data=form, headers=HTMX)
    assert "Making reports: 0 of 2, next" in words(answer.text) and 'id="last-act"' in answer.text
    assert mona.post("/reports/make", data=form).status_code == 303
    [run] = db.session.execute(db.select(Run)).scalars()
    running.go_on(run.id)
    assert "Patients seen 4" in words(mona.get("/reports").text)
    assert "2 reports are new" in words(mona.get(f"/reports?from={past.day(2)}&to={past.day(1)}").text)


def test_making_again_says_how_it_ended(
    mona: FlaskClient, reported: Past, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "enqueue", lambda *args, **named: True)

    def again(back: int = 1) -> str:
        form = {"from": str(reported.day(back)), "to": str(reported.day()), "idempotency_key": str(new_id())}
        answer = mona.post("/reports/make", data=form, headers=HTMX)
        assert "Asked for the report" in words(answer.text)
        for run in db.session.execute(db.select(Run).where(Run.state == "PENDING")).scalars():
            running.go_on(run.id)
        return words(mona.get("/reports").text)

    assert "Checked" not in words(mona.get("/reports").text)
    shown = again()
    assert re.search(r"Report 1, made .+ Checked .+: nothing has changed", shown)
    reported.an_ordinary_day()
    shown = again()
    assert "Report 2, made" in shown and "1 report is new" in shown and "nothing has changed" not in shown
    assert "nothing has changed" not in again(back=8)  # it made the days between
    assert "nothing has changed" in again(back=8)
    assert "Checked" not in words(mona.get(f"/reports?day={reported.day()}&version=1").text)


def test_a_run_that_failed_stands_there_until_it_is_tried_again(
    mona: FlaskClient, past: Past, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "enqueue", lambda *args, **named: True)
    run_id = running.ask(cast.people["mona"].actor, None, past.day(2), past.day(1), key=str(new_id()))
    run = db.session.get_one(Run, run_id)
    run.state, run.last_error, run.days_done = "FAILED", "OperationalError", 1
    db.session.commit()
    shown = words(mona.get("/reports").text)
    assert "A report could not be made" in shown and "OperationalError" in shown
    assert mona.post(f"/reports/runs/{run_id}/retry", headers=HTMX).status_code == 200
    assert "A report could not be made" not in mona.get("/reports").text
    assert mona.post(f"/reports/runs/{run_id}/retry", headers=HTMX).status_code == 409


def test_the_kept_reports_of_a_period_are_listed(mona: FlaskClient, reported: Past) -> None:
    page = mona.get(f"/reports?from={reported.day(9)}&to={reported.day(1)}").text
    assert "Kept reports 2" in words(page) and f"day={reported.day(8)}" in page
    assert f"/payments?day={reported.day()}" in mona.get(f"/reports?day={reported.day()}").text


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("?from=2026-05-02&to=2026-05-01", "The last day is before the first."),
        ("?from=2001-01-01&to=2026-05-01", "A year at a time at most."),
        ("?day=2199-01-01", "These days have not come yet."),
        ("?day=soon", "This address asks for days that do not exist."),
        ("?to=2026-05-01", "Say the first day, too."),
    ],
)
def test_days_that_cannot_be_shown_are_refused_with_a_sentence(
    mona: FlaskClient, path: str, sentence: str
) -> None:
    answer = mona.get(f"/reports{path}")
    assert answer.status_code == 422 and sentence in words(answer.text)
    assert "data-live" not in answer.text.partition('id="report"')[2].partition(">")[0]


def test_others_may_not_see_it_and_another_tenants_place_is_not_there(
    as_person: AsPerson, mona: FlaskClient, cast: Cast
) -> None:
    assert as_person("amina").get("/reports").status_code == 403
    assert mona.get(f"/reports?facility={new_id()}").status_code == 404
    form = {
        "facility": str(new_id()),
        "from": "2026-05-01",
        "to": "2026-05-01",
        "idempotency_key": str(new_id()),
    }
    assert mona.post("/reports/make", data=form).status_code == 404
    assert mona.post(f"/reports/runs/{new_id()}/retry").status_code == 404


def test_a_year_takes_few_statements(
    mona: FlaskClient, reported: Past, count_queries: Callable[[], Any]
) -> None:
    path = f"/reports?from={reported.day(300)}&to={reported.day(1)}"
    mona.get(path)
    with count_queries() as queries:
        mona.get(path)
    assert len(queries) <= 9


def test_columns_stand_side_by_side_from_the_reading_side() -> None:
    series = [Series("main", "Seen", [2, 4]), Series("late", "Did not come", [1, None])]
    chart = columns(Head("Visits", "visits"), ["Mon", "Tue"], series)
    assert chart is not None
    assert [bar.says for bar in chart.bars] == ["Mon: Seen 2", "Mon: Did not come 1", "Tue: Seen 4"]
    assert chart.bars[0].x < chart.bars[2].x and chart.bars[1].y < chart.bars[0].y
    assert chart.bars[2].height == chart.height
    mirrored = columns(Head("Visits", "visits"), ["Mon", "Tue"], series, is_rtl=True)
    assert mirrored is not None and mirrored.bars[0].x > mirrored.bars[2].x
    assert columns(Head("Nothing", "visits"), ["Mon"], [Series("main", "Seen", [0])]) is None


@pytest.mark.parametrize(("highest", "step"), [(1, 1), (4, 1), (5, 2), (33, 10), (99, 50), (12345, 5000)])
def test_the_scale_has_round_steps(highest: float, step: float) -> None:
    assert step_of(highest) == step
