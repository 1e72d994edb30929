"""Two tabs, two words, one order: whoever is second finds what the first has done."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from clinic_web.events.pharmacy import StockReserved
from clinic_web.kernel import bus, delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders.models import Order
from clinic_web.orders.service import ending, placing
from clinic_web.orders.service.placing import Placed
from clinic_web.patients import api as patients
from clinic_web.patients.merging import Merge, merge
from tests.orders.room import FAILING, Room
from tests.reception.test_races import at_once


def test_two_tabs_try_again_and_one_order_comes_of_it(real_room: Room) -> None:
    order_id = real_room.place().order_id
    real_room.answer(order_id, FAILING["RESERVE"]["PRESCRIPTION"])
    db.session.rollback()
    answers = at_once(
        [partial(placing.retry, real_room.salma, order_id, key=f"tab {n}") for n in range(4)], workers=4
    )
    assert sum(isinstance(each, Placed) for each in answers) == 1, answers
    assert sum(isinstance(each, StaleScreen) for each in answers) == 3, answers
    assert db.session.scalar(select(func.count()).where(Order.retry_of == order_id)) == 1
    db.session.rollback()


def test_a_cancellation_and_the_answer_meet_and_the_step_is_undone_all_the_same(real_room: Room) -> None:
    for number in range(4):
        order_id = real_room.place().order_id
        with transaction():
            bus.publish(real_room.of(order_id, StockReserved), real_room.desk.system)
        db.session.rollback()
        answers = at_once(
            [
                partial(delivery.deliver_next, "events"),
                partial(ending.cancel, real_room.salma, order_id, "x"),
                partial(ending.cancel, real_room.salma, order_id, "y"),
            ],
            workers=3,
        )
        assert sum(isinstance(each, StaleScreen) for each in answers) == 1, (number, answers)
        assert real_room.status(order_id) == "COMPENSATING"
        undos = [each for each in real_room.told(order_id) if each.startswith("undo")]
        assert undos in (["undo BILL"], ["undo RESERVE"]), undos
        db.session.rollback()


@pytest.mark.parametrize("of_survivor", [True, False])
def test_orders_follow_a_merge_and_its_undoing(room: Room, of_survivor: bool) -> None:
    order_id = room.place().order_id
    mine, other = room.order(order_id).patient_id, room.desk.patient()
    amina = room.desk.amina
    survivor, merged = (mine, other) if of_survivor else (other, mine)
    wanted = Merge(
        survivor_id=survivor,
        merged_id=merged,
        from_merged=(),
        reason="twice",
        survivor_version=patients.card(amina, survivor).version,
        merged_version=patients.card(amina, merged).version,
    )
    merge(amina, wanted, key=str(uuid4()))
    from clinic_web.orders.queries import shown

    found = shown.of_patient(room.desk.cast.people["mona"].actor, survivor)
    assert [each.id for each in found.orders] == [order_id]
    assert room.order(order_id).patient_id == mine, "nothing is moved"
    again = room.place()
    assert room.order(again.order_id).patient_id == survivor
