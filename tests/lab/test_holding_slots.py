"""A laboratory order gets a slot for each of its tests, all or none, once; and gives them back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from clinic_web.catalog.models import LabTest
from clinic_web.kernel import clock, delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.lab import handlers
from clinic_web.lab.models import CANCELLED, COLLECTED, SCHEDULED, Hours, Offer, Slot
from tests.lab.laboratory import Laboratory


def test_an_order_is_expected_at_the_first_free_slot(lab: Laboratory, pushed: list[str]) -> None:
    blood = lab.test()
    order = lab.ask(blood)
    assert lab.times(order) == [lab.at(8)]
    (topic, told), *others = lab.answers(order)
    assert topic == "lab.scheduled" and not others
    assert told["starts_at"].startswith(lab.at(8).isoformat(" ")[:16])
    assert f"lab:{lab.facility_id}" in pushed and f"lab_order:{order.order_id}" in pushed
    row = lab.rows(order)[0]
    assert (row.status, row.clinic_id, row.doctor_id) == (SCHEDULED, lab.cast.dental, lab.cast.salma)


def test_the_place_after_the_last_is_in_the_next_slot(lab: Laboratory) -> None:
    blood = lab.test(capacity=2)
    orders = [lab.ask(blood) for _ in range(3)]
    assert [lab.times(order)[0] for order in orders] == [lab.at(8), lab.at(8), lab.at(8, 30)]
    assert lab.slots(blood) == {lab.at(8): 2, lab.at(8, 30): 1}


def test_what_the_doctor_prefers_counts_unless_it_can_not_wait(lab: Laboratory) -> None:
    blood = lab.test()
    afternoon = lab.at(13, 10)
    assert lab.times(lab.ask(blood, preferred_at=afternoon)) == [lab.at(13, 30)]
    assert lab.times(lab.ask(blood, preferred_at=afternoon, priority="STAT")) == [lab.at(8)]
    assert lab.times(lab.ask(blood, preferred_at=lab.at(3, days=-9))) == [lab.at(8)]
    assert lab.times(lab.ask(blood, preferred_at=lab.at(17))) == [lab.at(8, days=1)]


def test_all_tests_of_an_order_or_none(lab: Laboratory) -> None:
    blood, urine = lab.test(), lab.test("Urine", capacity=0)
    order = lab.ask(blood, urine)
    assert lab.answers(order)[0][1]["reason"] == "FULL"
    assert not lab.rows(order) and not lab.slots(blood)


def test_a_laboratory_that_is_full_for_two_weeks_says_so(lab: Laboratory) -> None:
    once = lab.test(slot_minutes=480, capacity=1)
    orders = [lab.ask(once) for _ in range(15)]
    assert [lab.times(order)[0] for order in orders[:14]] == [lab.at(8, days=ahead) for ahead in range(14)]
    assert lab.answered(orders[14]) == ["lab.scheduling_failed"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda lab, test: {"is_active": False}, "INACTIVE"),
        (lambda lab, test: None, "NOT_OFFERED"),
    ],
)
def test_a_test_that_is_not_done_is_refused_with_its_line(
    lab: Laboratory, change: Callable[..., dict[str, Any] | None], reason: str
) -> None:
    blood, other = lab.test(), lab.test("Other")
    values = change(lab, other)
    if values:
        db.session.execute(update(LabTest).where(LabTest.id == other).values(**values))
    else:
        db.session.add(
            Offer(
                organization_id=lab.cast.organization_id,
                facility_id=lab.facility_id,
                lab_test_id=other,
                is_offered=False,
            )
        )
    db.session.commit()
    order = lab.ask(blood, other)
    assert lab.answers(order)[0][1] | {"reason": reason} == lab.answers(order)[0][1]
    assert lab.answers(order)[0][1]["line_id"] == str(order.lines[1].line_id)
    unknown = lab.ask(new_id())
    assert lab.answers(unknown)[0][1]["reason"] == "NOT_OFFERED"


def test_the_places_own_way_of_doing_a_test_counts(lab: Laboratory) -> None:
    blood = lab.test(slot_minutes=30, capacity=5)
    db.session.add(
        Offer(
            organization_id=lab.cast.organization_id,
            facility_id=lab.facility_id,
            lab_test_id=blood,
            slot_minutes=60,
            capacity=1,
        )
    )
    db.session.commit()
    assert [lab.times(lab.ask(blood))[0] for _ in range(2)] == [lab.at(8), lab.at(9)]


def test_hours_are_the_laboratorys_own_and_made_when_first_needed(lab: Laboratory) -> None:
    blood = lab.test()
    lab.ask(blood)
    assert db.session.query(Hours).count() == 7
    db.session.execute(text("DELETE FROM lab.hours WHERE weekday <> :day"), {"day": lab.today.weekday()})
    db.session.commit()
    clock.shift(clock.offset() + timedelta(hours=10))
    assert lab.times(lab.ask(blood)) == [lab.at(8, days=7)]


def test_asked_again_it_answers_the_same_and_holds_nothing_more(lab: Laboratory) -> None:
    blood = lab.test()
    order = lab.order(blood)
    lab.tell(order, order)
    lab.tell(order)
    first, *others = lab.answers(order)
    assert len(others) == 2 and all(each == first for each in others)
    assert lab.slots(blood) == {lab.at(8): 1} and len(lab.rows(order)) == 1
    refused = lab.order(new_id())
    lab.tell(refused, refused)
    assert lab.answered(refused) == ["lab.scheduling_failed"] * 2


def test_one_delivery_twice_has_one_effect(lab: Laboratory) -> None:
    order = lab.ask(lab.test())
    db.session.execute(text("UPDATE kernel.deliveries SET state = 'DUE', attempts = 0 WHERE queue = 'lab'"))
    delivery.drain("lab")
    assert lab.answered(order) == ["lab.scheduled"]


def test_what_is_called_off_is_free_for_others(lab: Laboratory) -> None:
    blood, urine = lab.test(capacity=1), lab.test("Urine", capacity=1)
    order = lab.ask(blood, urine)
    lab.tell(lab.undoing(order), lab.undoing(order, attempt=2))
    assert lab.answered(order) == ["lab.scheduled", "lab.released", "lab.released"]
    assert {row.status for row in lab.rows(order)} == {CANCELLED}
    assert lab.slots(blood) == lab.slots(urine) == {lab.at(8): 0}
    assert lab.times(lab.ask(blood)) == [lab.at(8)]


def test_called_off_before_it_was_heard_of_it_gets_nothing(lab: Laboratory) -> None:
    blood = lab.test()
    order = lab.order(blood)
    lab.tell(lab.undoing(order), order)
    (_, released), (failed, why) = lab.answers(order)
    assert released["order_id"] == str(order.order_id)
    assert (failed, why["reason"]) == ("lab.scheduling_failed", "CANCELLED")
    assert not lab.rows(order) and not lab.slots(blood)


def test_a_specimen_that_is_taken_stays_taken(lab: Laboratory) -> None:
    blood, urine = lab.test(), lab.test("Urine")
    order = lab.ask(blood, urine)
    taken = lab.rows(order)[0]
    taken.collect(new_id(), None)
    db.session.commit()
    lab.tell(lab.undoing(order))
    assert [row.status for row in lab.rows(order)] == [COLLECTED, CANCELLED]
    assert lab.slots(blood) == {lab.at(8): 1} and lab.slots(urine) == {lab.at(8): 0}


def test_prescriptions_and_bills_are_no_business_of_the_laboratory(lab: Laboratory) -> None:
    order = lab.order(lab.test(), order_type="PRESCRIPTION")
    billed = lab.order(lab.test())
    lab.tell(order, lab.undoing(order), lab.undoing(billed, step="BILL"))
    assert not lab.answers(order) and not lab.answers(billed)


def test_postgresql_itself_refuses_a_place_too_many(lab: Laboratory) -> None:
    blood = lab.test(capacity=1)
    lab.ask(blood)
    with pytest.raises(IntegrityError, match="taken_fits"), db.session.begin_nested():
        db.session.execute(update(Slot).values(taken=Slot.taken + 1))


def test_an_order_takes_few_statements(lab: Laboratory, count_queries: Callable[[], Any]) -> None:
    tests = [lab.test(f"Test {number}") for number in range(5)]
    lab.ask(tests[0])
    order = lab.order(*tests)
    with count_queries() as statements:
        handlers.hold_slots(order)
    assert len(lab.rows(order)) == 5
    assert len(statements) <= 4, statements  # hear, ask the catalogue, hold; and what the transaction records
