"""Places where a test may stop, break or kill the process. Nothing happens outside a test environment.

``FAILPOINTS="book.before_commit=kill"`` in the environment arms one; ``arm`` does it inside a process.
Actions: ``kill`` (SIGKILL to itself), ``stop`` (SIGSTOP), ``raise``, ``sleep:SECONDS``; ``@100`` behind it:
once in a hundred times, as dice fall that ``FAILPOINTS_SEED`` and the process's number begin.
"""

from __future__ import annotations

import os
import random
import signal
import time

from clinic_web.config import ConfigError, Settings

_armed: dict[str, str] = {}
_dice: dict[int, random.Random] = {}


class FailpointReached(Exception):
    """Raised by an armed failpoint whose action is ``raise``."""


def configure(settings: Settings) -> None:
    """Arm what the environment asks for; refuse to start if that is asked outside a test environment."""
    asked = os.environ.get("FAILPOINTS", "")
    if asked and not settings.is_test:
        raise ConfigError("FAILPOINTS is set, but APP_ENV is not 'test'. Failpoints exist only in tests.")
    for entry in filter(None, asked.split(",")):
        name, _, action = entry.partition("=")
        _armed[name.strip()] = action.strip()


def arm(name: str, action: str) -> None:
    _armed[name] = action


def disarm() -> None:
    _armed.clear()


def failpoint(name: str) -> None:
    """Do what a test armed at ``name``; usually nothing."""
    if not _armed:
        return
    action, _, once_in = _armed.get(name, "").partition("@")
    if once_in and _throw(int(once_in)):
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif action == "raise":
        raise FailpointReached(name)
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))


def _throw(sides: int) -> int:
    """Each process throws dice of its own: children of one parent would all fail at the same steps."""
    pid = os.getpid()
    if pid not in _dice:
        _dice[pid] = random.Random(f"{os.environ.get('FAILPOINTS_SEED')}:{pid}")  # noqa: S311 - for tests
    return _dice[pid].randrange(sides)
