"""What an order is promised: first out what expires first, all lines or none, never what is not there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from clinic_web.inventory import api
from clinic_web.inventory.models import Movement
from clinic_web.kernel import unit_of_work
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests.cast import Cast
from tests.inventory.conftest import ORDER, Shelf, adds_up, batch, item, parts, taken, write


def movements(order: UUID) -> list[Movement]:
    found = db.select(Movement).where(Movement.reference_id == order).order_by(Movement.seq)
    return list(db.session.scalars(found))


def told(topic: str) -> list[dict[str, Any]]:
    events = unit_of_work.current().collected["events"]
    return [each["event_data"] for each in events if each["event_type"] == topic]


def test_what_expires_first_goes_first_in_two_statements(
    shelf: Shelf, count_queries: Callable[[], Any]
) -> None:
    gauze = shelf.medicine("Gauze", "5")
    order, lines = new_id(), [shelf.line("4"), shelf.line("9"), shelf.line("5", gauze)]

    with transaction(), count_queries() as queries:
        held = shelf.hold_lines(lines, order=order)

    assert len(queries) == 2
    assert [(each.line_id, each.batch_number, each.quantity) for each in held[:3]] == [
        (lines[0].line_id, "SOON", 4),
        (lines[1].line_id, "SOON", 6),
        (lines[1].line_id, "LATER", 3),
    ]
    assert held[0].unit_cost == Decimal("0.9") and held[0].expiration_date == shelf.day + timedelta(days=30)
    assert parts(shelf.soon) == (0, 10, 0) and parts(shelf.later) == (17, 3, 0)
    shown = [(m.transaction_type, m.reserved_before, m.reserved_after) for m in movements(order)]
    assert shown == [("RESERVE", 0, 4), ("RESERVE", 4, 10), ("RESERVE", 0, 3), ("RESERVE", 0, 5)]
    adds_up()


def test_a_line_that_cannot_be_had_leaves_everything_where_it_was(shelf: Shelf) -> None:
    here, none, gone = shelf.line("8"), shelf.line("1", new_id()), shelf.line("23")
    shut = shelf.medicine("Old remedy", "50")
    write("UPDATE inventory.inventory_items SET is_active = false WHERE medication_id = :id", id=shut)
    for lines, reason, available in (
        ([here, gone], "SHORT", 22),
        ([here, none], "NOT_STOCKED", 0),
        ([shelf.line("1", shut)], "INACTIVE", 0),
    ):
        with transaction():  # which goes on: nothing was written
            with pytest.raises(api.ShortOfStock) as refused:
                shelf.hold_lines(lines)
            assert (refused.value.reason, refused.value.available) == (reason, available)
            assert refused.value.line_id == lines[-1].line_id
    with pytest.raises(RuleBroken):
        shelf.hold("0")
    assert parts(shelf.soon) == (10, 0, 0)
    adds_up()


def test_a_batch_is_good_on_its_last_day_and_not_on_the_next(shelf: Shelf) -> None:
    syrup = shelf.medicine("Syrup")
    last = shelf.batch(syrup, "5", expires=shelf.day)
    assert shelf.hold_lines([shelf.line("2", syrup)])[0].batch_id == last
    yesterday = shelf.day - timedelta(days=1)
    write("UPDATE inventory.inventory_batches SET expiration_date = :d WHERE id = :id", id=last, d=yesterday)
    with pytest.raises(api.ShortOfStock):
        shelf.hold_lines([shelf.line("2", syrup)])
    assert api.on_shelf(shelf.actor, shelf.facility_id, [syrup])[syrup].available == 0


def test_what_was_promised_is_given_out_comes_back_or_is_free_again(shelf: Shelf) -> None:
    order = new_id()
    held = taken(shelf.hold("12", order=order))
    why: dict[str, Any] = {"reference_type": ORDER, "reference_id": order}

    api.issue(shelf.actor, held[:1], **why)
    assert parts(shelf.soon) == (0, 0, 10) and item(shelf.item_id).quantity_on_hand == 20
    api.put_back(shelf.actor, [api.Taken(batch_id=shelf.soon, quantity=Decimal(4))], **why, reason="Unopened")
    api.release(shelf.actor, held[1:], **why)

    assert parts(shelf.soon) == (4, 0, 6) and parts(shelf.later) == (20, 0, 0)
    kinds = [each.transaction_type for each in movements(order)]
    assert kinds == ["RESERVE", "RESERVE", "ISSUE", "PUT_BACK", "RELEASE"]
    shown = api.on_shelf(shelf.actor, shelf.facility_id, [shelf.medication_id])[shelf.medication_id]
    assert (shown.on_hand, shown.reserved, shown.available) == (24, 0, 24)
    adds_up()
    for twice in (api.issue, api.release):
        with pytest.raises(StaleScreen):
            twice(shelf.actor, held, **why)
    with pytest.raises(StaleScreen):
        api.put_back(shelf.actor, [api.Taken(batch_id=shelf.soon, quantity=Decimal(7))], **why)
    adds_up()


def test_a_batch_that_was_set_aside_is_not_given_out(shelf: Shelf) -> None:
    held = taken(shelf.hold("3"))
    write("UPDATE inventory.inventory_batches SET status = 'RECALLED' WHERE id = :id", id=shelf.soon)
    with pytest.raises(StaleScreen):
        api.issue(shelf.actor, held, reference_type=ORDER, reference_id=new_id())
    api.release(shelf.actor, held, reference_type=ORDER, reference_id=new_id())
    assert shelf.hold("3")[0].batch_id == shelf.later


def test_low_stock_is_told_once_until_there_is_enough_again(shelf: Shelf, pushed: list[str]) -> None:
    write("UPDATE inventory.inventory_items SET reorder_point = 5")
    with transaction():
        held = taken(shelf.hold("24"))
        assert told("stock.low") == []
        held += taken(shelf.hold("1"))
        shelf.hold("2")
        assert [(each["available"], each["reorder_point"]) for each in told("stock.low")] == [
            ("5.00", "5.00")
        ]
        api.release(shelf.actor, held, reference_type=ORDER, reference_id=new_id())
        shelf.hold("25")
        assert len(told("stock.low")) == 2
    assert pushed == [f"stock:{shelf.facility_id}"]


def test_another_tenant_sees_and_moves_nothing(shelf: Shelf, cast: Cast) -> None:
    omar = cast.people["omar"].actor
    held = taken(shelf.hold("3"))
    with pytest.raises(NotFound):
        api.hold(omar, shelf.facility_id, [shelf.line("1")], reference_type=ORDER, reference_id=new_id())
    with pytest.raises(StaleScreen):
        api.release(omar, held, reference_type=ORDER, reference_id=new_id())
    assert parts(shelf.soon) == (7, 3, 0)


class Hand:
    """Does anything to the shelf, with what it took before."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.held, self.gone = shelf, list[api.Taken](), list[api.Taken]()

    @property
    def why(self) -> dict[str, Any]:
        return {"reference_type": ORDER, "reference_id": new_id()}

    def target(self, number: int) -> UUID:
        return (self.shelf.soon, self.shelf.later)[number % 2]

    def hold(self, number: int) -> None:
        self.held += taken(self.shelf.hold(str(number), "0.25"))

    def release(self, number: int) -> None:
        if self.held:
            api.release(self.shelf.actor, [self.held.pop(number % len(self.held))], **self.why)

    def issue(self, number: int) -> None:
        if self.held:
            some = self.held.pop(number % len(self.held))
            api.issue(self.shelf.actor, [some], **self.why)
            self.gone.append(some)

    def put_back(self, _number: int) -> None:
        if self.gone:
            api.put_back(self.shelf.actor, [self.gone.pop()], **self.why)

    def adjust(self, number: int) -> None:
        found = api.Correction(change=Decimal(number - 15), reason="Found so")
        api.adjust(self.shelf.actor, self.target(number), found)

    def count(self, number: int) -> None:
        lying = batch(self.target(number)).quantity_remaining
        found = api.Counted(expected=lying, actual=Decimal(number), reason="Counted")
        api.count(self.shelf.actor, self.target(number), found)

    def receive(self, number: int) -> None:
        self.shelf.batch(self.shelf.medication_id, str(number))


KINDS = ("hold", "release", "issue", "put_back", "adjust", "count", "receive")
ACTS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(1, 30)), min_size=8, max_size=25)


def test_whatever_happens_each_batch_adds_up(shelf: Shelf) -> None:
    """The shelf goes on from example to example: what one leaves is where the next begins."""
    hand = Hand(shelf)

    @settings(max_examples=12, derandomize=True, phases=(Phase.generate,))
    @given(ACTS)
    def run(acts: list[tuple[str, int]]) -> None:
        for kind, number in acts:
            with suppress(DomainError):
                getattr(hand, kind)(number)
        adds_up()

    run()
