"""Two records become one person in the very instant in which one of them joins a line: never twice in it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import current_app
from sqlalchemy import select

from clinic_web.kernel import unit_of_work
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError, RuleBroken
from clinic_web.kernel.unit_of_work import run_again
from clinic_web.patients import api as patients
from clinic_web.patients import merging
from clinic_web.patients.merging import Merge
from clinic_web.reception.models import Visit
from clinic_web.reception.models.visits import PRESENT
from clinic_web.reception.service import checking_in
from tests.reception.desk import Desk
from tests.threads import ThreadPoolExecutor

LONG_ENOUGH = 0.4  # seconds in which whoever does not wait would be done


@contextmanager
def stopping_before_commit() -> Iterator[tuple[Any, Any]]:
    """The first thread that is about to commit says so and waits until it may."""
    arrived, may_go = threading.Event(), threading.Event()
    reached: list[int] = []

    def stop(name: str) -> None:
        if name == "transaction.before_commit" and not reached:
            reached.append(threading.get_ident())
            arrived.set()
            may_go.wait(5)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unit_of_work, "failpoint", stop)
        yield arrived, may_go
        may_go.set()


def in_thread(pool: ThreadPoolExecutor, act: Callable[[], Any]) -> Any:
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def run() -> Any:
        with app.app_context():
            try:
                return run_again(act)
            except DomainError as error:
                return error

    return pool.submit(run)


def one_then_the_other(first: Callable[[], Any], second: Callable[[], Any]) -> tuple[Any, Any]:
    """Run ``second`` while ``first`` is about to commit; return what came of both."""
    with stopping_before_commit() as (arrived, may_go), ThreadPoolExecutor(2) as pool:
        one = in_thread(pool, first)
        assert arrived.wait(5)
        other = in_thread(pool, second)
        with suppress(TimeoutError):
            other.result(LONG_ENOUGH)
        may_go.set()
        return one.result(5), other.result(5)


def merge(desk: Desk, survivor_id: UUID, merged_id: UUID) -> Callable[[], Any]:
    versions = {each: patients.card(desk.amina, each).version for each in (survivor_id, merged_id)}
    wanted = Merge(
        survivor_id=survivor_id,
        merged_id=merged_id,
        from_merged=(),
        reason="the same",
        survivor_version=versions[survivor_id],
        merged_version=versions[merged_id],
    )
    key = str(uuid4())
    return lambda: merging.merge(desk.amina, wanted, key=key)


def present(*ids: UUID) -> list[UUID]:
    db.session.rollback()
    here = select(Visit.patient_id).where(Visit.patient_id.in_(ids), Visit.status.in_(PRESENT))
    return list(db.session.scalars(here))


def test_a_walk_in_under_the_old_id_waits_for_the_merge_and_finds_the_person_there(real_desk: Desk) -> None:
    stays, goes = real_desk.patient(), real_desk.patient()
    there = real_desk.walk_in(patient_id=stays)
    _, refused = one_then_the_other(
        merge(real_desk, stays, goes), lambda: real_desk.walk_in(patient_id=goes, key="late")
    )
    assert isinstance(refused, RuleBroken) and refused.values == {"ticket": there.ticket}
    assert present(stays, goes) == [stays]


def test_a_walk_in_in_the_instant_of_the_merge_takes_the_id_that_stays(real_desk: Desk) -> None:
    stays, goes = real_desk.patient(), real_desk.patient()
    one_then_the_other(merge(real_desk, stays, goes), lambda: real_desk.walk_in(patient_id=goes, key="late"))
    assert present(stays, goes) == [stays]


def test_a_booking_in_the_instant_of_the_merge_takes_the_id_that_stays(real_desk: Desk) -> None:
    stays, goes = real_desk.patient(), real_desk.patient()
    _, booked = one_then_the_other(
        merge(real_desk, stays, goes),
        lambda: real_desk.book(patient_id=goes, at=real_desk.tomorrow(9), key="late"),
    )
    assert real_desk.visit(booked.visit_id).patient_id == stays


@pytest.mark.usefixtures("at_noon")
def test_a_merge_waits_for_a_check_in_and_then_sees_both_in_the_line(real_desk: Desk) -> None:
    stays, goes = real_desk.patient(), real_desk.patient()
    real_desk.walk_in(patient_id=stays)
    booked = real_desk.book(patient_id=goes)
    _, refused = one_then_the_other(
        lambda: checking_in.check_in(real_desk.amina, booked.visit_id, version=booked.version),
        merge(real_desk, stays, goes),
    )
    assert isinstance(refused, RuleBroken) and "Both are in the line" in refused.sentence
    assert patients.ids_of(goes) == [goes]


@pytest.mark.usefixtures("at_noon")
def test_two_records_of_one_person_check_in_at_once_and_one_is_let_in(real_desk: Desk) -> None:
    stays, goes = real_desk.patient(), real_desk.patient()
    booked = [
        real_desk.book(patient_id=patient_id, at=real_desk.soon(minutes))
        for patient_id, minutes in ((stays, 30), (goes, 60))
    ]
    merge(real_desk, stays, goes)()
    db.session.rollback()
    acts = [
        lambda each=each: checking_in.check_in(real_desk.amina, each.visit_id, version=each.version)
        for each in booked
    ]
    _, refused = one_then_the_other(*acts)
    assert isinstance(refused, RuleBroken) and "already in this line" in refused.sentence
    assert len(present(stays, goes)) == 1


def test_undoing_the_merge_lets_both_come_again(real_desk: Desk) -> None:
    stays, goes = real_desk.patient(), real_desk.patient()
    done = merge(real_desk, stays, goes)()
    merging.unmerge(real_desk.amina, done.link_id)
    for patient_id in (stays, goes):
        real_desk.walk_in(patient_id=patient_id)
    assert sorted(present(stays, goes)) == sorted((stays, goes))
