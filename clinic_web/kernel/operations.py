"""How the machinery is: deliveries, queues, workers, leader, schedule. Of all tenants, of no patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from redis import Redis
from rq import Worker
from rq.registry import FailedJobRegistry
from sqlalchemy import text

from clinic_web.kernel import clock, delivery, jobs, metrics, push
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.leader import LEADER_LOCK
from clinic_web.kernel.unit_of_work import transaction

TOPIC = delivery.OPERATIONS
SHOWN = 50
LONGEST_ERROR = 300

PENDING = text(
    """
    SELECT d.queue, count(*) AS number, min(e.occurred_at) AS since
      FROM kernel.deliveries d CROSS JOIN LATERAL kernel.event_of(d.event_id) e
     WHERE d.state = 'DUE' GROUP BY d.queue ORDER BY d.queue
    """
)
PARKED = text(
    """
    SELECT d.id, d.consumer, d.queue, d.attempts, d.last_error, d.parked_at, e.event_type, e.occurred_at
      FROM kernel.deliveries d CROSS JOIN LATERAL kernel.event_of(d.event_id) e
     WHERE d.state = 'PARKED' ORDER BY d.parked_at, d.id LIMIT :shown
    """
)
PARKED_NUMBER = text("SELECT count(*) FROM kernel.deliveries WHERE state = 'PARKED'")
RETRY_ALL = text(
    "UPDATE kernel.deliveries SET state = 'DUE', attempts = 0, due_at = :now, parked_at = NULL"
    " WHERE state = 'PARKED'"
)
# Who holds the leader's lock. The relay asks something every second, so an old answer means a frozen leader.
LEADER = text(
    """
    SELECT a.backend_start AS since, a.state_change AS seen, host(a.client_addr) AS host
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.classid = 0 AND l.objid = :key AND l.objsubid = 1 AND l.granted
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    """
)
SCHEDULED = text(
    """
    SELECT DISTINCT ON (name) name, slot, started_at, finished_at, error
      FROM kernel.scheduled_runs ORDER BY name, slot DESC
    """
)
SCHEDULED_FAILED = text(
    "SELECT count(*) FROM kernel.scheduled_runs WHERE error IS NOT NULL AND slot > :now - interval '1 day'"
)


@dataclass(frozen=True)
class Waiting:
    """Deliveries that are due: how many, and when the oldest of their events happened."""

    queue: str
    number: int
    since: datetime


@dataclass(frozen=True)
class Parked:
    """A delivery that failed for good. ``error`` is the first line only: the others may quote a row."""

    id: UUID
    consumer: str
    event_type: str
    attempts: int
    error: str
    parked_at: datetime
    occurred_at: datetime


@dataclass(frozen=True)
class JobQueue:
    """An RQ queue: jobs that wait, and that failed within a day."""

    name: str
    waiting: int
    failed: int


@dataclass(frozen=True)
class WorkerSeen:
    name: str
    queues: tuple[str, ...]
    state: str
    seen_at: datetime
    since: datetime


@dataclass(frozen=True)
class Leader:
    """The process that relays and schedules: since when, when it last asked PostgreSQL something."""

    since: datetime
    seen_at: datetime
    host: str


@dataclass(frozen=True)
class Scheduled:
    """The last run of a periodic job; ``error`` when it failed."""

    name: str
    started_at: datetime
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True)
class Operations:
    """Everything at once. ``queues`` and ``workers`` are None while Redis is away."""

    waiting: list[Waiting]
    parked: list[Parked]
    parked_number: int
    queues: list[JobQueue] | None
    workers: list[WorkerSeen] | None
    leader: Leader | None
    scheduled: list[Scheduled]


def now() -> Operations:
    return Operations(
        waiting=waiting(),
        parked=parked(),
        parked_number=parked_number(),
        queues=job_queues(),
        workers=workers(),
        leader=leader(),
        scheduled=scheduled(),
    )


def waiting() -> list[Waiting]:
    return [Waiting(row.queue, row.number, row.since) for row in db.session.execute(PENDING)]


def parked() -> list[Parked]:
    rows = db.session.execute(PARKED, {"shown": SHOWN})
    return [
        Parked(
            id=row.id,
            consumer=row.consumer,
            event_type=row.event_type,
            attempts=row.attempts,
            error=first_line(row.last_error),
            parked_at=row.parked_at,
            occurred_at=row.occurred_at,
        )
        for row in rows
    ]


def parked_number() -> int:
    return int(db.session.scalar(PARKED_NUMBER) or 0)


def first_line(error: str | None) -> str:
    """Return what an error begins with: PostgreSQL and SQLAlchemy quote rows from the second line on."""
    return (error or "").partition("\n")[0][:LONGEST_ERROR]


def job_queues() -> list[JobQueue] | None:
    names = (*jobs.DELIVERY_QUEUES, *jobs.OUTSIDE_QUEUES)
    return broker().attempt(lambda redis: [_job_queue(name, redis) for name in names])


def _job_queue(name: str, redis: Redis) -> JobQueue:
    queue = jobs.queue_of(name, redis)
    return JobQueue(name, queue.count, FailedJobRegistry(queue=queue).get_job_count(cleanup=False))


def workers() -> list[WorkerSeen] | None:
    found = broker().attempt(lambda redis: Worker.all(connection=redis))
    return None if found is None else sorted(map(_worker, found), key=lambda each: each.queues)


def _worker(each: Any) -> WorkerSeen:
    born = each.birth_date or clock.now()
    names = tuple(each.queue_names())
    return WorkerSeen(each.name, names, str(each.get_state()), each.last_heartbeat or born, born)


def leader() -> Leader | None:
    row = db.session.execute(LEADER, {"key": LEADER_LOCK}).first()
    return Leader(row.since, row.seen, row.host or "") if row else None


def scheduled() -> list[Scheduled]:
    rows = db.session.execute(SCHEDULED)
    return [
        Scheduled(row.name, row.started_at, row.finished_at, first_line(row.error) or None) for row in rows
    ]


def retry(delivery_id: UUID) -> None:
    """Take a parked delivery up again; the relay finds it within a second. StaleScreen (409) if it is not."""
    with transaction():
        if not delivery.retry(delivery_id):
            raise StaleScreen(N_("This delivery is not parked any more."))
        push.changed(TOPIC)


def retry_all() -> int:
    """Take all parked deliveries up again; return how many they were."""
    with transaction():
        push.changed(TOPIC)
        found: Any = db.session.execute(RETRY_ALL, {"now": clock.now()})
        return int(found.rowcount)


def register_metrics() -> None:
    """Let Prometheus read all of this."""
    reading = metrics.reading
    reading("deliveries_pending", "Deliveries that are due", _pending_by_queue, label="queue")
    reading("deliveries_parked", "Deliveries that failed for good", lambda: float(parked_number()))
    reading("delivery_oldest_seconds", "Age of the oldest due delivery", _oldest)
    reading("jobs_waiting", "Jobs in RQ's queues", lambda: _jobs("waiting"), label="queue")
    reading("jobs_failed", "Jobs that failed within a day", lambda: _jobs("failed"), label="queue")
    reading("workers", "Workers that listen to a queue", _workers_by_queue, label="queue")
    reading("worker_heartbeat_seconds", "Age of the oldest worker's heartbeat", _oldest_heartbeat)
    reading("leader", "1 when some process relays and schedules", lambda: float(leader() is not None))
    reading("leader_heartbeat_seconds", "Since when the leader has asked nothing", _leader_heartbeat)
    reading("scheduled_failed", "Scheduled runs that failed within a day", _scheduled_failed)
    reading("redis_up", "1 when Redis answers", lambda: float(broker().is_there()))


def _pending_by_queue() -> Mapping[str, float]:
    return dict.fromkeys(jobs.DELIVERY_QUEUES, 0.0) | {each.queue: float(each.number) for each in waiting()}


def _oldest() -> float:
    return max((_age(each.since) for each in waiting()), default=0.0)


def _jobs(what: str) -> Mapping[str, float] | None:
    found = job_queues()
    return None if found is None else {each.name: float(getattr(each, what)) for each in found}


def _workers_by_queue() -> Mapping[str, float] | None:
    found = workers()
    if found is None:
        return None
    names = (*jobs.DELIVERY_QUEUES, *jobs.OUTSIDE_QUEUES)
    return {name: float(sum(name in each.queues for each in found)) for name in names}


def _oldest_heartbeat() -> float | None:
    found = workers()
    return max((_age(each.seen_at) for each in found), default=None) if found is not None else None


def _leader_heartbeat() -> float | None:
    found = leader()
    return _age(found.seen_at) if found else None


def _scheduled_failed() -> float:
    return float(db.session.scalar(SCHEDULED_FAILED, {"now": clock.now()}) or 0)


def _age(moment: datetime) -> float:
    return max(0.0, (clock.now() - moment).total_seconds())
