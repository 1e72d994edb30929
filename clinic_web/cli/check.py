"""``flask check``: does what is written agree with itself?"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy import text

from clinic_web.cli.invariants import commands as invariants
from clinic_web.kernel import tenant as tenants_rows
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api as payments

# Years of payments take longer than a person would wait for a page.
PATIENCE = text("SET LOCAL statement_timeout = '15min'")


@click.group("check")
def group() -> None:
    """Look whether what is written agrees with itself; ends with 1 where it does not."""


group.add_command(invariants.command)


@group.command("payments")
@click.option("--organization", type=click.UUID, help="Only this tenant; otherwise all.")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="Only what was due or moved on this local day."
)
@with_appcontext
def check_payments(organization: UUID | None, day: datetime | None) -> None:
    """Compare each payment with its movements, shares and ledger, and look for gaps in receipt numbers."""
    tenants = [organization] if organization else tenants_rows.all_of_them()
    if sum([_check(tenant, day.date() if day else None) for tenant in tenants]):
        raise SystemExit(1)
    click.echo("Every payment agrees with its movements, shares and ledger; no receipt number is missing.")


def _check(tenant: UUID, day: date | None) -> int:
    with tenants_rows.of(tenant):
        with transaction():
            db.session.execute(PATIENCE)
            found = payments.disagreements(tenant, day)
        gaps = payments.receipt_gaps(tenant)
    for each in found:
        click.echo(f"{tenant}  payment {each.payment_id}  {each.status}  {' '.join(each.sentences)}")
    for gap in gaps:
        click.echo(
            f"{tenant}  facility {gap.facility_id}  {gap.year}: {gap.given} receipts of {gap.last_sequence}"
        )
    return len(found) + len(gaps)
