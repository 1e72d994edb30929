"""People at their browsers, who press again when nothing comes back, and remember what they were told."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from bench.load import Answer, Ask, Connection
from bench.world import BROWSER, Person

PATIENCE = 12.0  # seconds for one answer: then the page is reloaded and the button pressed again
GIVE_UP = 180.0  # seconds after which a person goes home: the program did not come back
AGAIN = {408, 429, 500, 502, 503, 504}
Form = dict[str, str] | list[tuple[str, str]]
DOUBLE = 0.04  # of all presses are double clicks


@dataclass(frozen=True)
class Told:
    """One press as its person remembers it. ``status`` is what they were told at last."""

    user_id: UUID
    key: str
    what: str
    status: int
    tries: int
    seconds: float
    is_kept: bool

    @property
    def is_done(self) -> bool:
        return self.status in (200, 201, 303)


@dataclass
class Log:
    """What all people were told."""

    told: list[Told] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    unlike: list[str] = field(default_factory=list)
    promised: list[tuple[str, UUID]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, told: Told) -> None:
        with self._lock:
            self.told.append(told)
            self.answers[f"{told.what} {told.status}"] += 1

    def gave_up(self, what: str) -> None:
        with self._lock:
            self.given_up.append(what)

    def was_unlike(self, what: str) -> None:
        with self._lock:
            self.unlike.append(what)


class Browser:
    """One connection that is opened again when it breaks. ``dice`` decide who clicks twice."""

    def __init__(self, port: int, log: Log, dice: random.Random, stopping: threading.Event) -> None:
        self._port, self._log, self._dice, self._stopping = port, log, dice, stopping
        self._connection: Connection | None = None

    def press(
        self,
        person: Person,
        what: str,
        path: str,
        fields: Form,
        *,
        key: str | None = None,
        is_kept: bool = True,
    ) -> Answer | None:
        """Press a button until there is an answer; None when the person gave up or the run ends.

        ``is_kept``: the program keeps what it answers to this button, by its key.
        """
        key = key or str(uuid4())
        pairs = fields if isinstance(fields, list) else list(fields.items())
        form = [("csrf_token", person.csrf), ("idempotency_key", key), *pairs]
        ask = Ask(path, form, BROWSER | {"Cookie": person.cookie, "HX-Request": "true"})
        began, tries, answer = time.monotonic(), 0, None
        while time.monotonic() - began < GIVE_UP:
            tries += 1
            answer = self._send(ask)
            if answer is not None and answer.status not in AGAIN:
                break
            if self._stopping.wait(self._dice.uniform(0.1, 0.5)):
                return None
        else:
            self._log.gave_up(
                f"{what} {path}: {answer.status if answer else 'no answer'} after {tries} tries"
            )
            return None
        seconds = time.monotonic() - began
        user_id = person.actor.user_id
        assert user_id is not None
        self._log.add(Told(user_id, key, what, answer.status, tries, seconds, is_kept))
        if is_kept and self._dice.random() < DOUBLE:
            self._press_again(ask, what, answer)
        return answer

    def _press_again(self, ask: Ask, what: str, first: Answer) -> None:
        """A second click with the same key is told the same: what was done is done, and not done twice."""
        second = self._send(ask)
        if second is not None and second.status not in AGAIN and second.status // 100 != first.status // 100:
            self._log.was_unlike(f"{what} {ask.path}: first {first.status}, then {second.status}")

    def promised(self, what: str, row_id: UUID) -> None:
        """Remember what the answer to a press promised of a row."""
        self._log.promised.append((what, row_id))

    def look(self, person: Person, path: str) -> Answer | None:
        return self._send(Ask(path, headers=BROWSER | {"Cookie": person.cookie, "HX-Request": "true"}))

    def _send(self, ask: Ask) -> Answer | None:
        try:
            if self._connection is None:
                self._connection = Connection(self._port)
                self._connection._socket.settimeout(PATIENCE)
            return self._connection.send(ask)
        except (OSError, ValueError, IndexError):
            self.close()
            return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
