"""How an order's saga stands: its steps, its statuses and their moves, what it hears and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

CREATED, FULFILLING, BILLED, COMPLETED = "CREATED", "FULFILLING", "BILLED", "COMPLETED"
COMPENSATING, FAILED, CANCELLED, NEEDS_HUMAN = "COMPENSATING", "FAILED", "CANCELLED", "NEEDS_HUMAN"
STATUSES = (CREATED, FULFILLING, BILLED, COMPLETED, COMPENSATING, FAILED, CANCELLED, NEEDS_HUMAN)
ACTIVE = (CREATED, FULFILLING, BILLED)
UNDER_WAY = (*ACTIVE, COMPENSATING)
ENDED = (COMPLETED, FAILED, CANCELLED)

MOVES: dict[str, tuple[str, ...]] = {
    CREATED: (FULFILLING, COMPENSATING),
    FULFILLING: (BILLED, COMPENSATING),
    BILLED: (COMPLETED, COMPENSATING),
    COMPENSATING: (FAILED, CANCELLED, NEEDS_HUMAN),
    NEEDS_HUMAN: (COMPENSATING, FAILED, CANCELLED),  # a late answer heals it, or a person closes it
    COMPLETED: (),
    FAILED: (),
    CANCELLED: (),
}

RESERVE, BILL, NOTIFY = "RESERVE", "BILL", "NOTIFY"
STEPS = (RESERVE, BILL, NOTIFY)
UNDONE_IN_REVERSE = (BILL, RESERVE)

WAITING, ASKED, DONE = "WAITING", "ASKED", "DONE"
UNDOING, UNDONE, SKIPPED = "UNDOING", "UNDONE", "SKIPPED"
STEP_STATES = (WAITING, ASKED, DONE, FAILED, UNDOING, UNDONE, SKIPPED)

# Reasons of our own; the others are what the step's module said.
TIMED_OUT, EXPIRED, RELEASED, VOIDED = "TIMED_OUT", "EXPIRED", "RELEASED", "VOIDED"

# What a dispensing was; one that takes another back names it.
WHOLE, PART, TAKEN_BACK = "WHOLE", "PART", "TAKEN_BACK "

PATIENCE = timedelta(seconds=30)  # without an answer, a request is told again
DEADLINE = timedelta(minutes=10)  # and after this it has failed
LONGEST_PAUSE = timedelta(hours=1)  # between two requests to undo a step; they begin with PATIENCE
GIVE_UP = timedelta(hours=24)  # of undoing: then a person is needed

FORWARD = {RESERVE: FULFILLING, BILL: BILLED, NOTIFY: COMPLETED}
NEXT = {RESERVE: BILL, BILL: NOTIFY}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. ``asked_at`` is the first request's time, ``last_asked_at`` the latest one's; the same for
    the requests to undo it. ``details`` are JSON values: an amount, an invoice, a time."""

    step: str
    state: str = WAITING
    asked_at: datetime | None = None
    last_asked_at: datetime | None = None
    answered_at: datetime | None = None
    times_asked: int = 0
    undo_asked_at: datetime | None = None
    last_undo_asked_at: datetime | None = None
    undone_at: datetime | None = None
    times_undo_asked: int = 0
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Saga:
    """How an order stands. ``look_at``: when nobody's answer is to be waited for any longer."""

    status: str
    steps: Mapping[str, Step]
    ends_as: str | None = None
    failed_step: str | None = None
    reason: str | None = None
    undoing_since: datetime | None = None
    look_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class News:
    """What is heard: a step's answer, a fact about it, a person's wish, or that time has passed."""

    kind: str
    step: str = ""
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


ANSWER_DONE, ANSWER_FAILED, ANSWER_UNDONE = "done", "failed", "undone"
FACT, BILL_VOIDED, CANCEL, LOOK, CLOSE, AGAIN = "fact", "voided", "cancel", "look", "close", "again"


@dataclass(frozen=True, kw_only=True)
class Tell:
    """What others are to be told: ``ask`` or ``undo`` a step, or that the order has ended."""

    what: str
    step: str = ""
    attempt: int = 1


ASK, UNDO, END = "ask", "undo", "end"


@dataclass(frozen=True, kw_only=True)
class Note:
    """A line of the order's history. ``what`` is a step's state where it has a step, else the order's status;
    or what was heard or done besides."""

    what: str
    step: str | None = None
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


TOLD_AGAIN, UNDO_TOLD_AGAIN, IGNORED, HEARD = "TOLD_AGAIN", "UNDO_TOLD_AGAIN", "IGNORED", "HEARD"
CLOSED_BY_HAND = "CLOSED_BY_HAND"
NOTES = (TOLD_AGAIN, UNDO_TOLD_AGAIN, IGNORED, HEARD, CLOSED_BY_HAND)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of it. ``steps`` are those that changed."""

    saga: Saga
    steps: tuple[Step, ...]
    tells: tuple[Tell, ...]
    notes: tuple[Note, ...]
    has_changed: bool


def dispensed(dispensings: Mapping[str, str]) -> str | None:
    """Return WHOLE or PART, whichever is with the patient now, or None. Ids rise with time: nothing is left
    to hand over if that was so after the last time that something was taken back."""
    back = {
        what.removeprefix(TAKEN_BACK): at for at, what in dispensings.items() if what.startswith(TAKEN_BACK)
    }
    given = {at: what for at, what in dispensings.items() if what in (WHOLE, PART) and at not in back}
    if not given:
        return None
    last_back = max(back.values(), default="")
    return WHOLE if any(what == WHOLE and at > last_back for at, what in given.items()) else PART


def is_handed_over(saga: Saga) -> bool:
    """Return whether some of the medicine is with the patient: then nothing of it is cancelled."""
    return bool(saga.steps[RESERVE].details.get("dispensed"))


def may_be_cancelled(saga: Saga) -> bool:
    return saga.status in ACTIVE and not is_handed_over(saga)


def may_be_retried(saga: Saga) -> bool:
    """After a failure or a cancellation, and when nobody came for what had been completed."""
    lapsed = saga.steps[RESERVE].state == UNDONE and not is_handed_over(saga)
    return saga.status in (FAILED, CANCELLED) or (saga.status == COMPLETED and lapsed)


def pause_after(attempt: int) -> timedelta:
    """Return how long an answer to the so-manieth request to undo is waited for: each time twice as long."""
    return min(PATIENCE * (1 << min(attempt - 1, 10)), LONGEST_PAUSE)
