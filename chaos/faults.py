"""What is done to the running program, and how often: each kind at least once, more as the run is longer."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from chaos import servers
from chaos.programs import House
from chaos.servers import Own

# Deliveries come twice, one that was done included, and without the consumer's own note that it was: a handler
# whose rows are its memory does nothing the second time.
AGAIN = """
    UPDATE kernel.deliveries SET state = 'DUE', done_at = NULL, attempts = 0, due_at = now()
     WHERE id IN (SELECT id FROM kernel.deliveries WHERE state = 'DONE'
                   ORDER BY done_at DESC LIMIT %s)
    RETURNING event_id, consumer
"""
FORGET = "DELETE FROM {schema}.processed_events WHERE (event_id, consumer) = (%s, %s)"
# The oldest last, and some of them seconds later.
SHUFFLE = """
    UPDATE kernel.deliveries SET due_at = now() + random() * interval '3 seconds',
           attempts = CASE WHEN random() < 0.3 THEN 1 ELSE attempts END
     WHERE state = 'DUE' AND attempts < 3
"""
SAGA = ("pharmacy", "lab", "billing", "orders", "notifications")


@dataclass
class Saboteur:
    """Does one kind of harm after the other, as the dice fall. ``done`` counts what was done."""

    own: Own
    house: House
    owner_url: str
    dice: random.Random
    longest: float = (
        6.5  # seconds that a process is frozen: some longer than a session may sit in a transaction
    )
    done: Counter[str] = field(default_factory=Counter)
    seconds_down: float = 0.0

    def plan(self, sagas: int) -> list[tuple[int, str]]:
        """Return after how many sagas which harm is done: the same for the same seed."""
        often, seldom = list(self._often()), list(self._seldom())
        kinds = [*often, *seldom]
        while len(kinds) < sagas // 12:
            kinds += [self.dice.choice(often) for _ in range(9)] + [self.dice.choice(seldom)]
        self.dice.shuffle(kinds)
        step = sagas * 0.92 / len(kinds)
        return [(int(sagas * 0.03 + step * index), kind) for index, kind in enumerate(kinds)]

    def do(self, kind: str) -> None:
        act = {**self._often(), **self._seldom()}[kind]
        try:
            happened = act()
        except psycopg.Error:
            happened = False  # PostgreSQL is away: somebody else was quicker
        if happened is not False:
            self.done[kind] += 1

    def _often(self) -> dict[str, Callable[[], Any]]:
        house = self.house
        return {
            "web process killed": lambda: house.kill_child(house.web),
            "web process frozen": lambda: house.freeze_child(house.web, self.dice.uniform(0.3, self.longest)),
            "worker process killed": lambda: house.kill_child(house.worker),
            "worker process frozen": lambda: house.freeze_child(
                house.worker, self.dice.uniform(0.3, self.longest)
            ),
            "sessions of PostgreSQL cut": lambda: servers.cut(self.owner_url, self.dice.randrange(1, 8)),
            "Redis flushed": self.own.flush_redis,
            "deliveries repeated": lambda: self._repeat(forget=False),
            "deliveries repeated, notes lost": lambda: self._repeat(forget=True),
            "deliveries shuffled": self._shuffle,
        }

    def _seldom(self) -> dict[str, Callable[[], Any]]:
        house = self.house
        return {
            "worker.py killed with its children": lambda: house.kill_parent(house.worker),
            "gunicorn killed with its children": lambda: house.kill_parent(house.web),
            "Redis killed": lambda: self._without(self.own.kill_redis),
            "PostgreSQL crashed (kill -9)": lambda: self._without(self.own.crash_postgres),
            "PostgreSQL stopped at once": lambda: self._without(self.own.stop_postgres_immediately),
        }

    def _without(self, harm: Callable[[], None]) -> None:
        """Leave a server away for a moment, then start it again."""
        began = time.monotonic()
        harm()
        time.sleep(self.dice.uniform(0, 1.5))
        self.own.mend()
        self.seconds_down += time.monotonic() - began

    def _repeat(self, *, forget: bool) -> bool:
        with psycopg.connect(self.owner_url) as connection:
            rows = connection.execute(AGAIN, [self.dice.randrange(5, 40)]).fetchall()
            for event_id, consumer in rows if forget else ():
                schema = consumer.partition(".")[0]
                if schema in SAGA:
                    connection.execute(FORGET.format(schema=schema).encode(), [event_id, consumer])
        return bool(rows)

    def _shuffle(self) -> bool:
        with psycopg.connect(self.owner_url) as connection:
            return connection.execute(SHUFFLE).rowcount > 0
