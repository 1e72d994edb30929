"""How much processor time servers have used, read from the kernel's own accounting in /proc.

``schedstat`` counts nanoseconds on a processor, user and system together, for every thread that lives; what
dead children used is in their parent's ``stat``, in ticks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
NANO = 1e9
PROC = Path("/proc")


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()  # the name in brackets may hold blanks


def parent(pid: int) -> int:
    fields = _stat(pid)
    if fields is None:
        raise ProcessLookupError(f"process {pid} is not on this machine")
    return int(fields[1])


def tree(root: int) -> set[int]:
    """Return ``root`` and all its living descendants."""
    parents = {
        int(entry.name): int(fields[1])
        for entry in PROC.iterdir()
        if entry.name.isdigit() and (fields := _stat(int(entry.name)))
    }
    found, size = {root}, 0
    while size != len(found):
        size = len(found)
        found |= {pid for pid, above in parents.items() if above in found}
    return found


def seconds(roots: Iterable[int]) -> float:
    """Return user and system time of the trees below ``roots``, their dead children's included."""
    return sum(_seconds(pid) for pid in set().union(*(tree(root) for root in roots)))


def _seconds(pid: int) -> float:
    fields = _stat(pid)
    if fields is None:
        return 0.0
    of_dead_children = (int(fields[13]) + int(fields[14])) / TICK
    return of_dead_children + sum(map(_on_processor, (PROC / str(pid) / "task").iterdir()))


def _on_processor(thread: Path) -> float:
    try:
        return int((thread / "schedstat").read_text().split()[0]) / NANO
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


class Meter:
    """Adds up what one process tree uses while it runs; the rest (setting back, waiting) does not count."""

    def __init__(self, root: int) -> None:
        self.root = root
        self.seconds = 0.0
        self.requests = 0

    @property
    def each(self) -> float:
        """Seconds of processor time per request."""
        return self.seconds / self.requests


@contextmanager
def running(meters: Iterable[Meter], requests: int) -> Iterator[None]:
    """Let the meters run while ``requests`` requests are served."""
    meters = list(meters)
    before = [seconds([meter.root]) for meter in meters]
    yield
    for meter, begun in zip(meters, before, strict=True):
        meter.seconds += seconds([meter.root]) - begun
        meter.requests += requests
