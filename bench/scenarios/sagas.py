"""Orders: from the doctor's press until everything is reserved, billed and the message queued.

Three figures. How long one takes on an idle system, as a multiple of one RQ job that does nothing. How many a
second two workers lead to their end, beside two bare loops that say the same SQL in a copy of the database.
And what one event costs in outbox, delivery and dedupe, beside the same statements by bare psycopg.
"""

from __future__ import annotations

import os
import pickle
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import psycopg
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from bench import cpu, recorded
from bench.figures import ROUNDS, Figure, milliseconds
from bench.programs import worker
from bench.world import World, plain
from chaos.asking import Asking
from chaos.journeys import orders
from chaos.journeys.orders import Ward
from clinic_web.kernel import bus, delivery, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders.service import placing
from clinic_web.orders.service.placing import Line, NewOrder
from tests import databases

ROOT = Path(__file__).parents[2]
ONE_BY_ONE, AT_ONCE, EVENTS = 60 * ROUNDS, 60 * ROUNDS, 80 * ROUNDS
WARM_UP = 20  # orders after which both workers have planned their statements for good
PATIENCE = 120.0
LATENCY, TAIL, SHARE, COST = 20.0, 3.0, 0.5, 3.0
LEFT = (
    "SELECT count(*) FROM orders.orders WHERE status IN ('CREATED', 'FULFILLING', 'BILLED', 'COMPENSATING')"
)
DUE = "SELECT count(*) FROM kernel.deliveries WHERE state = 'DUE'"
Unit = list[tuple[str, object, bool]]  # a transaction's statements
NOTHING = ROOT / "bench" / "nothing.py"


@dataclass(frozen=True, kw_only=True)
class Tick:
    """An event that somebody hears and does nothing about."""

    TOPIC: ClassVar[str] = "bench.ticked"
    AGGREGATE: ClassVar[tuple[str, str]] = ("tick", "tick_id")
    organization_id: UUID
    tick_id: UUID
    number: int = 0


def hear_tick(event: Tick) -> None:
    """Nothing."""


def run(world: World) -> list[Figure]:
    asking = Asking(plain(world.settings.database_owner_url))
    try:
        ward = orders.prepare(world, asking, AT_ONCE)
        with tenant.of(world.actor.organization_id):
            _settle(asking)
            return [*_latency(world, ward, asking), *_throughput(world, ward, asking), *_cost(world, asking)]
    finally:
        asking.close()


def _settle(asking: Asking) -> None:
    """What the preparation told is heard here and now."""
    while sum(delivery.drain(queue) for queue in sorted(bus.queues())):
        pass
    db.session.remove()
    asking.all("VACUUM ANALYZE")


def _place(ward: Ward, number: int) -> UUID:
    doctor, visit_id = ward.doctors[number % len(ward.doctors)]
    items = ward.items.medicines[number % 6 : number % 6 + 2] if number % 2 else ward.items.tests[:2]
    order = NewOrder(
        order_type="PRESCRIPTION" if number % 2 else "LAB",
        visit_id=visit_id,
        lines=tuple(Line(item_id=each) for each in items),
    )
    placed = placing.place(doctor.actor, order, key=str(uuid4()))
    db.session.remove()
    return placed.order_id


# ---- How long one takes ----------------------------------------------------------------------------------


def _latency(world: World, ward: Ward, asking: Asking) -> list[Figure]:
    with worker(world.env), _idle_rq(world) as round_trip:
        for number in range(WARM_UP):
            _until_complete(asking, _place(ward, number))
        noops = sorted(round_trip() for _ in range(ONE_BY_ONE))
        taken = sorted(_timed(ward, asking, number) for number in range(ONE_BY_ONE))
    noop, middle = statistics.median(noops), statistics.median(taken)
    tail = taken[int(len(taken) * 0.99) - 1]
    rests_on = f"{ONE_BY_ONE} orders one after the other, half of them for the laboratory, two lines each"
    return [
        Figure(
            what="order placed → reserved, billed, message queued (idle, median)",
            ours=milliseconds(middle),
            floor=f"{milliseconds(noop)} (an RQ job that does nothing)",
            ratio=middle / noop,
            reach=f"<= {LATENCY:.0f} x",
            is_met=middle <= LATENCY * noop,
            rests_on=rests_on,
        ),
        Figure(
            what="the same, 99 of 100",
            ours=milliseconds(tail),
            floor=f"{milliseconds(middle)} (the median)",
            ratio=tail / middle,
            reach=f"<= {TAIL:.0f} x",
            is_met=tail <= TAIL * middle,
            rests_on=rests_on,
        ),
    ]


def _timed(ward: Ward, asking: Asking, number: int) -> float:
    order_id = _place(ward, number)
    began = time.perf_counter()
    _until_complete(asking, order_id)
    taken = time.perf_counter() - began
    time.sleep(0.02)  # idle again
    return taken


def _until_complete(asking: Asking, order_id: UUID) -> None:
    until = time.monotonic() + PATIENCE
    while asking.one("SELECT status FROM orders.orders WHERE id = %s", order_id) != ("COMPLETED",):
        if time.monotonic() > until:
            raise TimeoutError(f"order {order_id} is not complete")
        time.sleep(0.001)


@contextmanager
def _idle_rq(world: World) -> Iterator[object]:
    """A worker of RQ as it comes, without a fork; yields what times one job that does nothing."""
    url = world.settings.redis_url
    process = subprocess.Popen(
        [sys.executable, str(NOTHING), url], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    redis = Redis.from_url(url)
    queue = Queue("bench-nothing", connection=redis, serializer=JSONSerializer)

    def round_trip() -> float:
        began = time.perf_counter()
        queue.enqueue("nothing.nothing", url, result_ttl=0)
        if redis.blpop(["bench:done"], timeout=20) is None:
            raise TimeoutError("RQ did nothing at all")
        return time.perf_counter() - began

    try:
        round_trip()
        yield round_trip
    finally:
        process.kill()
        process.wait()


# ---- How many a second -----------------------------------------------------------------------------------


def _throughput(world: World, ward: Ward, asking: Asking) -> list[Figure]:
    """Three databases of one state: our workers work in the first; what they say is recorded in the second;
    two bare loops say it again in the third."""
    for number in range(AT_ONCE):
        _place(ward, number)
    asking.all("VACUUM ANALYZE")
    asking.close()
    here = world.settings.database_owner_url.rsplit("/", 1)[1]
    with _copies(world, here, 1) as (again,):
        floor = _said_again(again, _recorded())
        # The recording has done the work here; the copy from before is where our workers do it anew.
    ours = AT_ONCE / _led_to_their_end(world, ward, asking)
    return [
        Figure(
            what="orders led to their end, a second, two workers",
            ours=f"{ours:.0f} /s",
            floor=f"{floor:.0f} /s (two bare loops, the same SQL)",
            ratio=ours / floor,
            reach=f">= {SHARE:.0%} of it",
            is_met=ours >= SHARE * floor,
            rests_on=f"{AT_ONCE} orders that wait, until all are complete; messages are sent later",
        )
    ]


def _led_to_their_end(world: World, ward: Ward, asking: Asking) -> float:
    """Seconds that our two workers take. They have worked before, and stand still while orders are placed."""
    with worker(world.env, "deliveries") as process:
        for number in range(WARM_UP):
            _until_complete(asking, _place(ward, number))
        os.killpg(process.pid, signal.SIGSTOP)
        for number in range(AT_ONCE):
            _place(ward, number)
        asking.all("VACUUM ANALYZE")
        began = time.perf_counter()
        os.killpg(process.pid, signal.SIGCONT)
        while asking.number(LEFT):
            time.sleep(0.01)
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError("the orders did not end")
        return time.perf_counter() - began


def _recorded() -> list[Unit]:
    """Lead all waiting orders to their end in this process; return what was said."""
    with recorded.recording() as tape:
        while sum(delivery.drain(queue) for queue in sorted(bus.queues())):
            pass
    db.session.remove()
    return [unit for unit in tape.units if len(unit) > 1]  # a claim alone found nothing


def _said_again(url: str, units: list[Unit]) -> float:
    """Return how many orders a second two loops lead to their end."""
    with tempfile.TemporaryDirectory() as folder:
        loops = []
        for lane in range(2):
            tape = Path(folder) / f"{lane}.tape"
            tape.write_bytes(pickle.dumps(_lane(units, lane)))
            command = [sys.executable, "-m", "bench.recorded", url, str(tape)]
            loops.append(
                subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        time.sleep(2)  # both have read their tape
        for loop in loops:
            assert loop.stdin is not None
            loop.stdin.write("go\n")
            loop.stdin.flush()
        said = [loop.communicate()[0] for loop in loops]
        if any(loop.returncode for loop in loops):
            raise RuntimeError(f"a bare loop ended with {[loop.returncode for loop in loops]}")
        taken = [float(each) for each in said]
    return AT_ONCE / max(taken)


def _lane(units: list[Unit], lane: int) -> list[Unit]:
    """Every second unit: the statements ask nothing of each other but locks."""
    return units[lane::2]


@contextmanager
def _copies(world: World, source: str, number: int) -> Iterator[list[str]]:
    """Make copies of the world's database as it is; yield their addresses."""
    names = [f"{source}_copy{each}" for each in range(number)]
    world.owner.close()
    db.session.remove()
    db.engine.dispose()
    admin = plain(databases.owner_url())
    try:
        with psycopg.connect(admin, autocommit=True) as connection:
            for name in names:
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"'.encode())
        yield [plain(databases.owner_url(name)) for name in names]
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            for name in names:
                connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())
        world.__dict__.pop("owner", None)


# ---- What one event costs --------------------------------------------------------------------------------


def _cost(world: World, asking: Asking) -> list[Figure]:
    bus.subscribe(Tick, hear_tick, schema="notifications")
    source = world.settings.database_owner_url.rsplit("/", 1)[1]
    _tell_and_hear(world, 20)  # what is prepared once is prepared
    asking.close()
    with _copies(world, source, 1) as (copy,):  # as it was before what is said again there
        with recorded.recording() as tape:
            _tell_and_hear(world, EVENTS)
        units = [
            unit
            for unit in tape.units
            if any("domain_events" in text or "processed" in text for text, *_ in unit)
        ]
        bare = _bare(copy, units)
    ours = _ours(world)
    statements = sum(map(len, units)) / EVENTS
    return [
        Figure(
            what="an event's CPU in outbox, delivery and dedupe (us and PostgreSQL)",
            ours=milliseconds(ours),
            floor=f"{milliseconds(bare)} (the same {statements:.0f} statements by bare psycopg)",
            ratio=ours / bare,
            reach=f"<= {COST:.0f} x",
            is_met=ours <= COST * bare,
            rests_on=f"{EVENTS} events with one subscriber that does nothing",
        )
    ]


def _tell_and_hear(world: World, number: int) -> None:
    for each in range(number):
        with transaction():
            bus.publish(
                Tick(organization_id=world.actor.organization_id, tick_id=uuid4(), number=each), world.actor
            )
        delivery.deliver_next(bus.EVENTS_QUEUE)


def _ours(world: World) -> float:
    _tell_and_hear(world, 20)
    driver = db.session.connection().connection.driver_connection
    assert driver is not None
    backend = driver.info.backend_pid
    db.session.remove()
    before = cpu._seconds(os.getpid()) + cpu._seconds(backend)
    _tell_and_hear(world, EVENTS)
    return (cpu._seconds(os.getpid()) + cpu._seconds(backend) - before) / EVENTS


def _bare(url: str, units: list[Unit]) -> float:
    """The backend is new and counts whole; of this process what it uses meanwhile."""
    with psycopg.connect(url, autocommit=True) as watcher:
        before = cpu._seconds(os.getpid())
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
            backend = connection.info.backend_pid
            began = cpu._seconds(backend)
            recorded.say(connection, units)
            used = cpu._seconds(os.getpid()) - before + cpu._seconds(backend) - began
        watcher.execute("SELECT 1")
    return used / EVENTS
