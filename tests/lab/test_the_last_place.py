"""Many orders at once, on real connections: nobody gets a place that somebody else has."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

from flask import current_app
from sqlalchemy import select, text

from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import run_again
from clinic_web.lab import handlers
from clinic_web.lab.models import LabOrder, Slot
from tests.lab.laboratory import Laboratory
from tests.threads import ThreadPoolExecutor

AT_ONCE = 12


def at_once(acts: Sequence[Callable[[], None]]) -> None:
    """Run all acts at the same instant, each with a connection of its own."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    start = threading.Barrier(len(acts))

    def perform(act: Callable[[], None]) -> None:
        with app.app_context():
            start.wait(5)
            run_again(act)

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(perform, acts))


def test_two_orders_for_the_last_place_get_one_place_each(real_lab: Laboratory) -> None:
    blood = real_lab.test(capacity=1)
    orders = [real_lab.order(blood) for _ in range(AT_ONCE)]
    at_once([lambda order=order: handlers.hold_slots(order) for order in orders])  # type: ignore[misc]
    times = sorted(real_lab.times(order)[0] for order in orders)
    assert times == [real_lab.at(8) + timedelta(minutes=30 * number) for number in range(AT_ONCE)]
    assert set(real_lab.slots(blood).values()) == {1}


def test_orders_of_several_tests_race_in_any_order_and_slots_agree_with_rows(real_lab: Laboratory) -> None:
    tests = [real_lab.test(f"Test {number}", capacity=capacity) for number, capacity in enumerate((2, 1, 3))]
    orders = [real_lab.order(*(tests if number % 2 else tests[::-1])) for number in range(AT_ONCE)]
    at_once([lambda order=order: handlers.hold_slots(order) for order in orders])  # type: ignore[misc]
    assert all(len(set(real_lab.times(order))) == 1 for order in orders)  # all three together
    held = Counter(db.session.scalars(select(LabOrder.slot_id)))
    assert held == {row.id: row.taken for row in db.session.scalars(select(Slot)) if row.taken}
    assert all(row.taken <= row.capacity for row in db.session.scalars(select(Slot)))


def test_the_same_request_many_times_at_once_holds_once(real_lab: Laboratory) -> None:
    order = real_lab.order(real_lab.test())
    at_once([lambda: handlers.hold_slots(order) for _ in range(AT_ONCE)])
    assert len(real_lab.rows(order)) == 1
    assert real_lab.answered(order) == ["lab.scheduled"] * AT_ONCE


def test_asked_for_and_called_off_at_the_same_instant_nothing_is_held(real_lab: Laboratory) -> None:
    blood = real_lab.test()
    orders = [real_lab.order(blood) for _ in range(AT_ONCE // 2)]
    acts = [
        act
        for order in orders
        for act in (
            lambda order=order: handlers.hold_slots(order),
            lambda order=order: handlers.release_slots(real_lab.undoing(order)),
        )
    ]
    at_once(acts)
    assert set(real_lab.slots(blood).values()) <= {0}
    assert not db.session.execute(text("SELECT FROM lab.lab_orders WHERE status = 'SCHEDULED'")).first()
    assert all("lab.released" in real_lab.answered(order) for order in orders)
