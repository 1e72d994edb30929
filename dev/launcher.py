"""One launcher per checkout: who it is, where it serves, and how another command ends it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from dev import locks, places, processes, say, secretsfile

LOCK = places.RUN.run_folder / "launcher.lock"
STATE = places.RUN.run_folder / "launcher.json"
STOP_SECONDS = 40.0


@contextmanager
def only_one(url: str) -> Iterator[None]:
    """Holds the checkout for this launcher; a second one is told where the first serves."""
    lock = _take()
    _write_state(url=url, stopping=False)
    try:
        yield
    finally:
        STATE.unlink(missing_ok=True)
        lock.close()


def say_stopping() -> None:
    """Tells a launcher started in this moment that waiting is worth it."""
    _write_state(url=_state().get("url", ""), stopping=True)


def stop_running() -> None:
    """Ends the launcher of this checkout, if there is one, and waits until it is gone."""
    if locks.is_free(LOCK):
        return
    say.line("stopping the program that runs from this checkout")
    pid = _state().get("pid")
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    processes.wait_until(lambda: locks.is_free(LOCK), timeout=STOP_SECONDS)


def _take() -> TextIO:
    while True:
        lock = locks.try_take(LOCK)
        if lock is not None:
            return lock
        state = _state()
        if not state.get("stopping"):
            raise say.Stop(
                f"Clinic Web already runs from this checkout, at {state.get('url', 'its address')}. "
                "End it with Ctrl-C where it was started, or with `make stop`."
            )
        time.sleep(0.1)


def _write_state(**state: Any) -> None:
    secretsfile.write_private(STATE, json.dumps({"pid": os.getpid(), **state}))


def _state() -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(STATE.read_text())
    except (OSError, ValueError):
        return {}
    return state
