"""Locks between launchers of one checkout. The system frees them when their holder dies, however it dies."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Holds the lock, waiting for whoever has it: for short steps that two launchers must not mix."""
    with _open(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Holds the lock together with others who share it; nobody can take it alone meanwhile."""
    with _open(path) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def try_take(path: Path) -> TextIO | None:
    """The lock as an open file (closing it lets go), or None while somebody else has it."""
    file = _open(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def is_free(path: Path) -> bool:
    lock = try_take(path)
    if lock:
        lock.close()
    return lock is not None


def _open(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a")
