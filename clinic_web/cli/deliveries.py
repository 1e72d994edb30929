"""``flask deliveries``: what could not be delivered, and taking it up again."""

from __future__ import annotations

from uuid import UUID

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from clinic_web.kernel import delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.tables import PARKED, Delivery


@click.group("deliveries")
def group() -> None:
    """Events on their way to their subscribers."""


@group.command()
@with_appcontext
def parked() -> None:
    """List the deliveries that failed for good, with their last error."""
    rows = db.session.scalars(select(Delivery).where(Delivery.state == PARKED).order_by(Delivery.parked_at))
    for row in rows:
        click.echo(f"{row.id}  {row.consumer}  tries {row.attempts}  {row.last_error}")


@group.command()
@click.argument("delivery_id", type=click.UUID)
@with_appcontext
def retry(delivery_id: UUID) -> None:
    """Take a parked delivery up again."""
    if not delivery.retry(delivery_id):
        raise click.ClickException("There is no parked delivery with this id.")
    click.echo("It is due again.")
