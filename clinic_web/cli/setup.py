"""``flask setup``: the key that opens the first-run wizard of an empty database."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from clinic_web.setup import api as setup


@click.group("setup")
def group() -> None:
    """The first-run wizard."""


@group.command()
@with_appcontext
def key() -> None:
    """Print the address that opens the wizard, once; nothing where somebody has set the program up.

    Each run makes a new key, and the one before stops working.
    """
    made = setup.new_key()
    if made:
        click.echo(f"{current_app.config['SETTINGS'].public_url}/setup?key={made}")
