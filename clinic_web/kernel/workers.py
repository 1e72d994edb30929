"""The processes behind ``python worker.py``: workers for deliveries and outside calls, relay, schedule.

The parent only supervises: a child that dies is started again. Children die with their parent, so that a
``kill -9`` of it leaves no orphan that works a second time beside its successor.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask
from redis import Redis
from rq import SimpleWorker, Worker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from clinic_web.kernel import delivery, jobs, relay, schedule
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db
from clinic_web.kernel.leader import Leadership

logger = structlog.get_logger(__name__)

SWEEP = 1.0
STEADY = 10.0  # a child that lived this long is started again at once
PAUSE = 1.0
HEARTBEAT = 30
PR_SET_PDEATHSIG = 1


class DeliveryWorker(SimpleWorker):
    """Runs jobs in its own process: an effect is one transaction anyway, and a fork costs ten times more."""

    max_connection_wait_time = 2.0  # after an outage of Redis be back in seconds, not after a minute


class OutsideWorker(Worker):
    """Forks a work-horse per job: a hanging provider is killed without harm."""

    max_connection_wait_time = 2.0


@dataclass
class Child:
    name: str
    run: Callable[[], None]
    pid: int = 0
    started: float = 0.0


def main(app: Flask, parts: Sequence[str] = ()) -> None:
    """Start the children of ``app`` and keep them alive until SIGTERM or SIGINT.

    ``parts``: which of ``deliveries``, ``outside`` and ``relay``; all of them if none is named. Ends the
    program with a sentence about a part that there is not.
    """
    children = {
        "deliveries": [
            Child(f"deliveries-{number}", lambda: _work(app, DeliveryWorker, jobs.DELIVERY_QUEUES))
            for number in (1, 2)
        ],
        "outside": [Child("outside", lambda: _work_in_forks(app))],
        "relay": [Child("relay", lambda: _relay(app))],
    }
    if unknown := set(parts) - set(children):
        sys.exit(f"A worker has the parts {', '.join(children)}, and not: {', '.join(sorted(unknown))}")
    Supervisor([child for part in parts or children for child in children[part]]).run()


class Supervisor:
    """Starts children, starts them again when they die, and takes them along when it is told to stop."""

    def __init__(self, children: list[Child]) -> None:
        self.children = children
        self.is_stopping = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        for child in self.children:
            self._start(child)
        logger.info("workers_started", children=len(self.children))
        while any(child.pid for child in self.children):
            self._wait()

    def _stop(self, _signal: int, _frame: object) -> None:
        self.is_stopping = True
        for child in self.children:
            if child.pid:
                os.kill(child.pid, signal.SIGTERM)

    def _start(self, child: Child) -> None:
        child.started = time.monotonic()
        child.pid = os.fork()
        if child.pid == 0:
            _die_with_parent()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            child.run()
            os._exit(0)

    def _wait(self) -> None:
        try:
            pid, status = os.wait()
        except (InterruptedError, ChildProcessError):
            return
        for child in self.children:
            if child.pid == pid:
                child.pid = 0
                self._start_again(child, status)

    def _start_again(self, child: Child, status: int) -> None:
        if self.is_stopping:
            return
        logger.warning("worker_died", child=child.name, status=os.waitstatus_to_exitcode(status))
        if time.monotonic() - child.started < STEADY:
            time.sleep(PAUSE)
        if not self.is_stopping:
            self._start(child)


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        os._exit(1)


_prepares: list[Callable[[], None]] = []


def before_forking(prepare: Callable[[], None]) -> None:
    """Let ``prepare`` do once what each job that runs in a fork would have to do anew: read translations, put
    statements together. What a process has in memory its forks have, too; connections it has none by then."""
    if prepare not in _prepares:
        _prepares.append(prepare)


def _work_in_forks(app: Flask) -> None:
    with app.app_context():
        configure_mappers()
        try:
            for prepare in _prepares:
                prepare()
        except SQLAlchemyError as error:  # then each fork does it itself
            logger.warning("not_prepared", error_type=type(error).__name__)
        db.session.remove()
        db.engine.dispose()
    gc.collect()
    gc.freeze()
    _work(app, OutsideWorker, jobs.OUTSIDE_QUEUES)


def _work(app: Flask, kind: type[DeliveryWorker] | type[OutsideWorker], queues: tuple[str, ...]) -> None:
    url = app.config["SETTINGS"].redis_url
    connection = Redis.from_url(url, socket_keepalive=True)
    worker: Any = kind(
        [jobs.queue_of(name, connection) for name in queues],
        connection=connection,
        serializer=JSONSerializer,
        job_class=jobs.OwnJob,
        maintenance_interval=30,
        worker_ttl=HEARTBEAT + 15,  # RQ says every ``worker_ttl - 15`` seconds that an idle worker is there
    )
    worker.work(logging_level="WARNING")


def _relay(app: Flask) -> None:
    """Sweep and schedule while this process leads; wait for the leader's death otherwise."""
    with app.app_context(), Leadership(db.engine) as leadership:
        while True:
            if leadership.is_mine():
                _relay_once()
            time.sleep(SWEEP)


def _relay_once() -> None:
    try:
        queues = relay.sweep()
        if queues and not broker().is_there():
            for queue in queues:  # without Redis nobody can be woken, so the relay does the work itself
                delivery.drain(queue)
        schedule.run_due()
    except SQLAlchemyError as error:
        logger.warning("relay_failed", error_type=type(error).__name__)
    finally:
        db.session.remove()
