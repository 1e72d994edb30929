"""``flask events``: what was told, heard again."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from clinic_web.kernel import bus
from clinic_web.kernel import replay as replaying
from clinic_web.kernel.errors import BadRequest
from clinic_web.kernel.replay import Replayed


@click.group("events")
def group() -> None:
    """The stored events."""


@group.command()
@click.option("--subscriber", required=True, help="A module (billing), a handler or one subscription of it.")
@click.option("--from", "since", required=True, type=click.DateTime(), help="The first moment, in UTC.")
@click.option("--again", is_flag=True, help="Let them hear also what they have heard before.")
@with_appcontext
def replay(subscriber: str, since: datetime, again: bool) -> None:
    """Let a subscriber hear the stored events again, in order. Twice changes nothing."""
    try:
        subscriptions = replaying.named(subscriber)
    except BadRequest:
        names = ", ".join(sorted({each.schema for each in bus.subscriptions()}))
        raise click.ClickException(f"Nobody subscribes as {subscriber}. Modules: {names}.") from None
    done = replaying.replay(
        subscriptions, since=since.replace(tzinfo=UTC), again=again, progress=_show_progress
    )
    click.echo(_said(done))
    if done.failed:
        raise click.exceptions.Exit(1)


def _show_progress(done: Replayed) -> None:
    click.echo(f"… {_said(done)}", err=True)


def _said(done: Replayed) -> str:
    return (
        f"{done.events} events, {done.handled} handled newly, {done.repeated} heard again, "
        f"{done.changed} changed something, {done.failed} failed"
    )
