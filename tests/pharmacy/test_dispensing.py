"""Medicine is handed over against what is held: all or a part, once per press; and taken back that day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from clinic_web.audit.models import Change
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, InvalidForm, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.tables import DomainEvent
from clinic_web.pharmacy.models import DispensingLine
from clinic_web.pharmacy.service import dispensing, releasing
from tests.pharmacy.conftest import Shop, answers, cancel, reservations


def test_everything_is_handed_over_with_one_press_and_once(shop: Shop) -> None:
    held = shop.reserved((shop.amoxicillin, 12), (shop.ibuprofen, 5))
    done = dispensing.dispense(shop.huda, held.order_id, version=held.version, key="one press")
    assert done.is_whole
    assert dispensing.dispense(shop.huda, held.order_id, version=held.version, key="one press") == done
    assert (shop.counts(), shop.counts(shop.ibuprofen)) == ((8, 0), (95, 0))
    assert shop.prescription(held.order_id).status == "DISPENSED"
    assert answers(held.order_id) == ["stock.reserved", "prescription.dispensed"]
    assert {row.status for row in reservations(held.order_id)} == {"DISPENSED"}
    with pytest.raises(StaleScreen, match="everything was handed over"):
        dispensing.dispense(shop.huda, held.order_id, version=done.version, key="another press")
    change = db.session.scalars(select(Change).where(Change.action == "prescription.dispense")).one()
    assert change.old_values is not None and Decimal(change.old_values["dispensed_quantity"]) == 0
    assert change.new_values is not None
    assert Decimal(change.new_values["dispensed_quantity"]) == 17


def test_a_part_is_handed_over_and_the_rest_released_with_a_reason(shop: Shop) -> None:
    held = shop.reserved((shop.amoxicillin, 12))
    line = reservations(held.order_id)[0].line_id
    part = dispensing.dispense(
        shop.huda, held.order_id, version=held.version, quantities={line: Decimal(11)}, key="part"
    )
    assert not part.is_whole
    assert [(row.batch_number, row.dispensed_quantity) for row in reservations(held.order_id)] == [
        ("A-1", 10),
        ("A-2", 1),
    ]
    assert shop.counts() == (9, 1)
    with pytest.raises(RuleBroken, match="Say why"):
        releasing.release(shop.huda, held.order_id, version=part.version, reason="  ")
    with pytest.raises(StaleScreen, match="waits to be dispensed"):
        releasing.release(shop.huda, held.order_id, version=held.version, reason="gone home")
    releasing.release(shop.huda, held.order_id, version=part.version, reason="gone home")
    assert shop.counts() == (9, 0)
    assert [row.status for row in reservations(held.order_id)] == ["DISPENSED", "RELEASED"]
    assert shop.prescription(held.order_id).release_reason == "gone home"
    assert answers(held.order_id)[-1] == "stock.released"


def test_more_than_is_held_and_nothing_at_all_are_refused_at_the_field(shop: Shop) -> None:
    held = shop.reserved((shop.amoxicillin, 12), (shop.ibuprofen, 5))
    lines = {row.medication_id: row.line_id for row in reservations(held.order_id)}
    typed = {lines[shop.amoxicillin]: Decimal(13), lines[shop.ibuprofen]: Decimal(5)}
    with pytest.raises(InvalidForm) as refused:
        dispensing.dispense(shop.huda, held.order_id, version=held.version, quantities=typed, key="a")
    assert list(refused.value.errors) == [f"quantity-{lines[shop.amoxicillin]}"]
    with pytest.raises(RuleBroken, match="how much"):
        nothing = dict.fromkeys(typed, Decimal(0))
        dispensing.dispense(shop.huda, held.order_id, version=held.version, quantities=nothing, key="b")
    with pytest.raises(BadRequest):
        dispensing.dispense(shop.huda, held.order_id, version=held.version, key=None)
    assert shop.counts() == (20, 12)


def test_a_dispensing_is_taken_back_on_its_day_and_held_again(shop: Shop) -> None:
    held = shop.reserved((shop.amoxicillin, 12))
    line = reservations(held.order_id)[0].line_id
    part = dispensing.dispense(
        shop.huda, held.order_id, version=held.version, quantities={line: Decimal(4)}, key="a"
    )
    rest = dispensing.dispense(shop.huda, held.order_id, version=part.version, key="b")
    undone = dispensing.undo(shop.huda, rest.dispensing_id, version=rest.version)
    assert (shop.counts(), shop.prescription(held.order_id).status) == ((16, 8), "RESERVED")
    with pytest.raises(StaleScreen, match="put back already"):
        dispensing.undo(shop.huda, rest.dispensing_id, version=undone.version)
    undone = dispensing.undo(shop.huda, part.dispensing_id, version=undone.version)
    assert shop.counts() == (20, 12)
    assert sum(row.left for row in reservations(held.order_id)) == 12
    whole = dispensing.dispense(shop.huda, held.order_id, version=undone.version, key="c")
    assert whole.is_whole and shop.counts() == (8, 0)
    told = db.session.scalars(select(DomainEvent).where(DomainEvent.event_type == "prescription.dispensed"))
    told = sorted(told, key=lambda each: each.event_data["version"])
    assert [each.event_data["with_patient"] for each in told] == ["PART", "WHOLE", "PART", "NONE", "WHOLE"]
    said = [(each.event_data["is_whole"], each.event_data["undoes_id"]) for each in told]
    assert sorted(said, key=str) == sorted(
        [
            (False, None),
            (True, None),
            (False, str(rest.dispensing_id)),
            (False, str(part.dispensing_id)),
            (True, None),
        ],
        key=str,
    )


def test_what_is_taken_back_of_a_cancelled_order_is_free(shop: Shop) -> None:
    held = shop.reserved((shop.amoxicillin, 12))
    done = dispensing.dispense(shop.huda, held.order_id, version=held.version, key="a")
    cancel(shop.orders[held.order_id])
    found = shop.prescription(held.order_id)
    assert (found.status, shop.counts()) == ("DISPENSED", (8, 0))  # it went over the counter
    undone = dispensing.undo(shop.huda, done.dispensing_id, version=found.version)
    assert not undone.is_held
    assert (shop.counts(), shop.prescription(held.order_id).status) == ((20, 0), "RELEASED")


def test_yesterdays_dispensing_is_not_taken_back(shop: Shop) -> None:
    held = shop.reserved((shop.amoxicillin, 12))
    done = dispensing.dispense(shop.huda, held.order_id, version=held.version, key="a")
    clock.shift(timedelta(days=1))
    try:
        with pytest.raises(RuleBroken, match="today"):
            dispensing.undo(shop.huda, done.dispensing_id, version=done.version)
    finally:
        clock.shift(timedelta())


def test_another_tenants_prescription_is_not_there(shop: Shop) -> None:
    held = shop.reserved()
    omar = shop.cast.people["omar"].actor
    with tenant.of(omar.organization_id), pytest.raises(NotFound):
        dispensing.dispense(omar, held.order_id, version=held.version, key="a")
    with tenant.of(omar.organization_id), pytest.raises(NotFound):
        releasing.release(omar, held.order_id, version=held.version, reason="mine")


def test_what_was_handed_over_is_never_edited(shop: Shop) -> None:
    held = shop.reserved()
    dispensing.dispense(shop.huda, held.order_id, version=held.version, key="a")
    assert db.session.scalars(select(DispensingLine)).first() is not None
    with pytest.raises(DBAPIError, match="permission denied"), db.session.begin_nested():
        db.session.execute(text("UPDATE pharmacy.dispensing_lines SET quantity = 1"))
