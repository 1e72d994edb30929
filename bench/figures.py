"""What was measured, as one table for people and one file for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

FILE = Path(__file__).parents[1] / ".local" / "bench.json"
# Each figure is the median of so many rounds; fewer while one works on the program itself.
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
COLUMNS = ("what", "ours", "floor", "ratio", "reach", "met?", "rests on")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line. ``is_met`` is None for what is shown for information; ``rests_on`` is how it was measured."""

    what: str
    ours: str
    floor: str = ""
    ratio: float | None = None
    reach: str = ""
    is_met: bool | None = None
    rests_on: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        met = "" if self.is_met is None else "yes" if self.is_met else "NO"
        ratio = "" if self.ratio is None else f"{self.ratio:.1f} x"
        return self.what, self.ours, self.floor, ratio, self.reach, met, self.rests_on


def table(figures: Sequence[Figure]) -> str:
    rows = [COLUMNS, *(figure.cells for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-+-".join("-" * width for width in widths), *lines[1:]])


def keep(figures: Sequence[Figure]) -> None:
    """Write the figures with the machine and the load it had, so that a later run can be compared."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, {platform.platform()}",
        "load": os.getloadavg(),
        "figures": [asdict(figure) for figure in figures],
    }
    FILE.write_text(json.dumps(body, indent=2) + "\n")


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
