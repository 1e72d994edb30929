"""``flask audit``: is the audit whole? Seal and anchor it now."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import text

from clinic_web.audit import anchors, nightly, sealing
from clinic_web.audit.verifying import Report
from clinic_web.config import ConfigError
from clinic_web.kernel import tenant as tenants_rows
from clinic_web.kernel.db import db

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
MOST_SHOWN = 50
SEALED = text("SELECT COALESCE(sum(rows), 0) FROM audit.chains")


@click.group("audit")
def group() -> None:
    """Who saw, who changed: the chain that seals it."""


@group.command()
@click.option("--tenant", type=click.UUID, help="Only this tenant; otherwise all.")
@click.option(
    "--anchors",
    "files",
    multiple=True,
    type=FILE,
    help="A file with anchors, as often as needed; otherwise AUDIT_ANCHORS.",
)
@with_appcontext
def verify(tenant: UUID | None, files: tuple[Path, ...]) -> None:
    """Compare every row with the chain and the chain with its anchors; ends with 1 if something is wrong."""
    console = Console(highlight=False, soft_wrap=True)
    tenants = [tenant] if tenant else tenants_rows.all_of_them()
    read = list(files) or _anchors(console)
    for line in anchors.read(read).unreadable:
        console.print(f"[yellow]not an anchor:[/] {line}")
    expected = sum(map(_sealed, tenants))
    reports = []
    with _bar(console) as bar:
        task = bar.add_task("verifying", total=expected or None)
        for each in tenants:
            reports.append(nightly.verify(each, read, lambda rows: bar.advance(task, rows)))
    for report in reports:
        _say(console, report)
    _sum_up(console, reports)


def _sealed(tenant_id: UUID) -> int:
    with tenants_rows.of(tenant_id):
        return int(db.session.scalar(SEALED) or 0)


def _anchors(console: Console) -> list[Path]:
    try:
        return [anchors.path()]
    except ConfigError as error:
        console.print(f"[yellow]Without anchors a tail that was cut off may not be seen.[/] {error}")
        return []


def _bar(console: Console) -> Progress:
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True)


def _say(console: Console, report: Report) -> None:
    for finding in report.findings[:MOST_SHOWN]:
        console.print(f"{report.organization_id}  [red]{finding.kind}[/]  {nightly.sentence(finding)}")
    if report.number > MOST_SHOWN:
        console.print(f"{report.organization_id}  and {report.number - MOST_SHOWN:,} more")


def _sum_up(console: Console, reports: list[Report]) -> None:
    rows, seconds = sum(each.rows for each in reports), sum(each.seconds for each in reports)
    waiting = sum(each.waiting for each in reports)
    speed = f"{rows / seconds:,.0f} rows per second" if seconds else "no rows"
    console.print(f"{rows:,} rows in {seconds:.1f} s: {speed}; {waiting:,} too new to be sealed.")
    if misdated := sum(each.misdated for each in reports):
        console.print(f"[yellow]{misdated:,} rows say another time than they were made at.[/]")
    wrong = sum(each.number for each in reports)
    if wrong:
        console.print(f"[red]{wrong:,} {'thing is' if wrong == 1 else 'things are'} wrong.[/]")
        raise SystemExit(1)
    console.print("Every row is as it was written, none is missing, none was put in.")


@group.command()
@with_appcontext
def seal() -> None:
    """Seal what is not sealed yet, and anchor the chains. The leading worker does this by itself."""
    sealed = 0
    while now := sealing.seal_all():
        sealed += now
    click.echo(f"{sealed:,} rows sealed, {anchors.write_all():,} chains anchored in {anchors.path()}.")
