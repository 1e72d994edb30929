"""Periodic work: run by the leader, once per (name, slot) whatever happens to leaders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import text

from clinic_web.kernel import acting, clock
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction

logger = structlog.get_logger(__name__)

CLAIM = text(
    "INSERT INTO kernel.scheduled_runs (name, slot) VALUES (:name, :slot)"
    " ON CONFLICT DO NOTHING RETURNING true"
)
FINISH = text(
    "UPDATE kernel.scheduled_runs SET finished_at = :now, error = :error WHERE name = :name AND slot = :slot"
)


@dataclass(frozen=True)
class Periodic:
    """A job that is due once in every slot of ``every``, counted from midnight UTC of 1 January 1970.

    ``word`` is what people call it, to be translated; ``acts_for`` is whose work it is.
    """

    name: str
    every: timedelta
    run: Callable[[], None]
    word: str
    acts_for: str

    def slot(self, moment: datetime) -> datetime:
        seconds = int(self.every.total_seconds())
        return datetime.fromtimestamp(int(moment.timestamp()) // seconds * seconds, UTC)


_periodic: dict[str, Periodic] = {}


def every(interval: timedelta, name: str, run: Callable[[], None], *, word: str, acts_for: str = "") -> None:
    """Register ``run`` to happen once per ``interval``. It must be safe to run twice.

    Raises ConfigError when it does not say for whom it works (``kernel.acting``).
    """
    _periodic[name] = Periodic(name, interval, run, word, acting.known(name, acts_for))


def word_of(name: str) -> str:
    """Return what people call a periodic job; nothing for one that is not run any more."""
    return _periodic[name].word if name in _periodic else ""


def registered() -> list[Periodic]:
    return list(_periodic.values())


def run_due() -> list[str]:
    """Run what is due in its present slot; return the names of what ran."""
    ran = []
    for periodic in _periodic.values():
        slot = periodic.slot(clock.now())
        with transaction():
            is_first = db.session.execute(CLAIM, {"name": periodic.name, "slot": slot}).scalar()
        if is_first:
            _run(periodic, slot)
            ran.append(periodic.name)
    return ran


def _run(periodic: Periodic, slot: datetime) -> None:
    problem: str | None = None
    try:
        periodic.run()
    except Exception as error:
        db.session.rollback()
        problem = f"{type(error).__name__}: {error}"[:2000]
        logger.exception("scheduled_run_failed", job=periodic.name)
    with transaction():
        db.session.execute(
            FINISH, {"name": periodic.name, "slot": slot, "now": clock.now(), "error": problem}
        )
