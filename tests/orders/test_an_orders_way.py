"""An order from its placing to its end, through the tables, the outbox and the words of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from clinic_web.events.billing import BillVoided, OrderBilled, OrderUnbilled
from clinic_web.events.notifications import NotificationFailed, NotificationQueued
from clinic_web.events.pharmacy import (
    PrescriptionDispensed,
    ReservationExpired,
    StockReleased,
    StockReserved,
)
from clinic_web.kernel import bus, clock, schedule
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, InvalidForm, NotAllowed, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.tables import Delivery
from clinic_web.orders.models import LAB, PRESCRIPTION, Order, OrderEvent
from clinic_web.orders.service import ending, placing, watching
from clinic_web.orders.service.placing import Line
from tests.orders.room import DOING, FAILING, UNDOING, Room, hear_all

Later = Callable[[timedelta], None]
BOTH = pytest.mark.parametrize("order_type", [PRESCRIPTION, LAB])


@BOTH
def test_an_order_is_reserved_billed_told_and_complete(
    room: Room, order_type: str, pushed: list[str]
) -> None:
    placed = room.place(order_type)
    assert placed.order_number.startswith("RX-" if order_type == PRESCRIPTION else "LB-")
    ways = []
    for step in ("RESERVE", "BILL", "NOTIFY"):
        ways.append(room.status(placed.order_id))
        room.answer(placed.order_id, DOING[step][order_type])
    assert [*ways, room.status(placed.order_id)] == ["CREATED", "FULFILLING", "BILLED", "COMPLETED"]
    assert room.told(placed.order_id) == ["reserve", "bill", "notify", "completed"]
    order, steps = room.order(placed.order_id), room.steps(placed.order_id)
    assert order.look_at is None and order.ended_at
    assert steps["BILL"].details["amount"] == "120.00"
    assert {f"order:{order.id}", f"visit-orders:{room.visit_id}", f"orders:{order.clinic_id}"} <= set(pushed)
    history = select(OrderEvent.what, OrderEvent.step).where(OrderEvent.order_id == order.id)
    assert [tuple(row) for row in db.session.execute(history.order_by(OrderEvent.sequence_number))] == [
        ("CREATED", None),
        ("ASKED", "RESERVE"),
        ("DONE", "RESERVE"),
        ("FULFILLING", None),
        ("ASKED", "BILL"),
        ("DONE", "BILL"),
        ("BILLED", None),
        ("ASKED", "NOTIFY"),
        ("DONE", "NOTIFY"),
        ("COMPLETED", None),
    ]


@BOTH
@pytest.mark.parametrize("failing", ["RESERVE", "BILL", "NOTIFY"])
def test_a_step_that_fails_undoes_what_was_done(room: Room, order_type: str, failing: str) -> None:
    order_id = room.place(order_type).order_id
    for step in ("RESERVE", "BILL", "NOTIFY"):
        if step == failing:
            break
        room.answer(order_id, DOING[step][order_type])
    room.answer(order_id, FAILING[failing][order_type], reason="NO_ADDRESS")
    if failing == "NOTIFY":
        assert room.status(order_id) == "COMPLETED", "a message that can't be sent never undoes care"
        assert room.states(order_id) == ("DONE", "DONE", "FAILED")
        return
    if failing == "BILL":
        assert (room.status(order_id), room.told(order_id)[-1]) == ("COMPENSATING", "undo RESERVE")
        room.answer(order_id, UNDOING["RESERVE"][order_type])
    order = room.order(order_id)
    assert (order.status, order.failed_step, order.reason) == ("FAILED", failing, "NO_ADDRESS")
    undone = {"RESERVE": ("FAILED", "SKIPPED", "SKIPPED"), "BILL": ("UNDONE", "FAILED", "SKIPPED")}
    assert room.states(order_id) == undone[failing]
    assert room.told(order_id)[-1] == f"failed {failing}"


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_a_cancelled_order_is_undone_step_by_step_in_reverse(room: Room, answers: int) -> None:
    order_id = room.place().order_id
    room.answer(order_id, *[DOING[step][PRESCRIPTION] for step in ("RESERVE", "BILL")][:answers])
    ending.cancel(room.salma, order_id, "allergic after all")
    assert room.order(order_id).said == "allergic after all"
    undos = ["undo BILL", "undo RESERVE"] if answers else ["undo RESERVE"]
    assert room.told(order_id)[-1] == undos[0]
    for undo in undos:
        room.answer(order_id, UNDOING[undo.split()[1]][PRESCRIPTION])
        room.answer(order_id, UNDOING[undo.split()[1]][PRESCRIPTION])
    assert [each for each in room.told(order_id) if each.startswith("undo")] == undos
    assert (room.status(order_id), room.told(order_id)[-1]) == ("CANCELLED", "cancelled")
    room.answer(order_id, StockReserved, OrderBilled, NotificationQueued)
    assert room.status(order_id) == "CANCELLED", "what comes late changes nothing"


def test_a_complete_order_is_not_cancelled_and_says_what_can_be_done(room: Room) -> None:
    order_id = room.place().order_id
    room.answer(order_id, StockReserved)
    room.answer(order_id, PrescriptionDispensed, is_whole=False)
    with pytest.raises(StaleScreen, match="handed over"):
        ending.cancel(room.salma, order_id, "late")
    room.answer(order_id, OrderBilled, NotificationQueued)
    with pytest.raises(StaleScreen):
        ending.cancel(room.salma, order_id, "late")
    other = room.place().order_id
    room.complete(other)
    with pytest.raises(StaleScreen, match="released by the pharmacy"):
        ending.cancel(room.salma, other, "late")
    with pytest.raises(RuleBroken):
        ending.cancel(room.salma, other, "  ")


def test_what_nobody_fetched_expires_and_is_ordered_again(room: Room) -> None:
    order_id = room.place().order_id
    room.complete(order_id)
    with pytest.raises(StaleScreen):
        placing.retry(room.salma, order_id, key="k")
    room.answer(order_id, ReservationExpired)
    room.answer(order_id, BillVoided, refund_due=Decimal("40.00"))
    steps = room.steps(order_id)
    assert (room.status(order_id), steps["RESERVE"].reason) == ("COMPLETED", "EXPIRED")
    assert room.states(order_id) == ("UNDONE", "UNDONE", "DONE")
    assert steps["BILL"].details["refund_due"] == "40.00"
    again = placing.retry(room.salma, order_id, key="k2")
    assert room.order(again.order_id).retry_of == order_id


def test_what_the_pharmacist_lets_go_before_the_end_fails_the_order(room: Room) -> None:
    order_id = room.place().order_id
    room.answer(order_id, StockReserved, StockReleased)
    assert room.told(order_id)[-1] == "undo BILL"
    room.answer(order_id, OrderUnbilled)
    order = room.order(order_id)
    assert (order.status, order.reason, order.failed_step) == ("FAILED", "RELEASED", "RESERVE")


def test_a_message_that_is_given_up_later_says_so_on_the_line(room: Room) -> None:
    order_id = room.place().order_id
    room.complete(order_id)
    room.answer(order_id, NotificationFailed, reason="GIVEN_UP")
    assert room.status(order_id) == "COMPLETED"
    assert room.steps(order_id)["NOTIFY"].reason == "GIVEN_UP"


def test_no_answer_is_asked_for_again_and_in_the_end_undone(room: Room, later: Later) -> None:
    order_id = room.place().order_id
    watching.watch()
    assert room.told(order_id) == ["reserve"]
    later(timedelta(seconds=31))
    assert watching.watch() == 1
    assert watching.watch() == 0
    assert room.told(order_id) == ["reserve", "reserve"]
    later(timedelta(minutes=10))
    watching.watch()
    assert (room.status(order_id), room.told(order_id)[-1]) == ("COMPENSATING", "undo RESERVE")
    later(timedelta(seconds=31))
    watching.watch()
    assert room.told(order_id)[-2:] == ["undo RESERVE", "undo RESERVE"]
    later(timedelta(hours=24))
    watching.watch()
    assert room.status(order_id) == "NEEDS_HUMAN"
    assert watching.attention() == {"needs_human": 1.0, "not_looked_after": 0.0}


def test_what_needs_a_human_is_asked_again_or_closed_with_a_reason(room: Room, later: Later) -> None:
    order_id = room.place().order_id
    for pause in (timedelta(minutes=10), timedelta(hours=24)):
        later(pause)
        watching.watch()
    with pytest.raises(StaleScreen):
        ending.cancel(room.salma, order_id, "please")
    with pytest.raises(RuleBroken):
        ending.close(room.salma, order_id, " ")
    ending.ask_again(room.salma, order_id)
    assert room.told(order_id)[-1] == "undo RESERVE"
    later(timedelta(hours=25))
    watching.watch()
    ending.close(room.salma, order_id, "told the pharmacy by telephone")
    order = room.order(order_id)
    assert (order.status, order.reason) == ("FAILED", "TIMED_OUT")
    room.answer(order_id, StockReleased)
    assert (room.status(order_id), room.states(order_id)[0]) == ("FAILED", "UNDONE")
    assert "orders.watch" in {each.name for each in schedule.registered()}


def test_a_patient_who_can_not_be_told_in_time_gets_the_medicine_all_the_same(
    room: Room, later: Later
) -> None:
    order_id = room.place().order_id
    room.answer(order_id, StockReserved, OrderBilled)
    later(timedelta(minutes=11))
    watching.watch()
    assert (room.status(order_id), room.steps(order_id)["NOTIFY"].reason) == ("COMPLETED", "TIMED_OUT")


def test_events_that_come_twice_count_once_and_few_statements_hear_one(room: Room, count_queries) -> None:  # type: ignore[no-untyped-def]
    order_id = room.place().order_id
    room.answer(order_id, StockReserved)
    db.session.execute(text("UPDATE kernel.deliveries SET state = 'DUE', attempts = 0"))
    db.session.commit()
    hear_all()
    assert room.told(order_id) == ["reserve", "bill"]
    from clinic_web.orders import handlers

    event = room.of(order_id, OrderBilled)
    from clinic_web.kernel.unit_of_work import transaction

    with count_queries() as queries, transaction():
        handlers.note_billed(event)
    assert len(queries) == 3, queries  # read, write, record


def test_one_press_places_one_order(room: Room) -> None:
    first = room.place(key="once")
    assert room.place(key="once") == first
    with pytest.raises(RuleBroken):
        room.place(key="once", priority="STAT")
    with pytest.raises(BadRequest):
        placing.place(room.salma, room.new(), key=None)
    assert db.session.scalar(select(func.count()).select_from(Order)) == 1


def test_what_can_not_be_ordered_is_refused_at_its_field(room: Room) -> None:
    gone = room.medicine("Gone", "1 g", is_active=False)
    wrong: list[tuple[dict[str, object], str]] = [
        ({"lines": ()}, "lines"),
        ({"lines": (Line(item_id=uuid4()),)}, "item-0"),
        ({"lines": (Line(item_id=gone),)}, "item-0"),
        ({"lines": (Line(item_id=room.paracetamol, quantity=Decimal(0)),)}, "quantity-0"),
        ({"lines": (Line(item_id=room.paracetamol, quantity=Decimal("NaN")),)}, "quantity-0"),
        ({"priority": "NOW"}, "priority"),
        ({"order_type": "SURGERY"}, "order_type"),
        ({"note": "x" * 501}, "note"),
        ({"order_type": LAB, "preferred_at": clock.now() - timedelta(hours=1)}, "preferred_at"),
        ({"order_type": LAB, "lines": (Line(item_id=room.cbc), Line(item_id=room.cbc))}, "item-1"),
    ]
    for changes, field in wrong:
        with pytest.raises(InvalidForm) as refused:
            placing.place(room.salma, replace(room.new(), **changes), key=str(uuid4()))  # type: ignore[arg-type]
        assert field in refused.value.errors
    assert bus.subscribers(StockReserved)


def test_only_who_sees_the_patient_orders_on_that_day(room: Room, later: Later) -> None:
    with pytest.raises(RuleBroken, match="another doctor"):
        placing.place(room.karim, room.new(), key="a")
    with pytest.raises(NotAllowed):
        placing.place(room.desk.amina, room.new(), key="b")
    with pytest.raises(NotFound):
        placing.place(room.salma, replace(room.new(), visit_id=uuid4()), key="c")
    order_id = room.place().order_id
    visit = room.desk.visit(room.visit_id)
    from clinic_web.reception.service import finishing

    finishing.finish(room.salma, visit.id, version=visit.version)
    room.place()  # later on the same day
    later(timedelta(days=1))
    with pytest.raises(RuleBroken, match="over"):
        room.place()
    assert room.status(order_id) == "CREATED"


def test_what_failed_is_tried_again_once_and_the_order_says_of_what(room: Room) -> None:
    failed = room.place(priority="URGENT", note="now").order_id
    room.answer(failed, FAILING["RESERVE"][PRESCRIPTION])
    again = placing.retry(room.salma, failed, key="r")
    assert placing.retry(room.salma, failed, key="r") == again
    with pytest.raises(StaleScreen, match="taken up again"):
        placing.retry(room.salma, failed, key="other tab")
    order = room.order(again.order_id)
    assert (order.retry_of, order.priority, order.note, order.status) == (failed, "URGENT", "now", "CREATED")


def test_a_change_cancels_and_orders_anew_in_one_press(room: Room) -> None:
    first = room.place().order_id
    lines = (Line(item_id=room.amoxicillin, quantity=Decimal(1)),)
    second = placing.change(room.salma, first, room.new(lines=lines), key="c").order_id
    assert (room.status(first), room.order(first).reason) == ("COMPENSATING", "CHANGED")
    assert room.order(second).retry_of == first
    room.complete(second)
    with pytest.raises(StaleScreen):
        placing.change(room.salma, second, room.new(), key="d")


def test_what_is_anothers_tenant_is_not_here(room: Room) -> None:
    order_id = room.place().order_id
    room.desk.taken_over_by(room.omar)
    stranger = replace(room.omar, permissions=frozenset({"order.write", "order.cancel"}), staff_id=uuid4())
    for act in (
        lambda: ending.cancel(stranger, order_id, "x"),
        lambda: placing.retry(stranger, order_id, key="x"),
        lambda: ending.close(stranger, order_id, "x"),
    ):
        with pytest.raises(NotFound):
            act()
    assert db.session.scalar(select(func.count()).select_from(Delivery)) is not None
