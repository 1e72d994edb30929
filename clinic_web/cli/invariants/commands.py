"""``flask check invariants``: what must be true of everything that is written."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click
from flask import current_app
from flask.cli import with_appcontext

from clinic_web.cli.invariants import running
from clinic_web.cli.invariants.invariant import Proof
from clinic_web.cli.invariants.running import Asked, NotTheOwner

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@click.command("invariants")
@click.option(
    "--only", multiple=True, metavar="NAME", help="This one, or all of an area (money); repeatable."
)
@click.option("--since", type=click.DateTime(FORMATS), help="Pass over what was last touched before (UTC).")
@click.option("--settled", is_flag=True, help="Nothing is under way: whatever is still due is late.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@with_appcontext
def command(*, only: tuple[str, ...], since: datetime | None, settled: bool, as_json: bool) -> None:
    """Prove in one moment of the whole database that bookings, numbers, money, stock, orders and events agree.

    Ends with 1 where something does not, and names the first rows. Needs the tables' owner (DATABASE_OWNER_URL).
    """
    asked = Asked(since=since.replace(tzinfo=UTC) if since else None, is_settled=settled)
    proofs = _look(only, asked, is_silent=as_json)
    if as_json:
        print(json.dumps({"holds": all(each.holds for each in proofs), "proofs": list(map(asdict, proofs))}))
    else:
        _sum_up(proofs)
    if not all(each.holds for each in proofs):
        raise SystemExit(1)


def _look(only: tuple[str, ...], asked: Asked, *, is_silent: bool) -> list[Proof]:
    proofs = []
    try:
        invariants = running.named(only)
        with running.moment(current_app.config["SETTINGS"].database_owner_url) as connection:
            for proof in running.prove(connection, invariants, asked):
                proofs.append(proof)
                if not is_silent:
                    _show(proof)
    except LookupError as error:
        raise click.ClickException(f"There is no invariant or area called {error}.") from error
    except NotTheOwner as error:
        sentence = (
            "DATABASE_OWNER_URL is not the owner of the tables: walls would hide what is to be checked."
        )
        raise click.ClickException(sentence) from error
    return proofs


def _show(proof: Proof) -> None:
    mark = "holds " if proof.holds else "BROKEN"
    click.echo(f"{mark} {proof.name:<28} {proof.counted:>9,}  {proof.promise}")
    for breach in proof.first:
        click.echo(f"       {breach.id}  {breach.says}")
    if proof.number > len(proof.first):
        click.echo(f"       and {proof.number - len(proof.first):,} more")


def _sum_up(proofs: list[Proof]) -> None:
    looked, broken = sum(each.counted for each in proofs), sum(each.number for each in proofs)
    taken = sum(each.seconds for each in proofs)
    words = f"{broken:,} BREACHES" if broken else "no breach"
    click.echo(f"{len(proofs)} invariants, {looked:,} rows looked at in {taken:.1f} s: {words}.")
