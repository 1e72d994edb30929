"""A thing that happens, and somebody who hears of it: events for the tests of the kernel alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import pytest

from clinic_web.kernel import bus, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.ids import new_id


@dataclass(frozen=True, kw_only=True)
class BellRang:
    TOPIC: ClassVar[str] = "test.bell_rang"
    AGGREGATE: ClassVar[tuple[str, str]] = ("bell", "bell_id")
    bell_id: UUID
    times: int = 1


@dataclass
class Ear:
    """Hears BellRang; ``fails`` says how often it fails first."""

    heard: list[BellRang]
    fails: int = 0

    def hear_bell(self, event: BellRang) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("not now")
        self.heard.append(event)


@pytest.fixture
def ear() -> Iterator[Ear]:
    listener = Ear([])
    bus.subscribe(BellRang, listener.hear_bell, schema="notifications")
    yield listener
    consumer = "notifications.hear_bell:test.bell_rang"
    bus._by_consumer.pop(consumer, None)
    bus._by_topic.pop(BellRang.TOPIC, None)


@pytest.fixture
def ringer() -> Actor:
    actor = Actor(organization_id=new_id(), user_id=new_id())
    tenant.enter(actor.organization_id)
    return actor
