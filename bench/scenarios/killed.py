"""A worker is killed (-9) while it applies a delivery: how long until that delivery has run again.

The delivery is held in the middle by a lock on the table that its handler writes to, so that it is surely
under way; its process is found by the port of its connection. Two ways to die: one worker alone (its
supervisor and its colleagues live), and a whole ``worker.py`` with all its children (a second one lives).
"""

from __future__ import annotations

import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from bench import cpu
from bench.figures import ROUNDS, Figure
from bench.programs import worker
from bench.world import Line, Person, World, plain
from clinic_web.kernel.db import db
from clinic_web.reception.service import booking
from clinic_web.reception.service.booking import Booking

T = TypeVar("T")
TIMES = min(ROUNDS, 3)
PATIENCE = 30.0
REACH = 5.0
LOOK = 0.005
ESTABLISHED = "01"

FORGET = "UPDATE kernel.deliveries SET state = 'DONE', done_at = now() WHERE state = 'DUE'"
HOLD = "LOCK TABLE notifications.notifications IN SHARE MODE"
HOLDER = """
    SELECT client_port FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
       AND query ILIKE '%insert into notifications.notifications%'
"""
STATE = """
    SELECT d.state FROM kernel.deliveries d JOIN kernel.domain_events e ON e.id = d.event_id
     WHERE e.aggregate_id = %s AND d.consumer LIKE 'notifications.%%'
"""
EFFECTS = "SELECT count(*) FROM notifications.notifications WHERE reference = %s"


@dataclass
class Desk:
    """Somebody who books, each time another time."""

    world: World
    line: Line
    person: Person
    patient: UUID
    slots: Iterator[tuple[UUID, datetime]]

    def book(self) -> UUID:
        """Book; the delivery of that event is what gets killed. Return the appointment's id."""
        doctor_id, start = next(self.slots)
        wanted = Booking(
            patient_id=self.patient, service_id=self.line.service_id, doctor_id=doctor_id, start_time=start
        )
        booked = booking.book(self.person.actor, wanted, key=f"{doctor_id} {start}")
        db.session.remove()
        return booked.appointment_id

    def wait_for(self, appointment_id: UUID) -> float:
        """Wait until the delivery is done; return when."""
        _until(lambda: self.world.sql(STATE, appointment_id) == [("DONE",)])
        return time.monotonic()


def run(world: World) -> list[Figure]:
    line = world.line(doctors=2)
    slots = iter(line.slots(world.today() + timedelta(days=1), 100))
    desk = Desk(world, line, world.person("receptionist"), world.patients(1)[0], slots)
    world.sql(FORGET)
    return [
        _figure("one worker killed", _one_worker(desk)),
        _figure("worker.py killed with all its children", _whole_program(desk)),
    ]


def _env(world: World) -> dict[str, str]:
    """The world's, with PostgreSQL by its port: a connection by a socket has no number to tell it by."""
    url = make_url(world.settings.database_url)
    if not url.host:
        port = int(world.sql("SHOW port")[0][0])
        url = url.set(host="127.0.0.1", port=port, query={})
    return world.env | {"DATABASE_URL": url.render_as_string(hide_password=False)}


def _one_worker(desk: Desk) -> list[float]:
    with ExitStack() as running:
        root = running.enter_context(worker(_env(desk.world))).pid
        desk.wait_for(desk.book())
        return [_kill(desk, [root], lambda pid: pid) for _ in range(TIMES)]


def _whole_program(desk: Desk) -> list[float]:
    with ExitStack() as running:
        roots = [running.enter_context(worker(_env(desk.world))).pid]
        desk.wait_for(desk.book())
        taken = []
        for _ in range(TIMES):
            roots.append(running.enter_context(worker(_env(desk.world))).pid)
            time.sleep(3)  # nothing tells that the second is up as well, so it gets its time
            taken.append(_kill(desk, roots, partial(_root_of, roots)))
            roots = [each for each in roots if _lives(each)]
        return taken


def _root_of(roots: list[int], pid: int) -> int:
    return next(each for each in roots if pid in cpu.tree(each))


def _kill(desk: Desk, roots: list[int], victim: Callable[[int], int]) -> float:
    """Kill whoever holds a delivery; return after how many seconds it was done after all."""
    with psycopg.connect(plain(desk.world.settings.database_owner_url)) as lock:
        lock.execute(HOLD)
        appointment_id = desk.book()
        port = _until(lambda: _holder(desk.world))
        holder = _process_with(port, roots)
        killed = time.monotonic()
        os.kill(victim(holder), signal.SIGKILL)
        _until(lambda: not _lives(holder))  # or it would finish its work in its last moment
        lock.rollback()
    taken = desk.wait_for(appointment_id) - killed
    effects = desk.world.sql(EFFECTS, f"appointment:{appointment_id}")[0][0]
    if effects != 1:
        raise RuntimeError(f"the delivery had its effect {effects} times")
    return taken


def _holder(world: World) -> int | None:
    """Return from which port comes the connection that waits for our lock; its own role may see that."""
    with psycopg.connect(plain(world.settings.database_url)) as watcher:
        row = watcher.execute(HOLDER).fetchone()
        return int(row[0]) if row else None


def _until(look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError("a delivery did not come to where it was waited for")
        time.sleep(LOOK)
    return found


def _process_with(port: int, roots: list[int]) -> int:
    """Return which process below ``roots`` has the connection that comes from ``port``."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for pid in set().union(*(cpu.tree(root) for root in roots)):
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            if _target(handle) in sockets:
                return pid
    raise LookupError(f"no worker has a connection from port {port}")


def _inodes(port: int) -> list[str]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[9] for row in rows if int(row[1].rpartition(":")[2], 16) == port and row[3] == ESTABLISHED]


def _target(handle: Path) -> str:
    try:
        return os.readlink(handle)
    except OSError:
        return ""


def _lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def _figure(what: str, taken: list[float]) -> Figure:
    worst = max(taken)
    return Figure(
        what=f"{what}: its delivery has run again",
        ours=f"after {worst:.2f} s at worst, {statistics.median(taken):.2f} s in the middle",
        reach=f"<= {REACH:.0f} s",
        is_met=worst <= REACH,
        rests_on=f"{len(taken)} kills (-9) in the middle of a delivery; each had its effect once",
    )
