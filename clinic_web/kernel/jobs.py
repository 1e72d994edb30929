"""Background work: RQ queues, how jobs get into them, and the wake-up of consumers after a commit.

Deliveries live in PostgreSQL; RQ only carries the word that a queue has some. One pending ``drain`` job per
queue is enough, however many events are committed meanwhile, so most commits cost one Redis command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import structlog
from redis import Redis
from rq import Queue
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer

from clinic_web.kernel import acting, delivery, tenant, unit_of_work
from clinic_web.kernel.broker import broker
from clinic_web.kernel.errors import N_
from clinic_web.kernel.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

# Queues by consumer. Deliveries are one transaction each and run in-process; what talks to the outside world
# or takes long runs in a forked work-horse that may be killed without harm.
DELIVERY_QUEUES = ("events", "billing", "stock", "lab", "notifications")
OUTSIDE_QUEUES = ("asked", "outside", "reports")  # first what somebody looks on at
QUEUE_WORDS = {
    "events": N_("What happened, told on"),
    "billing": N_("Bills"),
    "stock": N_("Stock"),
    "lab": N_("Laboratory"),
    "notifications": N_("Messages to be written"),
    "asked": N_("What somebody waits for"),
    "outside": N_("Messages to be sent"),
    "reports": N_("Reports"),
}

WAKE_FOR = 2  # seconds after which a lost wake-up is forgotten and the next commit wakes again
TIMEOUT = 45


@dataclass(frozen=True)
class Job:
    """What runs in a worker: a dotted function that takes ids. ``acts_for``: whose work it is."""

    name: str
    function: Callable[..., None]
    queue: str
    timeout: int
    acts_for: str


_jobs: dict[str, Job] = {}


def register(
    name: str, function: Callable[..., None], *, queue: str, acts_for: str = "", timeout: int = TIMEOUT
) -> None:
    """Register a job under its lasting name, for example ``notifications.send``; ``timeout``: seconds.

    Raises ConfigError when it does not say for whom it works (``kernel.acting``).
    """
    _jobs[name] = Job(name, function, queue, timeout, acting.known(name, acts_for))


def registered() -> list[Job]:
    return list(_jobs.values())


def enqueue(name: str, *arguments: str, job_id: str) -> bool:
    """Put a job into its queue; return False when Redis is away (a sweep finds the row later).

    It works for the tenant for whom it is asked.
    ``job_id`` makes it unique while it waits. Arguments are ids as text, never personal data: RQ shows them.
    """
    job, for_whom = _jobs[name], str(tenant.current() or "")
    return bool(
        broker().attempt(
            lambda redis: queue_of(job.queue, redis).enqueue(
                "clinic_web.kernel.jobs.run",
                for_whom,
                name,
                *arguments,
                job_id=job_id,
                job_timeout=job.timeout,
                result_ttl=0,
                failure_ttl=86400,
                description=job_id,
            )
        )
    )


def forget(name: str, job_id: str) -> None:
    """Take a job out of its queue, because what it is for has been done."""

    def take_out(redis: Redis) -> None:
        queue_of(_jobs[name].queue, redis).remove(job_id)
        redis.delete(OwnJob.key_for(job_id))

    broker().attempt(take_out)


def enqueue_after_commit(name: str, *arguments: str, job_id: str) -> None:
    """Put a job into its queue when, and only if, the current transaction commits.

    The word may be lost (a crash, Redis away), so the row it is about must be found by a sweep, too.
    """
    unit_of_work.current().jobs.append((name, arguments, job_id))


class JobFailed(Exception):
    """What RQ keeps of a failure: the kind of error. What it said may be about a patient."""


def run(for_whom: str, name: str, *arguments: str) -> None:
    """RQ's entry point for every registered job; ``for_whom`` is its tenant, or empty. Raises JobFailed."""
    with _app_context(), tenant.of(UUID(for_whom) if for_whom else None):
        try:
            _jobs[name].function(*arguments)
        except Exception as error:
            logger.exception("job_failed", job=name, arguments=arguments)
            raise JobFailed(f"{name}: {type(error).__name__}") from None


class OwnJob(QueuedJob):
    """A job as it comes out of Redis. Whoever can write there can have our own two entry points run with some
    words, and nothing else: RQ itself would import and call whatever function a job names."""

    ENTRY_POINTS: ClassVar[dict[str, Callable[..., None]]] = {}

    def restore(self, raw_data: dict[Any, Any]) -> None:
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []

    @property
    def func(self) -> Callable[..., None]:
        if self.func_name not in self.ENTRY_POINTS:
            raise ForeignJob
        return self.ENTRY_POINTS[self.func_name]


class ForeignJob(RuntimeError):
    """Somebody else than this program put a job into its queue."""


OwnJob.ENTRY_POINTS.update({f"{__name__}.run": run})


def queue_of(name: str, redis: Redis) -> Queue:
    return Queue(name, connection=redis, serializer=JSONSerializer, job_class=OwnJob)


def wake(queue: str) -> None:
    """Make sure a drain of ``queue`` is pending: the first of a burst enqueues it, the others find it."""

    def enqueue_if(is_first: object) -> None:
        if is_first:
            broker().attempt(lambda redis: _enqueue_drain(queue, redis))

    broker().say("SET", _flag(queue), 1, "NX", "EX", WAKE_FOR, then=enqueue_if)


def wake_all(queues: Iterable[str]) -> None:
    for queue in queues:
        wake(queue)


def _enqueue_drain(queue: str, redis: Redis) -> None:
    queue_of(queue, redis).enqueue(
        "clinic_web.kernel.jobs.drain",
        queue,
        job_timeout=TIMEOUT,
        result_ttl=0,
        failure_ttl=3600,
        description=f"drain {queue}",
    )


def drain(queue: str) -> None:
    """RQ's entry point for deliveries. The flag goes first: what commits from now on wakes again.

    What a delivery tells on is taken up here, too, once nothing is left in its own queue: a job for each step
    of an order would take longer than the step. While more is left, other workers are woken for it.
    """
    broker().attempt(lambda redis: redis.delete(_flag(queue)))
    line = [queue]  # where something is left; the first is under way
    with _app_context(), _keeping_the_word() as told:
        try:
            for _ in range(delivery.BATCH):
                if delivery.deliver_next(line[0]):
                    wake_all(line[1:])
                    del line[1:]
                else:
                    del line[0]
                line += sorted(told.difference(line))
                told.clear()
                if not line:
                    return
        finally:
            wake_all(line)


@contextmanager
def _keeping_the_word() -> Iterator[set[str]]:
    """Inside the block this worker, which does one thing at a time, keeps to itself whom its commits wake."""
    global _told
    _told = set()
    try:
        yield _told
    finally:
        _told = None


OwnJob.ENTRY_POINTS.update({f"{__name__}.drain": drain})


def _flag(queue: str) -> str:
    return f"clinic:wake:{queue}"


@unit_of_work.afterwards
def enqueue_all(work: UnitOfWork) -> None:
    for name, arguments, job_id in work.jobs:
        enqueue(name, *arguments, job_id=job_id)


@unit_of_work.after_commit
def wake_consumers(work: UnitOfWork) -> None:
    if _told is None:
        wake_all(work.queues)
    else:
        _told.update(work.queues)


_app: Any = None
_told: set[str] | None = None


def bind_app(app: Any) -> None:
    """Keep the app, so that jobs run inside its context without building it again for each job."""
    global _app
    _app = app


def _app_context() -> Any:
    if _app is None:
        raise RuntimeError("Jobs run in `python worker.py`, which builds the app before it forks.")
    return _app.app_context()
