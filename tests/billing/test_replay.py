"""A day is heard again: what was missed is made up for, and nothing else changes."""

from __future__ import annotations

from decimal import Decimal

from flask import Flask
from sqlalchemy import delete, text

from clinic_web.billing import models
from clinic_web.events.orders import BillingRequested
from clinic_web.kernel import bus
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import Delivery
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api as payments
from clinic_web.reception.service import cancelling
from tests.billing.conftest import Shop, bill, compensation, deliver_all
from tests.reception.desk import Desk

REPLAY = ["events", "replay", "--subscriber", "billing", "--from", "2020-01-01"]
FINGERPRINT = "SELECT md5(string_agg(CONCAT(t.ctid, t), '|' ORDER BY t.ctid))"
NOT_LOOKED_AT = {"kernel.streams"}  # what is told to screens


def everything() -> dict[str, str]:
    """A fingerprint of every table, with the identity of each version of each row."""
    found = {}
    for table in Model.metadata.sorted_tables:
        if table.fullname not in NOT_LOOKED_AT:
            rows = f"FROM {table.fullname} t"
            found[table.fullname] = db.session.scalar(text(f"{FINGERPRINT} {rows}"))
    return found


def a_day(desk: Desk, shop: Shop) -> BillingRequested:
    """Booked and paid, walked in and cancelled, ordered and paid, ordered and undone, no price."""
    farida = desk.cast.people["farida"].actor
    booked = desk.book()
    owed = payments.owed_for_visits(farida, [booked.visit_id])[booked.visit_id]
    payments.take(farida, payment_id=owed.payment_id, amount=Decimal(100), method="CASH", key=str(new_id()))
    off = desk.book(at=desk.soon(120))
    cancelling.cancel_visit(desk.amina, off.visit_id, "ill", version=desk.visit(off.visit_id).version)
    orders = [shop.order(), shop.order(), shop.order((shop.unpriced, "1"))]
    with transaction():
        for asked in orders:
            bus.publish(asked, desk.system)
        bus.publish(compensation(orders[1]), desk.system)
    return orders[0]


def test_a_replay_makes_up_for_what_was_missed_and_then_changes_no_row(
    app: Flask, desk: Desk, shop: Shop
) -> None:
    paid = a_day(desk, shop)
    db.session.execute(delete(Delivery).where(Delivery.consumer.like("billing.%")))  # nobody heard anything
    run = app.test_cli_runner()
    first = run.invoke(args=REPLAY)
    assert first.exit_code == 0, first.output
    deliver_all(["billing"])  # what billing told itself
    assert bill(order_id=paid.order_id).status == "ISSUED"

    before = everything()
    second = run.invoke(args=REPLAY)
    assert " 0 handled newly, 0 heard again, 0 changed something, 0 failed" in second.output
    assert everything() == before
    again = run.invoke(args=[*REPLAY, "--again"])
    assert " 0 handled newly" in again.output and " 0 changed something, 0 failed" in again.output
    assert " 0 heard again" not in again.output
    assert everything() == before


def test_one_handler_can_be_replayed_and_nobody_is_a_mistake(app: Flask, shop: Shop) -> None:
    asked = shop.order()
    with transaction():
        bus.publish(asked, shop.cast.people["salma"].actor)
    run = app.test_cli_runner()
    one = run.invoke(args=["events", "replay", "--subscriber", "billing.bill_order", "--from", "2020-01-01"])
    assert "1 handled newly" in one.output and bill(order_id=asked.order_id)
    assert db.session.query(models.Invoice).count() == 1
    wrong = run.invoke(args=["events", "replay", "--subscriber", "nobody", "--from", "2020-01-01"])
    assert wrong.exit_code == 1 and "billing" in wrong.output
