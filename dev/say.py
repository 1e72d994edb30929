"""What the launcher tells the person in front of it: plain lines, each with the seconds since the start."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_STARTED = time.monotonic()


class Stop(Exception):
    """Ends the command with one clear sentence and no traceback."""


def line(text: str) -> None:
    elapsed = time.monotonic() - _STARTED
    sys.stdout.write(f"[{elapsed:6.1f} s] {text}\n")
    sys.stdout.flush()


def plain(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@contextmanager
def step(doing: str) -> Iterator[None]:
    """Says what is being done, and how long it took when that was long enough to notice."""
    line(doing)
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    if took >= 1:
        line(f"  done in {took:.1f} s")


def table(rows: list[dict[str, str]], columns: list[str]) -> str:
    """Columns as wide as their longest word, two blanks apart."""
    cells = [[column.replace("_", " ") for column in columns]]
    cells += [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )
