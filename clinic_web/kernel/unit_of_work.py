"""One use case, one transaction, one commit; then the screens are told.

``with transaction():`` in a service is the only commit of the program (a rule in the tests says so); an
inner one joins the outer. Inside it ``bus.publish`` and ``push.changed`` only collect. What was collected is
written in one statement just before the commit and told just after it, and dropped if the transaction fails.

We do not hook SQLAlchemy's ``after_commit``: it also fires when a savepoint is released, so screens would be
told before the real commit.

Locks are taken in one order everywhere, see docs/architecture.md: idempotency key, appointment or visit,
patient, doctor's day, stock batches, payment, invoice, queue counter, streams.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from flask import g
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from clinic_web.kernel import clock, record
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db, open_session
from clinic_web.kernel.errors import N_, Busy, StaleScreen
from clinic_web.kernel.failpoints import failpoint

T = TypeVar("T")
logger = structlog.get_logger(__name__)

# Serialization failure, deadlock: PostgreSQL asks for the whole transaction again.
AGAIN = {"40001", "40P01"}
# Lock not available, statement time-out, idle time-out: somebody else is slow or frozen.
SLOW = {"55P03", "57014", "25P03"}
TRIES = 3


@dataclass(frozen=True)
class StreamMoved:
    """A live topic as it is after the commit: ``seq`` follows ``seq - 1``."""

    topic: str
    epoch: str
    seq: int


@dataclass
class UnitOfWork:
    """What one use case wants to be recorded with it and told after it.

    ``collected`` holds rows by the name of the part of the record that writes them (see ``record``);
    ``queues`` names those whose workers have deliveries waiting.
    """

    collected: defaultdict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    topics: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    jobs: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)
    moved: list[StreamMoved] = field(default_factory=list)

    def record(self) -> None:
        """Write everything collected, in one statement."""
        if self.collected or self.topics:
            rows = record.write(self.collected, self.topics, clock.now())
            self.moved += [StreamMoved(topic, str(epoch), seq) for topic, epoch, seq in rows]


# After the commit: push tells the screens, jobs wakes the workers. Bound at start by those modules.
Listener = Callable[[UnitOfWork], None]
_after_commit: list[Listener] = []
_afterwards: list[Listener] = []


def after_commit(listener: Listener) -> Listener:
    """Register what is told of every committed unit of work. A listener must not raise and must not block:
    what they all say to Redis goes in one round trip."""
    if listener not in _after_commit:
        _after_commit.append(listener)
    return listener


def afterwards(listener: Listener) -> Listener:
    """Register what may take longer: it comes when all that is quick has been told. It must not raise."""
    if listener not in _afterwards:
        _afterwards.append(listener)
    return listener


def under_way() -> UnitOfWork | None:
    """Return the unit of work under way, if there is one: the application context's, as sessions are."""
    work: UnitOfWork | None = g.get("unit_of_work")
    return work


def current() -> UnitOfWork:
    """Return the unit of work under way; publishing outside one is a bug."""
    work = under_way()
    if work is None:
        raise RuntimeError(
            "There is no transaction under way: publish and push belong inside `with transaction():`."
        )
    return work


def is_under_way() -> bool:
    """Return whether a transaction or a single statement is under way."""
    return under_way() is not None


def has_committed() -> bool:
    """Return whether this request (or job) has committed something, so that nobody says nothing happened."""
    return bool(g.get("has_committed"))


@contextmanager
def transaction() -> Iterator[UnitOfWork]:
    """Run one use case: commit at its end, roll back when it raises. An inner transaction joins the outer."""
    outer = under_way()
    if outer is not None:
        yield outer
        return
    with _unit_of_work() as work:
        session = db.session()
        _begin(session)
        yield work
        session.flush()
        work.record()
        failpoint("transaction.before_commit")


@contextmanager
def single_statement() -> Iterator[UnitOfWork]:
    """Run a use case that is one statement and records itself (see ``at_once``): PostgreSQL commits it by
    itself, so its locks are held for no round trip. Inside a transaction it is a part of that one."""
    outer = under_way()
    if outer is not None:
        yield outer
        return
    with _unit_of_work() as work:
        yield work


@contextmanager
def _unit_of_work() -> Iterator[UnitOfWork]:
    work = g.unit_of_work = UnitOfWork()
    try:
        yield work
        session = open_session()
        is_begun = session is not None and session.in_transaction()
        if session and is_begun:
            session.commit()
    except BaseException:
        if session := open_session():
            session.rollback()
        raise
    finally:
        g.pop("unit_of_work", None)
    if not (is_begun or work.moved):
        return  # a single statement that found nothing to do: whoever fails after it has done nothing
    g.has_committed = True
    failpoint("transaction.after_commit")
    with broker().together():
        for listener in _after_commit:
            listener(work)
    for listener in _afterwards:
        listener(work)


def _begin(session: Session) -> None:
    """Begin a transaction. Outside of one each statement commits by itself: reading needs no BEGIN, no
    ROLLBACK, and leaves nothing open while a template is rendered."""
    driver: Any = session.connection().connection.driver_connection
    if driver.autocommit:
        driver.execute("BEGIN")


def run_again(use_case: Callable[[], T]) -> T:
    """Run a whole unit of work, again if PostgreSQL asks for it, at most three times in all.

    Only the outermost caller may do this (the web shell, a delivery): half a unit of work can't be repeated.
    A lost connection is not repeated here: its COMMIT may have happened, and only the browser's
    idempotency key can tell. Raises Busy (503) when locks, time or the database were not to be had,
    StaleScreen (409) when a version moved on.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return use_case()
        except StaleDataError as error:
            db.session.rollback()
            raise StaleScreen(N_("Somebody else changed this just now. Please look again.")) from error
        except PoolTimeout as error:
            raise Busy from error
        except DBAPIError as error:
            db.session.rollback()
            if sqlstate(error) in AGAIN and attempt < TRIES:
                logger.info("unit_of_work_again", sqlstate=sqlstate(error), attempt=attempt)
                time.sleep(random.uniform(0.005, 0.05) * attempt)  # noqa: S311 - jitter, not a secret
                continue
            raise_as_busy(error)
            raise
    raise AssertionError("unreachable")


def raise_as_busy(error: DBAPIError) -> None:
    """Raise Busy if ``error`` means that the database is slow, frozen or away; return otherwise."""
    state = sqlstate(error)
    if (
        state in AGAIN | SLOW
        or error.connection_invalidated
        or (isinstance(error, OperationalError) and state is None)
    ):
        raise Busy from error
    if (state is not None and state[:2] in {"08", "53"}) or state in {"57P01", "57P02", "57P03"}:
        raise Busy from error


def sqlstate(error: DBAPIError) -> str | None:
    """Return PostgreSQL's five-character code, or None when the server did not answer at all."""
    return getattr(error.orig, "sqlstate", None)


def constraint_of(error: DBAPIError) -> str | None:
    """Return the name of the constraint that ``error`` violated."""
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)
