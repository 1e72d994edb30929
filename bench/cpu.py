"""How much processor time servers have used, read from the kernel's own accounting in /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()  # the name in brackets may hold blanks


def parent(pid: int) -> int:
    fields = _stat(pid)
    if fields is None:
        raise ProcessLookupError(pid)
    return int(fields[1])


def tree(root: int) -> set[int]:
    """Return ``root`` and all its living descendants."""
    parents = {
        int(entry.name): fields
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (fields := _stat(int(entry.name)))
    }
    found, size = {root}, 0
    while size != len(found):
        size = len(found)
        found |= {pid for pid, fields in parents.items() if int(fields[1]) in found}
    return found


def seconds(roots: Iterable[int]) -> float:
    """Return user and system time of the trees below ``roots``, their dead children's included."""
    ticks = 0
    for pid in set().union(*(tree(root) for root in roots)):
        fields = _stat(pid)
        if fields:
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICK
