"""Runs: work that a person (or the night) asks for at once and a worker does piece by piece.

A run is a row; the job only carries its id. Each piece is one transaction in which the row is locked, so
twice at once is harmless and a kill loses at most the piece under way. A job works for some seconds and hands
the rest to the next one; what a killed worker left over is found by the sweep.
"""

from __future__ import annotations

import time as stopwatch
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Integer, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import clock, jobs, push
from clinic_web.kernel.db import Moment, db
from clinic_web.kernel.errors import N_, Busy, DomainError, StaleScreen
from clinic_web.kernel.unit_of_work import run_again, transaction

logger = structlog.get_logger(__name__)

PENDING, RUNNING, DONE, FAILED = "PENDING", "RUNNING", "DONE", "FAILED"
STATES = (PENDING, RUNNING, DONE, FAILED)
OPEN = (PENDING, RUNNING)
IS_OPEN = "state IN ('PENDING', 'RUNNING')"
TRIES = 3


class RunRow:
    """The columns of a run; a table of runs adds what it is about and how much of it is ``done``."""

    state: Mapped[str] = mapped_column(Text, server_default=PENDING, default=PENDING)
    tries: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    last_error: Mapped[str | None] = mapped_column(Text)
    due_at: Mapped[Moment]
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    created_by: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def went_on(self, at: datetime, *, is_done: bool) -> None:
        """Note that a piece is done; ``is_done``: it was the last."""
        self.state, self.tries, self.last_error, self.due_at = RUNNING, 0, None, at
        if is_done:
            self.state, self.finished_at = DONE, at


R = TypeVar("R", bound=Any)


@dataclass(frozen=True)
class Runner(Generic[R]):
    """How one kind of run is worked off.

    ``column`` counts the pieces done. ``step`` does the next piece of a locked run and counts it, inside the
    transaction. ``refused`` notes a piece that a rule refuses (a DomainError) and counts it, in a transaction
    of its own; without it a refusal is a failure like any other. ``topic`` is told of each piece.
    ``budget``: seconds of one job, well below its time-out. A run that has not moved for ``grace`` has lost
    its worker.
    """

    model: type[R]
    job: str
    column: str
    step: Callable[[R], None]
    topic: Callable[[R], str]
    refused: Callable[[R, DomainError], None] | None = None
    budget: float = 20.0
    grace: timedelta = timedelta(seconds=60)

    def hand_on(self, run_id: UUID, done: int = 0) -> None:
        """Let a worker take the run up when the current transaction commits."""
        jobs.enqueue_after_commit(self.job, str(run_id), job_id=self._job_id(run_id, done))

    def go_on(self, run_id: UUID) -> None:
        """Do piece after piece until the run is done or the job's time is up. Safe to run twice at once."""
        until = stopwatch.monotonic() + self.budget
        try:
            while run_again(lambda: self._next(run_id)):
                if stopwatch.monotonic() > until:
                    self._hand_on_later(run_id)
                    return
        except Exception as error:
            # Whatever it was belongs on the run's row, where people see it; the sweep tries again.
            db.session.rollback()
            self._note_failure(run_id, error)

    def _next(self, run_id: UUID) -> bool:
        """Do one piece; return whether more are left. Nothing is done while somebody else does one."""
        done: int | None = None
        try:
            with transaction():
                run = self._claimed(run_id)
                if run is None:
                    return False
                done = getattr(run, self.column)
                self.step(run)
                push.changed(self.topic(run))
                return bool(run.is_open)
        except Busy:
            raise
        except DomainError as error:
            if self.refused is None or done is None:
                raise
            return self._note_refusal(run_id, done, error)

    def _note_refusal(self, run_id: UUID, done: int, error: DomainError) -> bool:
        db.session.rollback()
        with transaction():
            run = self._claimed(run_id)
            if run is None:
                return False
            if self.refused is not None and getattr(run, self.column) == done:
                self.refused(run, error)
                push.changed(self.topic(run))
            return bool(run.is_open)

    def _claimed(self, run_id: UUID) -> Any:
        claimed = select(self.model).where(self.model.id == run_id, self.model.state.in_(OPEN))
        fresh = claimed.with_for_update(skip_locked=True).execution_options(populate_existing=True)
        return db.session.execute(fresh).scalar()

    def _note_failure(self, run_id: UUID, error: Exception) -> None:
        logger.exception("run_failed", job=self.job, run_id=str(run_id), exc_info=error)
        with transaction():
            run: Any = db.session.execute(
                select(self.model).where(self.model.id == run_id).with_for_update()
            ).scalar()
            if run is None or not run.is_open:
                return
            run.tries += 1
            run.last_error = type(error).__name__  # never its text, which may hold a row
            run.due_at = clock.now()
            if run.tries >= TRIES:
                run.state = FAILED
            push.changed(self.topic(run))

    def take_up_again(self, run: R) -> None:
        """Go on with a locked run that failed, where it stopped; StaleScreen (409) if it has not failed."""
        if run.state != FAILED:
            raise StaleScreen(N_("This was taken up again already."))
        run.state, run.tries, run.last_error, run.due_at = PENDING, 0, None, clock.now()
        self.hand_on(run.id, getattr(run, self.column))
        push.changed(self.topic(run))

    def sweep(self) -> None:
        """Hand on every open run that has not moved for ``grace``: its job was lost, or failed."""
        model = self.model
        lost = select(model.id, getattr(model, self.column)).where(
            model.state.in_(OPEN), model.due_at <= clock.now() - self.grace
        )
        rows: Any = db.session.execute(lost).all()
        db.session.rollback()
        for run_id, done in rows:
            jobs.enqueue(self.job, str(run_id), job_id=self._job_id(run_id, done))

    def _hand_on_later(self, run_id: UUID) -> None:
        done = db.session.scalar(select(getattr(self.model, self.column)).where(self.model.id == run_id))
        db.session.rollback()
        jobs.enqueue(self.job, str(run_id), job_id=self._job_id(run_id, done or 0))

    def _job_id(self, run_id: UUID, done: int) -> str:
        return f"{self.job.replace('.', '-')}-{run_id}-{done}"
