"""What only two at once can show; the deliberate bugs of ``chaos/bugs.py`` are seen here."""

from __future__ import annotations

import threading
import time
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import text

from clinic_web.events.lab import LabScheduled
from clinic_web.kernel import bus, delivery, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders import saga
from clinic_web.orders.saga import News
from clinic_web.orders.service import keeping
from tests.kernel.conftest import BellRang, Ear, ear, ringer
from tests.orders.conftest import real_room
from tests.orders.room import Room
from tests.threads import thread

__all__ = ["ear", "real_room", "ringer"]

WHOSE = text("SELECT kernel.tenant()")


def ring(actor: Actor) -> Any:
    with transaction():
        bus.publish(BellRang(bell_id=uuid4()), actor)


def test_a_delivery_is_one_worker_s(committing: Flask, ear: Ear, ringer: Actor) -> None:
    """While one worker is at it, another one finds nothing to do."""
    begun, may_end = threading.Event(), threading.Event()
    hear = bus._by_consumer["notifications.hear_bell:test.bell_rang"]
    slow = bus.Subscription(
        hear.consumer, hear.schema, hear.event, lambda _event: _dawdle(begun, may_end), hear.queue
    )
    bus._by_consumer[hear.consumer] = slow
    with committing.app_context():
        ring(ringer)
        db.session.remove()

    def work() -> None:
        with committing.app_context():
            delivery.deliver_next("events")
            db.session.remove()

    first = thread(work)
    first.start()
    assert begun.wait(10)
    with committing.app_context():
        began = time.monotonic()
        assert not delivery.deliver_next("events")
        assert time.monotonic() - began < 1
        db.session.remove()
    may_end.set()
    first.join()


def _dawdle(begun: threading.Event, may_end: threading.Event) -> None:
    begun.set()
    may_end.wait(10)


def test_an_event_that_commits_late_is_heard(committing: Flask, ear: Ear, ringer: Actor) -> None:
    """Its id and its number are older than those of one that was heard long ago."""
    told, may_commit = threading.Event(), threading.Event()

    def slowly() -> None:
        with committing.app_context():
            with transaction() as work:
                bus.publish(BellRang(bell_id=uuid4(), times=1), ringer)
                work.record()
                work.collected.clear()
                told.set()
                may_commit.wait(10)
            db.session.remove()

    late = thread(slowly)
    late.start()
    assert told.wait(10)
    with committing.app_context():
        with transaction():
            bus.publish(BellRang(bell_id=uuid4(), times=2), ringer)
        delivery.drain("events")
        assert [each.times for each in ear.heard] == [2]
        may_commit.set()
        late.join()
        delivery.drain("events")
        db.session.remove()
    assert [each.times for each in ear.heard] == [2, 1]


def test_of_two_answers_at_once_neither_is_lost(real_room: Room, committing: Flask) -> None:
    """Who decided by what is over by now writes nothing, and decides again."""
    placed = real_room.place("LAB")
    order = keeping.read(real_room.cast.organization_id, placed.order_id)
    assert order is not None
    actor = system_actor(real_room.cast.organization_id, name="orders")
    real_room.answer(placed.order_id, LabScheduled)
    assert real_room.status(placed.order_id) == "FULFILLING"
    with transaction():
        assert not keeping.carry_out(actor, order, News(kind=saga.CANCEL, reason="late"))
    assert real_room.status(placed.order_id) == "FULFILLING"


def test_what_a_transaction_was_told_ends_with_it_and_meets_no_borrower(real_room: Room) -> None:
    """Whose turn it is in the middle of a transaction is forgotten at its end, whoever goes on from there."""
    mine, theirs = real_room.cast.organization_id, real_room.cast.other_organization_id
    db.session.remove()
    with transaction():
        assert db.session.scalar(WHOSE) == mine
        token = tenant.enter(theirs)
        assert db.session.scalar(WHOSE) == theirs
    tenant.leave(token)
    db.session.remove()
    assert db.session.scalar(WHOSE) == mine
