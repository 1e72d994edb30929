"""``flask import synthea DIR``: load a Synthea CSV export, and on demand a working day with its patients."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.console import Console

from clinic_web.cli.synthea import bars, logins, money, notes, past, people, places, today
from clinic_web.cli.synthea.bars import Bars
from clinic_web.cli.synthea.encounters import Known, Survey, survey
from clinic_web.cli.synthea.places import Clinic, Places, Provider
from clinic_web.cli.synthea.reading import ENCOUNTERS, BadExport, Export, accepted
from clinic_web.cli.synthea.report import Report, print_summary, report_to
from clinic_web.cli.synthea.today import Today
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.unit_of_work import transaction

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, writable=True, path_type=Path)


@click.group("import")
def group() -> None:
    """Data of other systems."""


@group.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--today", "with_today", is_flag=True, help="Let the busiest patients come again today.")
@click.option("--logins", "logins_file", type=FILE, help="Also write new logins of --today here (mode 600).")
@click.option("--report", "report_file", type=FILE, help="Write each refused row and over-payment as CSV.")
@with_appcontext
def synthea(folder: Path, with_today: bool, logins_file: Path | None, report_file: Path | None) -> None:
    """Load the Synthea CSV export in DIR. A second run changes nothing."""
    if logins_file and not with_today:
        raise click.UsageError("--logins belongs to --today: without it nobody gets a login.")
    if logins_file and not logins_file.parent.is_dir():
        raise click.UsageError(f"There is no folder {logins_file.parent} for the logins.")
    console = Console()
    try:
        export = Export(folder)
        export.check()
        with report_to(report_file) as report:
            day = _load(export, report, console, with_today=with_today)
            print_summary(report, console)
    except BadExport as bad:
        raise click.ClickException(str(bad)) from bad
    except DomainError as error:
        raise click.ClickException(error.sentence % error.values) from error
    if day is not None:
        _say_day(day, console, logins_file)


def _load(export: Export, report: Report, console: Console, *, with_today: bool) -> Today | None:
    """Load everything in its order, each stage in a transaction of its own: a later run completes it."""
    with bars.shown_on(console) as shown:
        here = places.ensure_facility()
        clinics = places.read_clinics(export, shown, report)
        providers = places.read_providers(export, shown, report, clinics)
        registered = people.load(here.actor, export, shown, report)
        notes.load(here.actor, registered, export, shown, report)
        known = Known(registered.ids, clinics, providers)
        found = _survey(export, known, shown)
        _ensure_places(here, clinics, providers, found=found, shown=shown, report=report)
        bills = past.load(here, registered, known, export=export, bars=shown, report=report)
        money.load(here, bills, export, shown, report)
        if with_today:
            return today.lay_out(here, found, registered, providers)
    return None


def _survey(export: Export, known: Known, shown: Bars) -> Survey:
    """Look at all encounters once; what is wrong with a row is said when it is imported."""
    rows = export.rows(ENCOUNTERS, shown, f"{ENCOUNTERS}: what there is")
    return survey(accepted(rows, known.encounter, Report()))


def _ensure_places(
    here: Places,
    clinics: dict[str, Clinic],
    providers: dict[str, Provider],
    *,
    found: Survey,
    shown: Bars,
    report: Report,
) -> None:
    with shown.writing("clinics, services, doctors", 3) as tell, transaction():
        report.count("clinics", new=places.ensure_clinics(here, clinics.values(), found), seen=len(clinics))
        tell()
        report.count("services", new=places.ensure_services(here, found), seen=len(found.kinds))
        tell()
        report.count(
            "doctors", new=places.ensure_doctors(here, providers.values(), found), seen=len(providers)
        )
        tell()


def _say_day(day: Today, console: Console, logins_file: Path | None) -> None:
    """Say what there is to do today. Passwords are shown now and never again: only their hashes are kept."""

    def say(sentence: str) -> None:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    who = " and ".join(f"Dr {name}" for name in day.doctors)
    say(f"Today at {day.clinic}, with {who}:")
    if day.is_new:
        say(f"  {day.waiting} patients wait ({day.walk_ins} walked in), {day.expected} are expected.")
    else:
        say("  The day was laid out before: nothing was changed.")
    for login in day.logins:
        say(f"  {login.role:<14} {login.username:<24} {login.password}   {login.start}")
    if not day.logins:
        say("  The logins are those of the first run; their passwords can't be shown again.")
    elif logins_file:
        logins.write(day.logins, logins_file)
        say(f"  Also in {logins_file}, which only you can read.")
