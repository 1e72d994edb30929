"""Charts as SVG, laid out here and drawn by ``templates/reports/_charts.html``.

No library draws one that keeps to our rules: no inline style, both directions, both themes, on paper, and
readable on a phone. Horizontal places are percentages of the width, so a chart is as wide as its place while
its letters keep their size; vertical ones are pixels. In right-to-left the first column stands at the right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

HEIGHT = 168
LETTERS = 44  # of all names below a chart, where it is as narrow as a phone
GAP = 0.28  # of a column, between two


@dataclass(frozen=True)
class Head:
    """What a chart is called, and what its figures count."""

    title: str
    unit: str


@dataclass(frozen=True)
class Series:
    """One kind of bar: its CSS class, its word, and a value per column (None: nothing to show)."""

    look: str
    word: str
    values: Sequence[int | float | None]


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    y: float
    height: float
    look: str
    says: str


@dataclass(frozen=True)
class Mark:
    """A short line across a column: the 90th percentile above its median."""

    x1: float
    x2: float
    y: float
    says: str


@dataclass(frozen=True)
class Label:
    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """What the template draws. ``lines`` are the scale's: a height and its figure."""

    title: str
    unit: str
    height: int
    bars: list[Bar]
    marks: list[Mark]
    labels: list[Label]
    lines: list[Label]
    legend: list[tuple[str, str]]


def columns(
    head: Head,
    names: Sequence[str],
    stacked: Sequence[Series],
    *,
    mark: Series | None = None,
    is_rtl: bool = False,
    write: Callable[[Any], str] = str,
) -> Chart | None:
    """Return a chart of one column per name, its series stacked, ``mark`` as a line; None of nothing.

    ``write`` gives a figure the reader's digits.
    """
    tops = [sum(series.values[at] or 0 for series in stacked) for at in range(len(names))]
    highest = max([*tops, *((value or 0) for value in (mark.values if mark else ()))], default=0)
    if not highest:
        return None
    scale = _Scale(highest, len(names), is_rtl, write)
    return Chart(
        head.title,
        head.unit,
        HEIGHT,
        _bars(names, stacked, scale),
        _marks(names, mark, scale) if mark else [],
        _labels(names, scale),
        [Label(scale.y(value), write(value)) for value in scale.steps],
        [(each.look, each.word) for each in (*stacked, *([mark] if mark else []))],
    )


def step_of(highest: float, steps: int = 4) -> float:
    """Return the round figure (1, 2 or 5 times a power of ten) of which ``steps`` reach ``highest``."""
    size = 1.0
    while size * 10 * steps < highest:
        size *= 10
    return next(size * each for each in (1, 2, 5, 10) if size * each * steps >= highest)


class _Scale:
    def __init__(self, highest: float, number: int, is_rtl: bool, write: Callable[[Any], str]) -> None:
        step = step_of(highest)
        count = int(-(-highest // step))
        self.steps = [step * each for each in range(count + 1)]
        self.width = 100 / number
        self.is_rtl = is_rtl
        self.write = write

    def y(self, value: float) -> float:
        return round(HEIGHT * (1 - value / self.steps[-1]), 1)

    def x(self, column: int, offset: float, width: float) -> float:
        """Return where something begins that is ``width`` wide and ``offset`` into its column."""
        begin = self.width * (column + offset)
        return round(100 - begin - width if self.is_rtl else begin, 3)


def _bars(names: Sequence[str], stacked: Sequence[Series], scale: _Scale) -> list[Bar]:
    bars = []
    width = round(scale.width * (1 - GAP), 3)
    for column, name in enumerate(names):
        below = 0.0
        for series in stacked:
            value = series.values[column]
            if value:
                top, foot = scale.y(below + value), scale.y(below)
                says = f"{name}: {series.word} {scale.write(value)}"
                x, height = scale.x(column, GAP / 2, width), round(foot - top, 1)
                bars.append(Bar(x, width, top, height, series.look, says))
                below += value
    return bars


def _marks(names: Sequence[str], mark: Series, scale: _Scale) -> list[Mark]:
    width = round(scale.width * (1 - GAP / 2), 3)
    marks = []
    for column, name in enumerate(names):
        if value := mark.values[column]:
            x = scale.x(column, GAP / 4, width)
            says = f"{name}: {mark.word} {scale.write(value)}"
            marks.append(Mark(x, round(x + width, 3), scale.y(value), says))
    return marks


def _labels(names: Sequence[str], scale: _Scale) -> list[Label]:
    """Every name where there is room, else every second, third …"""
    most = max(2, LETTERS // (max(map(len, names)) + 1))
    every = -(-len(names) // most)
    return [Label(scale.x(column, 0.5, 0), name) for column, name in enumerate(names) if column % every == 0]
