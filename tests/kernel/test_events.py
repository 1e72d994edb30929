"""A committed event reaches each subscriber once; one that was rolled back never happened."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.events.orders import BillingRequested, OrderLine
from clinic_web.kernel import bus, delivery, relay
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests.kernel.conftest import BellRang, Ear


def ring(ringer: Actor, times: int = 1) -> None:
    with transaction():
        bus.publish(BellRang(bell_id=new_id(), times=times), ringer)


def states() -> list[str]:
    return list(db.session.scalars(text("SELECT state FROM kernel.deliveries ORDER BY event_id")))


def test_an_event_is_heard_once(app: Flask, ear: Ear, ringer: Actor) -> None:
    ring(ringer, times=3)
    assert delivery.drain("events") == 1
    assert delivery.drain("events") == 0
    assert [event.times for event in ear.heard] == [3]
    assert states() == ["DONE"]


def test_what_does_not_concern_a_subscriber_is_not_delivered_to_it(
    app: Flask, ear: Ear, ringer: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (heard,) = bus.subscribers(BellRang)
    loud = dataclasses.replace(heard, concerns=lambda event: event.times > 1)
    monkeypatch.setitem(bus._by_topic, BellRang.TOPIC, [loud])
    ring(ringer, times=1)
    assert states() == []
    ring(ringer, times=2)
    assert states() == ["DUE"]


def test_an_event_with_lines_arrives_as_it_was_told() -> None:
    line = OrderLine(line_id=new_id(), item_id=new_id(), quantity=Decimal("1.500"))
    told = BillingRequested(
        organization_id=new_id(),
        facility_id=new_id(),
        order_id=new_id(),
        order_type="LAB",
        patient_id=new_id(),
        clinic_id=new_id(),
        doctor_id=new_id(),
        lines=(line, line),
    )
    assert bus.from_data(BillingRequested, bus.to_data(told)) == told


def test_what_was_rolled_back_was_never_told(app: Flask, ear: Ear, ringer: Actor) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        bus.publish(BellRang(bell_id=new_id()), ringer)
        raise ZeroDivisionError
    assert states() == []


def test_an_inner_transaction_joins_the_outer(app: Flask, ear: Ear, ringer: Actor) -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        ring(ringer)
        raise ZeroDivisionError
    assert states() == []


def test_a_second_delivery_of_the_same_event_has_no_effect(app: Flask, ear: Ear, ringer: Actor) -> None:
    ring(ringer)
    delivery.drain("events")
    db.session.execute(text("UPDATE kernel.deliveries SET state = 'DUE', done_at = NULL, attempts = 0"))
    assert delivery.drain("events") == 1
    assert len(ear.heard) == 1


def test_a_failure_is_kept_tried_again_and_parked_at_last(app: Flask, ear: Ear, ringer: Actor) -> None:
    ear.fails = 100
    ring(ringer)
    for _ in range(delivery.TRIES):
        delivery.drain("events")
        db.session.execute(text("UPDATE kernel.deliveries SET due_at = now() - interval '1 second'"))
    assert states() == ["PARKED"]
    row = db.session.execute(text("SELECT id, attempts, last_error FROM kernel.deliveries")).one()
    assert row.attempts == delivery.TRIES
    assert "not now" in row.last_error
    ear.fails = 0
    assert delivery.retry(row.id)
    assert delivery.drain("events") == 1
    assert states() == ["DONE"]


def test_a_failing_one_does_not_hold_up_the_others(app: Flask, ear: Ear, ringer: Actor) -> None:
    ear.fails = 1
    ring(ringer, times=1)
    ring(ringer, times=2)
    delivery.drain("events")
    assert sorted(states()) == ["DONE", "DUE"]


def test_the_relay_wakes_the_queues_that_are_past_their_lease(app: Flask, ear: Ear, ringer: Actor) -> None:
    ring(ringer)
    assert relay.sweep() == []
    with transaction():
        db.session.execute(text("UPDATE kernel.deliveries SET due_at = now() - interval '1 second'"))
    assert relay.sweep() == ["events"]


def test_events_keep_their_order_and_their_tenant(app: Flask, ear: Ear, ringer: Actor) -> None:
    ring(ringer, times=1)
    ring(ringer, times=2)
    rows = db.session.execute(
        text(
            "SELECT event_data->>'times' AS times, organization_id FROM kernel.domain_events"
            " ORDER BY sequence_number"
        )
    ).all()
    assert [row.times for row in rows] == ["1", "2"]
    assert {row.organization_id for row in rows} == {ringer.organization_id}
