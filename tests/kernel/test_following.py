"""A worker takes up itself what its own deliveries told on; while more is left, others are woken for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.kernel import bus, delivery, jobs
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests.kernel.conftest import BellRang


@dataclass(frozen=True, kw_only=True)
class DoorOpened:
    TOPIC: ClassVar[str] = "test.door_opened"
    AGGREGATE: ClassVar[tuple[str, str]] = ("door", "door_id")
    door_id: UUID


@dataclass
class Porter:
    """Hears the bell and opens the door, of which somebody in another queue hears; ``fails`` at the door."""

    actor: Actor
    opened: int = 0
    fails: bool = False

    def answer_bell(self, event: BellRang) -> None:
        bus.publish(DoorOpened(door_id=event.bell_id), self.actor)

    def see_door(self, event: DoorOpened) -> None:
        if self.fails:
            raise RuntimeError("not now")
        self.opened += 1


@pytest.fixture
def porter(app: Flask, ringer: Actor) -> Iterator[Porter]:
    found = Porter(ringer)
    bus.subscribe(BellRang, found.answer_bell, schema="notifications")
    bus.subscribe(DoorOpened, found.see_door, schema="notifications", queue="billing")
    yield found
    for name, event in (("answer_bell", BellRang), ("see_door", DoorOpened)):
        bus._by_consumer.pop(f"notifications.{name}:{event.TOPIC}")
        bus._by_topic.pop(event.TOPIC)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(jobs, "wake", found.append)
    return found


def ring(actor: Actor, times: int) -> None:
    for _ in range(times):
        with transaction():
            bus.publish(BellRang(bell_id=new_id()), actor)


def due() -> int:
    return int(db.session.scalar(text("SELECT count(*) FROM kernel.deliveries WHERE state = 'DUE'")) or 0)


def test_what_one_delivery_tells_on_is_taken_up_without_a_job(porter: Porter, woken: list[str]) -> None:
    ring(porter.actor, 1)
    woken.clear()
    jobs.drain("events")
    assert (porter.opened, due(), woken) == (1, 0, [])


def test_while_more_is_left_the_others_are_woken_for_what_was_told(porter: Porter, woken: list[str]) -> None:
    ring(porter.actor, 3)
    woken.clear()
    jobs.drain("events")
    assert (porter.opened, due()) == (3, 0)  # nobody came, so this worker did the rest as well
    assert woken == ["billing", "billing"]


def test_whoever_stops_after_its_share_wakes_others_for_the_rest(
    porter: Porter, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 2)
    ring(porter.actor, 3)
    woken.clear()
    jobs.drain("events")
    assert due() == 3
    assert sorted(set(woken)) == ["billing", "events"]


def test_a_worker_that_breaks_off_wakes_others_for_what_it_told(
    porter: Porter, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ring(porter.actor, 1)
    woken.clear()
    deliver = delivery.deliver_next

    def deliver_one(queue: str) -> bool:
        if queue == "billing":
            raise ConnectionError("PostgreSQL went away")
        return deliver(queue)

    monkeypatch.setattr(delivery, "deliver_next", deliver_one)
    with pytest.raises(ConnectionError):
        jobs.drain("events")
    assert (due(), woken) == (1, ["billing"])
    ring(porter.actor, 1)
    assert woken == ["billing", "events"]  # and its commits are told as everybody's again


def test_what_fails_is_left_for_its_next_try(porter: Porter, woken: list[str]) -> None:
    porter.fails = True
    ring(porter.actor, 1)
    jobs.drain("events")
    assert (porter.opened, due()) == (0, 1)
    state = "SELECT attempts FROM kernel.deliveries WHERE state = 'DUE'"
    assert db.session.scalar(text(state)) == 1
