"""The command: look at the file, settle the columns, import with a bar, say what was refused and why."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from clinic_web.cli.patient_list import columns
from clinic_web.cli.patient_list.columns import BadMapping
from clinic_web.cli.patient_list.people import Reader, RowRefused
from clinic_web.cli.patient_list.reading import (
    DELIMITERS,
    NAMES,
    BadList,
    Shape,
    open_list,
    records,
    shape_of,
)
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.errors import DomainError
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.patients.api import ListedPatient, Outcome

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EVERY = 200  # rows between two steps of the bar
REPEATED = "An earlier line says the same patient."
MOST_REASONS = 12


@dataclass
class Refusals:
    """Every refused row goes to a file with the same columns and ``problem``, which is made by the first."""

    path: Path
    shape: Shape
    counts: Counter[str] = field(default_factory=Counter)
    file: TextIO | None = None

    def add(self, values: list[str], problem: str) -> None:
        self.counts[problem] += 1
        if self.file is None:
            self.file = self.path.open("w", encoding="utf-8-sig", newline="")
            self._write([*self.shape.header, "problem"])
        width = len(self.shape.header)
        self._write([*(values + [""] * width)[:width], problem])

    def _write(self, values: list[str]) -> None:
        assert self.file is not None  # noqa: S101 - opened by the first row
        csv.writer(self.file, delimiter=self.shape.delimiter).writerow(values)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


@click.command("patients")
@click.argument("file", metavar="FILE.csv", type=FILE)
@click.option(
    "--column", "pairs", multiple=True, help="field=Column, as often as needed; field=- leaves it out."
)
@click.option(
    "--facility", "code", help="Code of the facility whose patients they are, if there are several."
)
@click.option("--encoding", type=click.Choice(list(NAMES)), help="Instead of the one that is detected.")
@click.option("--refused", type=click.Path(dir_okay=False, path_type=Path), help="Where refused rows go.")
@click.option("--yes", is_flag=True, help="Take the columns as they were guessed; ask nothing.")
@with_appcontext
def command(
    file: Path,
    pairs: tuple[str, ...],
    code: str | None,
    encoding: str | None,
    refused: Path | None,
    *,
    yes: bool,
) -> None:
    """Load a list of patients. A second run changes nothing."""
    console = Console()
    try:
        actor = _facility(code)
        shape = shape_of(file, encoding=encoding)
        _say(
            console, f"{file.name}: {NAMES[shape.encoding]}, columns parted by {DELIMITERS[shape.delimiter]}."
        )
        chosen = _columns(shape.header, pairs, console, is_asked=not yes and sys.stdin.isatty())
        refusals = Refusals(refused or file.with_suffix(".refused.csv"), shape)
        outcome = _load(actor, file, shape, chosen, refusals=refusals, console=console)
    except (BadList, BadMapping) as bad:
        raise click.ClickException(str(bad)) from bad
    except DomainError as error:
        raise click.ClickException(error.sentence % error.values) from error
    _summary(console, outcome, refusals)


def _facility(code: str | None) -> Actor:
    there = organization.facilities_anywhere()
    found = [each for each in there if code in (None, each.code)]
    if len(found) != 1:
        listed = ", ".join(f"{each.code} ({each.organization_name}, {each.name})" for each in there)
        raise BadMapping(f"Say whose patients they are: --facility CODE. There are: {listed or 'none yet'}.")
    tenant.enter(found[0].organization_id)
    return system_actor(found[0].organization_id, facility_id=found[0].id, name="import")


def _columns(
    header: list[str], pairs: tuple[str, ...], console: Console, *, is_asked: bool
) -> dict[str, int]:
    """Guess, take what is given, ask where somebody is there to answer; say what it came to."""
    chosen = columns.guess(header)
    told = columns.given(header, pairs)
    chosen = {name: place for name, place in chosen.items() if place not in told.values()} | told
    if is_asked and not pairs:
        for name, (meaning, _) in columns.FIELDS.items():
            _say(console, f"  {name:<16} {meaning}")
        chosen = columns.asked(
            header, chosen, lambda column, guess: str(click.prompt(f"{column} is", default=guess))
        )
    columns.require_a_name(chosen)
    for name, place in chosen.items():
        if place >= 0:
            _say(console, f"  {header[place]} → {columns.FIELDS[name][0]}")
    return chosen


def _load(
    actor: Actor, path: Path, shape: Shape, chosen: dict[str, int], *, refusals: Refusals, console: Console
) -> Outcome:
    facility = organization.facility(actor)
    today = clock.today(facility.timezone)
    reader = Reader(chosen, len(shape.header), today, facility.phone_country)
    kept: dict[int, list[str]] = {}

    def people() -> Iterator[ListedPatient]:
        for line, values in _rows(path, shape, console):
            try:
                patient = reader.patient(line, values)
            except RowRefused as why:
                refusals.add(values or [], str(why))
                continue
            if len(kept) >= patients.IMPORTED_AT_ONCE:
                kept.clear()
            kept[line] = values or []
            yield patient

    try:
        return patients.import_list(actor, people(), lambda line: refusals.add(kept[line], REPEATED))
    finally:
        refusals.close()


def _rows(path: Path, shape: Shape, console: Console) -> Iterator[tuple[int, list[str] | None]]:
    """Yield the rows after the header, with a bar of the bytes read."""
    look = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[rows]:>9,} rows"))
    with Progress(*look, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(path.name, total=path.stat().st_size, rows=0)
        with open_list(path, shape.encoding) as file:
            rows = records(file, shape.delimiter)
            next(rows, None)
            for count, row in enumerate(rows, start=1):
                if count % EVERY == 0:
                    progress.update(task, completed=file.buffer.tell(), rows=count)
                yield row
                progress.tasks[0].fields["rows"] = count
        progress.update(task, completed=path.stat().st_size)


def _summary(console: Console, outcome: Outcome, refusals: Refusals) -> None:
    _say(console, f"New: {outcome.new:,}. Known before: {outcome.known:,}.")
    if outcome.sharing:
        _say(console, f"Reached by a telephone that somebody else has: {outcome.sharing:,}.")
    refused = sum(refusals.counts.values())
    _say(console, f"Rows refused: {refused:,}{'.' if not refused else ':'}")
    for problem, count in refusals.counts.most_common(MOST_REASONS):
        _say(console, f"  {count:,} × {problem}")
    if refused:
        _say(console, f"Each of them with its problem: {refusals.path}")
    if not outcome.new:
        _say(console, "The list changed nothing: all of it was here already.")


def _say(console: Console, sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)
