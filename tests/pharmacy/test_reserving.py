"""Stock is held once for a prescription, whatever is told twice, late, in another order or at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import func, select

from clinic_web.events.reception import VisitFinished
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.pharmacy import api, handlers
from clinic_web.pharmacy.models import HeardVisit, Prescription, Reservation
from clinic_web.pharmacy.service import dispensing, releasing
from tests.pharmacy.conftest import Shop, answers, cancel, cancellation, hear, reservations

Counting = Callable[[], object]


def test_a_prescription_is_held_from_the_batches_that_expire_first(shop: Shop) -> None:
    told = shop.order((shop.amoxicillin, 12), (shop.ibuprofen, 5), priority="STAT")
    hear(told)
    held = {(row.batch_number, row.quantity) for row in reservations(told.order_id)}
    assert held == {("A-1", 10), ("A-2", 2), ("I-1", 5)}
    assert answers(told.order_id) == ["stock.reserved"]
    assert shop.counts() == (20, 12)
    found = shop.prescription(told.order_id)
    assert (found.status, found.priority_rank) == ("RESERVED", 2)
    standing = api.standing_of(shop.huda, [told.order_id, new_id()])[told.order_id]
    assert (standing.state, standing.held, standing.dispensed) == ("RESERVED", Decimal(17), Decimal(0))
    assert standing.expires_at == found.expires_at


def test_what_is_told_again_repeats_its_answer_and_holds_nothing_more(shop: Shop) -> None:
    told = shop.order((shop.amoxicillin, 12))
    for _ in range(3):
        hear(told)
    assert shop.counts() == (20, 12)
    assert answers(told.order_id) == ["stock.reserved"] * 3
    too_much = shop.order((shop.ibuprofen, 5), (shop.amoxicillin, 9))
    for _ in range(2):
        hear(too_much)
    assert answers(too_much.order_id) == ["stock.reservation_failed"] * 2
    said = db.session.scalars(select(DomainEvent).where(DomainEvent.aggregate_id == too_much.order_id)).all()
    assert said[0].event_data == said[1].event_data
    assert said[0].event_data["reason"] == "SHORT" and Decimal(said[0].event_data["available"]) == 8
    assert said[0].event_data["line_id"] == str(too_much.lines[1].line_id)
    assert shop.counts(shop.ibuprofen) == (100, 0)  # all lines or none


def test_an_order_that_is_undone_holds_nothing_whichever_is_told_first(shop: Shop) -> None:
    late = shop.order((shop.amoxicillin, 12))
    cancel(late)
    hear(late)
    hear(late)
    assert answers(late.order_id) == ["stock.released", *["stock.reservation_failed"] * 2]
    assert shop.prescription(late.order_id).status == "RELEASED"
    held = shop.order((shop.amoxicillin, 12))
    hear(held)
    cancel(held)
    cancel(held, attempt=2)
    hear(held)
    assert answers(held.order_id) == [
        "stock.reserved",
        "stock.released",
        "stock.released",
        "stock.reservation_failed",
    ]
    assert shop.counts() == (20, 0)
    assert not db.session.scalars(select(Reservation).where(Reservation.order_id == late.order_id)).all()


def test_only_its_own_orders_and_its_own_step_are_the_pharmacys(shop: Shop) -> None:
    told = shop.order((shop.amoxicillin, 1))
    with transaction():
        handlers.reserve_stock(type(told)(**{**vars(told), "order_type": "LAB"}))
        handlers.release_stock(cancellation(told, step="BILL"))
    assert db.session.scalar(select(func.count()).select_from(Prescription)) == 0


def test_reserving_adds_two_statements_to_what_the_stock_asks(shop: Shop, count_queries: Counting) -> None:
    told = shop.order((shop.amoxicillin, 12), (shop.ibuprofen, 5), visit_id=new_id())
    with count_queries() as queries:  # type: ignore[attr-defined]
        hear(told)
    others = ("set_config", "FROM inventory.", "SELECT kernel.streams.", "FROM organization.")
    own = [each for each in queries if not any(word in each for word in others)]
    assert [each.split(" ")[1] for each in own] == ["heard", "events"]


def test_what_nobody_fetches_in_time_is_free_again(shop: Shop) -> None:
    late, later = shop.reserved((shop.amoxicillin, 12)), shop.reserved((shop.ibuprofen, 5))
    part = shop.reserved((shop.ibuprofen, 8))
    line = reservations(part.order_id)[0].line_id
    dispensing.dispense(
        shop.huda, part.order_id, version=part.version, quantities={line: Decimal(3)}, key="part"
    )
    with transaction():
        for row in (late, part):
            shop.prescription(row.order_id).expires_at = clock.now() - timedelta(minutes=1)
    assert releasing.expire_due() == 2
    assert releasing.expire_due() == 0
    assert answers(late.order_id) == ["stock.reserved", "stock.reservation_expired"]
    assert answers(part.order_id)[-1] == "stock.reservation_expired"
    assert [shop.prescription(each.order_id).status for each in (late, later)] == ["EXPIRED", "RESERVED"]
    assert (shop.counts(), shop.counts(shop.ibuprofen)) == ((20, 0), (97, 5))
    standing = api.standing_of(shop.huda, [part.order_id])[part.order_id]
    assert (standing.state, standing.dispensed, standing.held) == ("EXPIRED", 3, 0)


def test_a_visit_without_a_prescription_costs_the_pharmacy_one_statement(
    shop: Shop, count_queries: Counting
) -> None:
    cast = shop.cast
    over = VisitFinished(
        organization_id=cast.organization_id, clinic_id=cast.dental, visit_id=new_id(), patient_id=new_id()
    )
    with count_queries() as queries, transaction():  # type: ignore[attr-defined]
        handlers.stand_in_line(over)
    assert len([each for each in queries if "set_config" not in each and "kernel.streams" not in each]) == 1
    assert db.session.get_one(HeardVisit, over.visit_id).finished_at is not None
