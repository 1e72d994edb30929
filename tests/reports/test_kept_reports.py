"""A day's report is kept once, again as a version when the past changed; nights come to each facility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from clinic_web.kernel import clock, jobs
from clinic_web.kernel import runs as runs_of_kernel
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from clinic_web.reports.models import DailyReport, Run
from clinic_web.reports.queries.kept import Period, report_of, versions_of
from clinic_web.reports.service import running
from clinic_web.reports.service.making import make_day
from tests import factories
from tests.cast import Cast
from tests.reports.conftest import Past


@pytest.fixture
def set_clock() -> Iterator[Callable[[datetime], None]]:
    before = clock.offset()

    def set_to(moment: datetime) -> None:
        clock.shift(moment - (clock.now() - clock.offset()))

    yield set_to
    clock.shift(before)


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were handed to a worker; nobody takes them up."""
    handed: list[str] = []
    monkeypatch.setattr(jobs, "enqueue", lambda name, *ids, job_id: handed.append(ids[0]) or True)
    return handed


def make(past: Past, *, back: int = 1) -> bool:
    return make_day(past.cast.organization_id, past.cast.facility_id, past.day(back))


def runs() -> list[Run]:
    return list(db.session.scalars(select(Run).order_by(Run.created_at, Run.id)))


def test_the_same_past_is_kept_once(past: Past) -> None:
    past.an_ordinary_day()
    assert make(past) is True
    assert make(past) is False
    assert db.session.scalar(select(func.count()).select_from(DailyReport)) == 1


def test_another_past_is_another_version_and_the_first_stays(past: Past, cast: Cast) -> None:
    past.an_ordinary_day()
    make(past)
    past.seen(past.at(11), waits=3, takes=9)
    assert make(past) is True
    day, facility = past.day(), organization.directory(cast.organization_id).facilities[cast.facility_id]
    assert [each.version for each in versions_of(cast.facility_id, day)] == [2, 1]
    assert report_of(facility, Period(day, day)).figures.visits.number == 7
    assert report_of(facility, Period(day, day), version=1).figures.visits.number == 6


def test_a_period_adds_up_its_days_and_names_those_without_a_report(past: Past, cast: Cast) -> None:
    for back in (1, 2):
        past.an_ordinary_day(back=back)
        make(past, back=back)
    facility = organization.directory(cast.organization_id).facilities[cast.facility_id]
    report = report_of(facility, Period(past.day(3), past.day(0)))
    assert report.figures.days == 3 and report.so_far
    assert report.figures.visits.number == 12 and report.figures.waits.median == 10
    assert report.figures.money["EGP"].net == 2 * report.daily[past.day(1)].net["EGP"]
    assert report.missing == [past.day(3)]
    assert Period(past.day(3), past.day(1)).before == Period(past.day(10), past.day(8))
    assert Period(past.day(9), past.day(1)).before == Period(past.day(23), past.day(15))


def test_each_facility_has_its_own_night(
    cast: Cast, enqueued: list[str], set_clock: Callable[[datetime], None]
) -> None:
    tokyo = factories.facility(organization_id=cast.organization_id, timezone="Asia/Tokyo")
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    db.session.execute(text("UPDATE organization.facilities SET created_at = :at"), {"at": long_ago})
    set_clock(datetime(2026, 11, 20, 17, 0, tzinfo=UTC))  # Cairo 19:00 on the 20th, Tokyo 2:00 on the 21st
    running.begin_nights()
    tonight = {
        (run.facility_id, str(run.last_day)) for run in runs() if run.organization_id == cast.organization_id
    }
    assert tonight == {(tokyo, "2026-11-20"), (cast.facility_id, "2026-11-19")}
    known = len(runs())
    running.begin_nights()
    assert len(runs()) == known == len(enqueued)
    set_clock(datetime(2026, 11, 20, 22, 30, tzinfo=UTC))  # Cairo 0:30: not yet
    running.begin_nights()
    assert len(runs()) == known
    set_clock(datetime(2026, 11, 20, 23, 10, tzinfo=UTC))  # Cairo 1:10
    running.begin_nights()
    assert {str(run.last_day) for run in runs() if run.facility_id == cast.facility_id} == {
        "2026-11-19",
        "2026-11-20",
    }
    assert {run.days for run in runs()} == {running.LOOK_BACK}


def test_days_asked_for_are_made_with_progress_that_screens_hear(
    past: Past, cast: Cast, enqueued: list[str], pushed: list[str]
) -> None:
    past.an_ordinary_day()
    mona, key = cast.people["mona"].actor, str(new_id())
    run_id = running.ask(mona, None, past.day(3), past.day(1), key=key)
    assert running.ask(mona, None, past.day(3), past.day(1), key=key) == run_id
    assert enqueued == [str(run_id)]
    pushed.clear()
    running.go_on(run_id)
    [run] = runs()
    assert (run.state, run.days_done, run.days_changed) == ("DONE", 3, 3)
    assert pushed == [f"reports:{cast.facility_id}"] * 3
    running.go_on(run_id)  # delivered twice
    assert db.session.scalar(select(func.count()).select_from(DailyReport)) == 3


@pytest.mark.parametrize(("first", "last"), [(1, 3), (1, 0), (500, 1)])
def test_days_that_are_not_over_or_too_many_are_refused(past: Past, first: int, last: int) -> None:
    with pytest.raises(RuleBroken):
        running.ask(past.cast.people["mona"].actor, None, past.day(first), past.day(last), key=str(new_id()))
    assert runs() == []


def test_another_tenants_place_is_not_there(past: Past, cast: Cast) -> None:
    omar = cast.people["omar"].actor
    with pytest.raises(NotFound):
        running.ask(omar, cast.facility_id, past.day(), past.day(), key=str(new_id()))


def test_a_run_that_fails_says_so_and_can_be_taken_up_again(
    past: Past, cast: Cast, enqueued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mona = cast.people["mona"].actor
    run_id = running.ask(mona, None, past.day(2), past.day(1), key=str(new_id()))
    with pytest.raises(StaleScreen):
        running.try_again(mona, run_id)
    with monkeypatch.context() as broken:
        broken.setattr(running, "make_day", _breaks)
        for _ in range(runs_of_kernel.TRIES):
            running.go_on(run_id)
    [run] = runs()
    assert (run.state, run.last_error, run.days_done) == ("FAILED", "ZeroDivisionError", 0)
    running.try_again(mona, run_id)
    running.go_on(run_id)
    db.session.expire_all()
    assert runs()[0].state == "DONE"


def _breaks(*_args: Any, **_named: Any) -> bool:
    raise ZeroDivisionError


def test_the_sweep_hands_on_what_a_killed_worker_left(past: Past, cast: Cast, enqueued: list[str]) -> None:
    run_id = running.ask(cast.people["mona"].actor, None, past.day(2), past.day(1), key=str(new_id()))
    running.sweep()
    assert len(enqueued) == 1
    db.session.execute(
        text("UPDATE reports.runs SET due_at = :at"), {"at": clock.now() - timedelta(minutes=2)}
    )
    running.sweep()
    assert enqueued == [str(run_id)] * 2


def test_a_kept_report_is_never_edited(past: Past) -> None:
    """The application's role may add reports, and nothing else."""
    rights = text("SELECT has_table_privilege('reports.daily_reports', :right)")
    assert db.session.scalar(rights, {"right": "INSERT"})
    assert not db.session.scalar(rights, {"right": "UPDATE"})
    assert not db.session.scalar(rights, {"right": "DELETE"})
