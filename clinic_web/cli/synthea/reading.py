"""Reading an export row by row: no file is held whole, and a wrong value refuses its row only."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Protocol, TextIO, TypeVar

from clinic_web.cli.synthea.bars import ENCODING, Bars
from clinic_web.kernel.money import LARGEST

ORGANIZATIONS, PROVIDERS, PATIENTS = "organizations.csv", "providers.csv", "patients.csv"
ENCOUNTERS, TRANSACTIONS = "encounters.csv", "claims_transactions.csv"

ALLERGIES, CONDITIONS = "allergies.csv", "conditions.csv"

# The files and columns that are used. An export has more of both.
COLUMNS: dict[str, tuple[str, ...]] = {
    ORGANIZATIONS: ("Id", "NAME"),
    PROVIDERS: ("Id", "ORGANIZATION", "NAME", "GENDER", "SPECIALITY"),
    PATIENTS: (
        "Id", "BIRTHDATE", "DEATHDATE", "FIRST", "LAST", "GENDER", "ADDRESS", "CITY", "STATE", "ZIP",
    ),
    ENCOUNTERS: (
        "Id", "START", "STOP", "PATIENT", "ORGANIZATION", "PROVIDER", "ENCOUNTERCLASS", "CODE",
        "DESCRIPTION", "BASE_ENCOUNTER_COST",
    ),
    TRANSACTIONS: (
        "ID", "CLAIMID", "PATIENTID", "TYPE", "AMOUNT", "METHOD", "PAYMENTS", "ADJUSTMENTS", "APPOINTMENTID",
    ),
}  # fmt: skip

# An export without these is whole, too.
OPTIONAL: dict[str, tuple[str, ...]] = {
    ALLERGIES: (
        "START", "STOP", "PATIENT", "CODE", "SYSTEM", "DESCRIPTION", "CATEGORY", "DESCRIPTION1", "SEVERITY1",
        "DESCRIPTION2", "SEVERITY2",
    ),
    CONDITIONS: ("START", "STOP", "PATIENT", "CODE", "DESCRIPTION"),
}  # fmt: skip

LONGEST_TEXT = 300  # an index of PostgreSQL holds no more than about 2,700 bytes
YEARS = range(1900, 2200)
AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]+)?")
NOT_UTF8 = "\ufffd"  # what the decoder puts in place of bytes it cannot read

CHUNK = 1000

T = TypeVar("T")


class BadExport(Exception):
    """The folder is no export that can be imported; the sentence says what is missing."""


class Refused(Exception):
    """A row that is not imported. ``reason`` is the same for all rows with this flaw, ``shown`` the value."""

    def __init__(self, reason: str, shown: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.shown = shown


class Repeated(Refused):
    """The row was there before: leaving it out loses nothing."""


class Refusals(Protocol):
    """Takes down what is refused."""

    def refuse(self, row: Row, refused: Refused) -> None: ...


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. Its methods return a column's value or raise Refused."""

    file: str
    line: int
    values: Mapping[str, str]
    flaw: str = ""

    @property
    def id(self) -> str:
        return self.values.get("Id") or self.values.get("ID") or ""

    def text(self, column: str) -> str:
        value = self.values[column].strip()
        if not value:
            raise Refused(f"{column} is empty")
        if len(value) > LONGEST_TEXT:
            raise Refused(f"{column} is longer than {LONGEST_TEXT} characters", value)
        if "\0" in value or NOT_UTF8 in value:
            raise Refused(f"{column} is not UTF-8 text", value)
        return value

    def text_or_none(self, column: str) -> str | None:
        return self.text(column) if self.values[column].strip() else None

    def day(self, column: str) -> date:
        value = self.text(column)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise Refused(f"{column} is not a date", value) from None
        if day.year not in YEARS:
            raise Refused(f"{column} is before {YEARS[0]} or after {YEARS[-1]}", value)
        return day

    def moment(self, column: str) -> datetime:
        value = self.text(column)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise Refused(f"{column} is not a time", value) from None
        if moment.tzinfo is None:
            raise Refused(f"{column} does not say its time zone", value)
        if moment.year not in YEARS:
            raise Refused(f"{column} is before {YEARS[0]} or after {YEARS[-1]}", value)
        return moment

    def amount(self, column: str, *, largest: Decimal = LARGEST) -> Decimal:
        """Zero or more, exact: what Synthea writes with many decimals is rounded once, as a sum."""
        value = self.text(column)
        if not AMOUNT.fullmatch(value):
            raise Refused(f"{column} is not an amount", value)
        amount = Decimal(value)
        if amount < 0:
            raise Refused(f"{column} is negative", value)
        if amount > largest:
            raise Refused(f"{column} is too large", value)
        return amount


class Export:
    """A folder with the files of an export."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check(self) -> None:
        """Raise BadExport unless every file is there with every column that is used."""
        missing = [name for name in COLUMNS if not (self.folder / name).is_file()]
        if missing:
            raise BadExport(
                f"{self.folder} is no Synthea CSV export: {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} missing."
            )
        for name, columns in (
            COLUMNS | {each: OPTIONAL[each] for each in OPTIONAL if self.has(each)}
        ).items():
            absent = [column for column in columns if column not in self._header(name)]
            if absent:
                listed = ", ".join(absent)
                raise BadExport(f"{name} has no column {listed}: it can't be imported. Nothing was changed.")

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def _header(self, name: str) -> list[str]:
        with (self.folder / name).open(encoding=ENCODING, errors="replace", newline="") as file:
            return next(_records(file), (0, None))[1] or []

    def rows(self, name: str, bars: Bars, title: str = "") -> Iterator[Row]:
        """Yield the rows of a file; one that is no proper row carries its flaw."""
        with bars.reading(self.folder / name, title or name) as (file, tell):
            records = _records(file)
            header = next(records)[1] or []
            for count, (line, values) in enumerate(records, start=1):
                tell(count)
                yield _row(name, line, header, values)


def accepted(rows: Iterable[Row], parse: Callable[[Row], T], refusals: Refusals) -> Iterator[T]:
    """Yield what ``parse`` makes of each row; what it refuses is taken down and left out."""
    for row in rows:
        try:
            if row.flaw:
                raise Refused(row.flaw)
            yield parse(row)
        except Refused as refused:
            refusals.refuse(row, refused)


def in_chunks(rows: Iterable[T]) -> Iterator[list[T]]:
    """Yield the rows by the thousand: each chunk is written in a transaction of its own.

    PostgreSQL proves a chunk's ledger at its commit; for a whole export that would take longer than any
    statement may.
    """
    waiting = iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        yield chunk


def _records(file: TextIO) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the records with the number of the line each begins on; None for one that is no CSV."""
    reader = csv.reader(file)
    while True:
        number = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number, None
            continue
        if values:
            yield number, values


def _row(name: str, number: int, header: list[str], values: list[str] | None) -> Row:
    flaw = ""
    if values is None:
        flaw = "can't be read as CSV"
    elif len(values) != len(header):
        flaw = f"has {len(values)} values for {len(header)} columns"
    return Row(name, number, dict(zip(header, values or (), strict=False)), flaw)
