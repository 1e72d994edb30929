"""What an import did: rows refused and why, over-payments, counts. Printed as a summary, kept as CSV."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.table import Table

from clinic_web.cli.synthea.reading import BadExport, Refused, Row
from clinic_web.kernel.money import CENT, ZERO

COLUMNS = ("what", "file", "line", "id", "reason", "owed", "received", "credit", "currency")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
LONGEST_SHOWN = 60
LARGEST_SHOWN = 3


class Writer(Protocol):
    def writerow(self, row: tuple[str, ...], /) -> object: ...


@dataclass(frozen=True)
class OverPaid:
    """A claim for which more was received than was owed; ``line`` is where it begins in its file."""

    file: str
    line: int
    claim: str
    owed: Decimal
    received: Decimal

    @property
    def credit(self) -> Decimal:
        return self.received - self.owed

    @property
    def is_rounding(self) -> bool:
        return self.credit <= CENT


@dataclass
class Report:
    """Keeps counts and a few examples only; every single row goes to ``writer``, if there is one."""

    currency: str = "USD"
    writer: Writer | None = None
    new: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    owed: Decimal = ZERO
    received: Decimal = ZERO
    credit: Decimal = ZERO
    credited_visits: int = 0
    over_paid: Counter[bool] = field(default_factory=Counter)  # by: is it a cent of rounding?
    over_paid_amount: Decimal = ZERO
    largest: list[OverPaid] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def count(self, what: str, *, new: int, seen: int) -> None:
        """Note how many of the ``seen`` rows were new; the others were known."""
        self.new[what] += new
        self.known[what] += seen - new

    def refuse(self, row: Row, refused: Refused) -> None:
        self.refuse_id(row.file, row.id, refused, line=row.line)

    def refuse_id(self, file: str, external_id: str, refused: Refused, *, line: int | None = None) -> None:
        kind = (file, refused.reason)
        self.refused[kind] += 1
        place = f"line {line}" if line else external_id
        shown = _short(refused.shown)
        self.examples.setdefault(kind, f"{place}: {shown}" if shown else place)
        reason = f"{refused.reason}: {shown}" if shown else refused.reason
        self._write("refused", file, str(line or ""), external_id, reason, "", "", "")

    def note_sums(self, owed: Decimal, received: Decimal) -> None:
        """Note what one visit owed and received."""
        self.owed += owed
        self.received += received
        if received > owed:
            self.credit += received - owed
            self.credited_visits += 1

    def note_over_paid(self, over: OverPaid) -> None:
        self.over_paid[over.is_rounding] += 1
        self.over_paid_amount += over.credit
        self.largest = sorted([*self.largest, over], key=lambda each: -each.credit)[:LARGEST_SHOWN]
        reason = "a cent of rounding" if over.is_rounding else "more was received than was owed"
        sums = (str(over.owed), str(over.received), str(over.credit))
        self._write("over-paid", over.file, str(over.line), over.claim, reason, *sums)

    @property
    def is_nothing_new(self) -> bool:
        return not any(self.new.values())

    def _write(self, *values: str) -> None:
        if self.writer is not None:
            self.writer.writerow((*map(_harmless, values), self.currency if values[-1] else ""))


def _short(value: str) -> str:
    return repr(value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "…") if value else ""


def _harmless(value: str) -> str:
    """A spreadsheet must not take what an export says for a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


@contextmanager
def report_to(path: Path | None) -> Iterator[Report]:
    """Yield a report that writes its rows to ``path`` as they come."""
    if path is None:
        yield Report()
        return
    try:
        opened = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise BadExport(f"The report can't be written to {path}: {error.strerror}.") from error
    with opened as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        yield Report(writer=writer)


def print_summary(report: Report, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("new", justify="right")
    table.add_column("known", justify="right")
    for what in report.new:
        table.add_row(what, f"{report.new[what]:,}", f"{report.known[what]:,}")
    console.print(table)
    for sentence in _sentences(report):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _sentences(report: Report) -> Iterator[str]:
    yield _sums(report)
    yield from _over_paid(report)
    yield from report.notes
    refused = sum(report.refused.values())
    yield f"Rows refused: {refused:,}{'.' if refused == 0 else ':'}"
    for (file, reason), count in report.refused.most_common():
        yield f"  {count:,} × {file}: {reason} (first: {report.examples[file, reason]})"
    if report.is_nothing_new:
        yield "The export changed nothing: all of it was here already."


def _sums(report: Report) -> str:
    money = report.currency
    return (
        f"Owed {report.owed:,.2f} {money}, received {report.received:,.2f} {money}; "
        f"credit of patients {report.credit:,.2f} {money} from {report.credited_visits:,} visits."
    )


def _over_paid(report: Report) -> Iterator[str]:
    yield (
        f"Over-paid claims: {report.over_paid[False]:,}, and {report.over_paid[True]:,} "
        f"by a cent of rounding; together {report.over_paid_amount:,.2f} {report.currency}."
    )
    for over in report.largest:
        yield f"  {over.claim}: owed {over.owed:,.2f}, received {over.received:,.2f}"
