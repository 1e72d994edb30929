"""The day's load as SVG: a column per hour, taken places before the capacity. Drawn by ``lab/_load.html``.

Horizontal places are percentages of the width, vertical ones pixels, so letters keep their size at any width;
in right-to-left the first hour stands at the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinic_web.lab.queries.worklist import Hour

HEIGHT = 56
GAP = 0.16  # of a column, on each side


@dataclass(frozen=True)
class Column:
    """One hour: where its column stands, how high its capacity and what is taken reach."""

    hour: Hour
    x: float
    width: float
    middle: float
    capacity_y: float
    capacity_height: float
    taken_y: float
    taken_height: float

    @property
    def is_full(self) -> bool:
        return self.hour.taken >= self.hour.capacity


def columns(hours: Sequence[Hour], *, is_rtl: bool) -> list[Column]:
    """Return the columns of a day; none where the laboratory has nothing to do."""
    highest = max((max(hour.taken, hour.capacity) for hour in hours), default=0)
    if not highest:
        return []
    width = 100 / len(hours)
    return [_column(hour, place, width, highest, is_rtl) for place, hour in enumerate(hours)]


def _column(hour: Hour, place: int, width: float, highest: int, is_rtl: bool) -> Column:
    begin = width * place
    begin = 100 - begin - width if is_rtl else begin
    capacity, taken = (round(HEIGHT * value / highest, 1) for value in (hour.capacity, hour.taken))
    return Column(
        hour=hour,
        x=round(begin + width * GAP, 3),
        width=round(width * (1 - 2 * GAP), 3),
        middle=round(begin + width / 2, 3),
        capacity_y=HEIGHT - capacity,
        capacity_height=capacity,
        taken_y=HEIGHT - taken,
        taken_height=taken,
    )
