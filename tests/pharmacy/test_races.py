"""The pharmacy under contention, with real commits: nothing is held, handed over or freed twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from typing import Any

from flask import Flask
from sqlalchemy import select

from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.unit_of_work import run_again, transaction
from clinic_web.pharmacy.models import Dispensing
from clinic_web.pharmacy.service import dispensing, releasing
from tests.pharmacy.conftest import Shop, answers, cancel, hear
from tests.threads import ThreadPoolExecutor


def at_once(app: Flask, acts: list[Callable[[], Any]]) -> list[Any]:
    """Do everything at the same instant, each in a thread and connection of its own."""
    line = Barrier(len(acts))

    def do(act: Callable[[], Any]) -> Any:
        with app.app_context():
            line.wait()
            try:
                return run_again(act)
            except DomainError as refusal:
                return refusal
            finally:
                db.session.remove()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(do, acts))


def test_a_double_click_hands_over_once(committing: Flask, real_shop: Shop) -> None:
    held = real_shop.reserved()
    order_id, version = held.order_id, held.version

    def press(key: str) -> Callable[[], Any]:
        return lambda: dispensing.dispense(real_shop.huda, order_id, version=version, key=key)

    same = at_once(committing, [press("one press")] * 3)
    assert same[0] == same[1] == same[2]
    others = at_once(committing, [press("a colleague"), press("another")])
    assert all(isinstance(each, DomainError) and each.status == 409 for each in others)
    assert len(db.session.scalars(select(Dispensing)).all()) == 1
    assert real_shop.counts() == (8, 0)


def test_an_order_cancelled_while_it_is_reserved_holds_nothing(committing: Flask, real_shop: Shop) -> None:
    orders = [real_shop.order((real_shop.ibuprofen, 3)) for _ in range(8)]
    acts: list[Callable[[], Any]] = []
    for each in orders:
        acts += [lambda each=each: hear(each), lambda each=each: cancel(each), lambda each=each: hear(each)]  # type: ignore[misc]
    assert at_once(committing, acts) == [None] * len(acts)
    assert real_shop.counts(real_shop.ibuprofen) == (100, 0)
    for each in orders:
        said = Counter(answers(each.order_id))
        assert said["stock.released"] == 1 and sum(said.values()) == 3
        assert real_shop.prescription(each.order_id).status == "RELEASED"


def test_the_last_units_go_to_one_of_two_orders(committing: Flask, real_shop: Shop) -> None:
    orders = [real_shop.order((real_shop.amoxicillin, 20)) for _ in range(2)]
    at_once(committing, [lambda each=each: hear(each) for each in orders])  # type: ignore[misc]
    assert sorted(answers(orders[0].order_id) + answers(orders[1].order_id)) == [
        "stock.reservation_failed",
        "stock.reserved",
    ]
    assert real_shop.counts() == (20, 20)


def test_a_reservation_expires_or_is_handed_over_never_both(committing: Flask, real_shop: Shop) -> None:
    prescriptions = [real_shop.reserved((real_shop.ibuprofen, 2)) for _ in range(6)]
    with transaction():
        for each in prescriptions:
            real_shop.prescription(each.order_id).expires_at = clock.now() - timedelta(minutes=1)
    asked = [(each.order_id, real_shop.prescription(each.order_id).version) for each in prescriptions]

    def hand_over(order: Any) -> Callable[[], Any]:
        order_id, version = order
        return lambda: dispensing.dispense(real_shop.huda, order_id, version=version, key=str(order_id))

    at_once(committing, [*map(hand_over, asked), releasing.expire_due, releasing.expire_due])
    ended = Counter(real_shop.prescription(order_id).status for order_id, _ in asked)
    assert ended["DISPENSED"] + ended["EXPIRED"] == 6
    assert real_shop.counts(real_shop.ibuprofen) == (100 - 2 * ended["DISPENSED"], 0)
    for order_id, _ in asked:
        said = answers(order_id)
        assert said[0] == "stock.reserved" and len(said) == 2
