"""The saga of an order as a pure function: how it stands, what is heard → how it stands then, what to tell.

Nothing here reads a clock, a database or a session, so tests play thousands of orders with their events in
any order in seconds. News come unordered, late and twice: each is judged by the state of the step it is
about, and what fits nothing changes nothing.

Forward: RESERVE (stock or slots), BILL, NOTIFY, each asked for when the one before is done. A failure, a
time-out or a person's cancellation asks for each step that may have been done to be undone, in reverse, one
after the other. NOTIFY never undoes care.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from clinic_web.orders.saga import (
    ACTIVE,
    AGAIN,
    ANSWER_DONE,
    ANSWER_FAILED,
    ANSWER_UNDONE,
    ASK,
    ASKED,
    BILL,
    BILL_VOIDED,
    CANCEL,
    CANCELLED,
    CLOSE,
    CLOSED_BY_HAND,
    COMPENSATING,
    COMPLETED,
    CREATED,
    DEADLINE,
    DONE,
    END,
    EXPIRED,
    FACT,
    FAILED,
    FORWARD,
    GIVE_UP,
    HEARD,
    IGNORED,
    LOOK,
    MOVES,
    NEEDS_HUMAN,
    NEXT,
    NOTIFY,
    PATIENCE,
    RESERVE,
    SKIPPED,
    STEPS,
    TIMED_OUT,
    TOLD_AGAIN,
    UNDO,
    UNDO_TOLD_AGAIN,
    UNDOING,
    UNDONE,
    UNDONE_IN_REVERSE,
    VOIDED,
    WAITING,
    Decision,
    News,
    Note,
    Saga,
    Step,
    Tell,
    dispensed,
    may_be_cancelled,
    pause_after,
)


def placed(now: datetime) -> Decision:
    """Return a new order's saga: its first step is asked for."""
    work = _Work(Saga(status=CREATED, steps={each: Step(step=each) for each in STEPS}), now)
    work.notes.append(Note(what=CREATED))
    work.ask(RESERVE)
    return work.decision()


def decide(saga: Saga, news: News, now: datetime) -> Decision:
    """Return what becomes of an order that hears ``news``."""
    work = _Work(saga, now)
    _DECIDE[news.kind](work, news)
    if not (work.notes or work.has_changed) and news.kind != LOOK:
        work.notes.append(Note(what=IGNORED, step=news.step or None, reason=news.kind))
    return work.decision()


class _Work:
    """A decision in the making."""

    def __init__(self, saga: Saga, now: datetime) -> None:
        self.before, self.now = saga, now
        self.saga = saga
        self.changed: dict[str, Step] = {}
        self.tells: list[Tell] = []
        self.notes: list[Note] = []

    @property
    def has_changed(self) -> bool:
        return bool(self.changed) or self.saga != self.before

    def decision(self) -> Decision:
        return Decision(
            saga=self.saga,
            steps=tuple(self.changed.values()),
            tells=tuple(self.tells),
            notes=tuple(self.notes),
            has_changed=self.has_changed,
        )

    def step(self, name: str) -> Step:
        return self.saga.steps[name]

    def set(self, name: str, **changes: Any) -> Step:
        step = replace(self.step(name), **changes)
        self.changed[name] = step
        self.saga = replace(self.saga, steps={**self.saga.steps, name: step})
        return step

    def learn(self, name: str, details: Mapping[str, Any]) -> None:
        """Keep what was said of a step; unless it is known already."""
        known = self.step(name).details
        if any(known.get(each) != value for each, value in details.items()):
            self.set(name, details={**known, **details})

    def note_step(
        self, name: str, reason: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        self.notes.append(Note(what=self.step(name).state, step=name, reason=reason, details=details or {}))

    def move(self, status: str, reason: str | None = None, step: str | None = None) -> None:
        if status not in MOVES[self.saga.status]:
            raise AssertionError(f"{self.saga.status} → {status}")
        self.saga = replace(self.saga, status=status)
        self.notes.append(Note(what=status, reason=reason, details={"step": step} if step else {}))

    def look_in(self, pause: timedelta) -> None:
        self.saga = replace(self.saga, look_at=self.now + pause)

    # ---- forward ----

    def ask(self, name: str) -> None:
        step = self.step(name)
        is_first = step.state == WAITING
        self.set(
            name,
            state=ASKED,
            asked_at=step.asked_at or self.now,
            last_asked_at=self.now,
            times_asked=step.times_asked + 1,
        )
        if is_first:
            self.note_step(name)
        else:
            self.notes.append(Note(what=TOLD_AGAIN, step=name))
        self.tells.append(Tell(what=ASK, step=name, attempt=step.times_asked + 1))
        self.look_in(PATIENCE)

    def go_on_from(self, name: str) -> None:
        self.move(FORWARD[name])
        if name in NEXT:
            self.ask(NEXT[name])
        else:
            self.end()

    # ---- back ----

    def turn_back(self, ends_as: str, step: str | None, reason: str | None) -> None:
        self.saga = replace(
            self.saga, ends_as=ends_as, failed_step=step, reason=reason, undoing_since=self.now
        )
        self.move(COMPENSATING, reason, step)
        for name in STEPS:
            state = self.step(name).state
            if state == WAITING or (name == NOTIFY and state == ASKED):
                self.set(name, state=SKIPPED)
        self.undo_next()

    def undo_next(self) -> None:
        """Ask for the last step that may have been done to be undone; when none is left, it has ended."""
        for name in UNDONE_IN_REVERSE:
            if self.step(name).state in (ASKED, DONE):
                self.set(name, state=UNDOING, undo_asked_at=self.now)
                self.note_step(name)
            if self.step(name).state == UNDOING:
                self.ask_to_undo(name)
                return
        self.move(self.saga.ends_as or FAILED, self.saga.reason, self.saga.failed_step)
        self.end()

    def ask_to_undo(self, name: str) -> None:
        attempt = self.step(name).times_undo_asked + 1
        self.set(name, times_undo_asked=attempt, last_undo_asked_at=self.now)
        self.tells.append(Tell(what=UNDO, step=name, attempt=attempt))
        self.look_in(pause_after(attempt))

    def end(self) -> None:
        self.saga = replace(self.saga, look_at=None, ended_at=self.now)
        self.tells.append(Tell(what=END))


def _done(work: _Work, news: News) -> None:
    step = work.step(news.step)
    if step.state != ASKED or work.saga.status not in ACTIVE:
        return
    is_voided = bool(step.details.get("is_voided"))  # the word that it was came before this one
    # What was learnt earlier is newer: a test's second time was heard of before its first.
    details = {**news.details, **step.details}
    work.set(
        news.step, state=UNDONE if is_voided else DONE, answered_at=work.now, reason=None, details=details
    )
    work.note_step(news.step, details=news.details)
    work.go_on_from(news.step)


def _failed(work: _Work, news: News) -> None:
    step, is_active = work.step(news.step), work.saga.status in ACTIVE
    asked = step.state == ASKED and is_active
    if news.step == NOTIFY and (asked or step.state == DONE):
        _give_up_notifying(work, news.reason)
    elif asked:
        details = {**step.details, **news.details}
        work.set(news.step, state=FAILED, answered_at=work.now, reason=news.reason, details=details)
        work.note_step(news.step, news.reason, news.details)
        work.turn_back(FAILED, news.step, news.reason)


def _give_up_notifying(work: _Work, reason: str | None) -> None:
    was_asked = work.step(NOTIFY).state == ASKED
    work.set(NOTIFY, state=FAILED, answered_at=work.now, reason=reason)
    work.note_step(NOTIFY, reason)
    if was_asked:
        work.go_on_from(NOTIFY)


def _undone(work: _Work, news: News) -> None:
    step, status = work.step(news.step), work.saga.status
    if step.state == UNDOING and news.reason != EXPIRED:
        _mark_undone(work, news)
        if status == NEEDS_HUMAN:  # at last
            work.saga = replace(work.saga, undoing_since=work.now)
            work.move(COMPENSATING)
        if work.saga.status == COMPENSATING:
            work.undo_next()
    elif step.state in (ASKED, DONE) and status in ACTIVE:
        # The pharmacist let it go, or time did, before the order was complete.
        _mark_undone(work, news)
        work.turn_back(FAILED, news.step, news.reason)
    elif step.state == DONE and (status == COMPLETED or news.reason != EXPIRED):
        _mark_undone(work, news)
    elif step.state == UNDONE:
        _learn(work, news)


def _mark_undone(work: _Work, news: News) -> None:
    details = {**work.step(news.step).details, **news.details}
    work.set(news.step, state=UNDONE, undone_at=work.now, reason=news.reason, details=details)
    work.note_step(news.step, news.reason, news.details)


def _voided(work: _Work, news: News) -> None:
    work.learn(BILL, {**news.details, "is_voided": True})
    if work.step(BILL).state == DONE and work.saga.status in (*ACTIVE, COMPLETED):
        work.set(BILL, state=UNDONE, undone_at=work.now, reason=VOIDED)
        work.note_step(BILL, VOIDED, news.details)


def _learn(work: _Work, news: News) -> None:
    known, details = work.step(news.step).details, dict(news.details)
    if "dispensings" in details:
        details["dispensings"] = {**known.get("dispensings", {}), **details["dispensings"]}
        details["dispensed"] = dispensed(details["dispensings"])
    if str(known.get("move_id", "")) > str(details.get("move_id", "￿")):
        return  # an earlier move, heard of later
    work.learn(news.step, details)
    if work.changed:
        work.notes.append(Note(what=HEARD, step=news.step, details=details))


def _cancel(work: _Work, news: News) -> None:
    if may_be_cancelled(work.saga):
        work.turn_back(CANCELLED, None, news.reason)


def _look(work: _Work, news: News) -> None:
    if work.saga.status == COMPENSATING:
        _look_back(work)
    elif work.saga.status in ACTIVE:
        asked = next(each for each in work.saga.steps.values() if each.state == ASKED)
        _look_forward(work, asked)


def _look_forward(work: _Work, step: Step) -> None:
    asked_at, last_asked_at = step.asked_at or work.now, step.last_asked_at or work.now
    if work.now >= asked_at + DEADLINE:
        if step.step == NOTIFY:
            _give_up_notifying(work, TIMED_OUT)
        else:
            work.set(step.step, reason=TIMED_OUT)
            work.turn_back(FAILED, step.step, TIMED_OUT)
    elif work.now >= last_asked_at + PATIENCE:
        work.ask(step.step)


def _look_back(work: _Work) -> None:
    step = next(each for each in work.saga.steps.values() if each.state == UNDOING)
    since, last_asked_at = work.saga.undoing_since or work.now, step.last_undo_asked_at or work.now
    if work.now >= since + GIVE_UP:
        work.move(NEEDS_HUMAN, work.saga.reason, step.step)
        work.saga = replace(work.saga, look_at=None)
    elif work.now >= last_asked_at + pause_after(step.times_undo_asked):
        work.notes.append(Note(what=UNDO_TOLD_AGAIN, step=step.step))
        work.ask_to_undo(step.step)


def _close(work: _Work, news: News) -> None:
    if work.saga.status == NEEDS_HUMAN:
        work.notes.append(Note(what=CLOSED_BY_HAND, reason=news.reason))
        work.move(work.saga.ends_as or FAILED, work.saga.reason, work.saga.failed_step)
        work.end()


def _again(work: _Work, news: News) -> None:
    if work.saga.status == NEEDS_HUMAN:
        work.saga = replace(work.saga, undoing_since=work.now)
        work.move(COMPENSATING)
        work.undo_next()


_DECIDE: dict[str, Callable[[_Work, News], None]] = {
    ANSWER_DONE: _done,
    ANSWER_FAILED: _failed,
    ANSWER_UNDONE: _undone,
    BILL_VOIDED: _voided,
    FACT: _learn,
    CANCEL: _cancel,
    LOOK: _look,
    CLOSE: _close,
    AGAIN: _again,
}
