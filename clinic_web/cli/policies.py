"""``flask policies``: who may do what to what, as the program has it."""

from __future__ import annotations

import csv
import json
import sys

import click
from flask import current_app
from flask.cli import with_appcontext

from clinic_web.identity import api as identity
from clinic_web.ui import policies
from clinic_web.ui.policies import Policy

HEADS = ("kind", "action", "needs", "fresh", "what it names", "roles", "program's token", "else")


@click.command("policies")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, for a spreadsheet.")
@with_appcontext
def command(*, as_json: bool, as_csv: bool) -> None:
    """Every route, live topic, job and event, with who may come; roles as the program brings them along.

    What a tenant's roles hold now stands on the page "Roles and rights".
    """
    found = policies.matrix(current_app)
    if as_json:
        print(json.dumps([_data(each) for each in found], indent=2))
    elif as_csv:
        csv.writer(sys.stdout).writerows([HEADS, *map(_cells, found)])
    else:
        _print_table([HEADS, *map(_cells, found)])


def _data(policy: Policy) -> dict[str, object]:
    return policy.as_data() | {"roles": _roles(policy), "by_token": _by_token(policy)}


def _roles(policy: Policy) -> list[str]:
    """Return the roles that hold the right from the beginning; ``*`` is whoever is signed in."""
    if policy.permission is None or policy.by_token:
        return []
    if policy.rights <= identity.EVERYBODY:
        return ["*"]
    return [role.name for role in identity.ROLES if policy.rights <= role.permissions]


def _by_token(policy: Policy) -> bool:
    """Return whether a program's token may open it: all of the JSON API, of the pages what only reads, with a
    right that such a token can have."""
    opens = policy.kind == policies.ROUTE and (policy.by_token or policy.method == "GET")
    return opens and bool(policy.rights) and all(map(identity.may_be_named, policy.rights))


def _cells(policy: Policy) -> tuple[str, ...]:
    things = ", ".join(f"{thing.kind} ({thing.within})" for _part, thing in policy.things)
    return (
        policy.kind,
        f"{policy.name}: {policy.action}" if policy.kind != policies.ROUTE else policy.action,
        " and ".join(filter(None, (policy.permission, policy.also))) or policy.actor,
        "fresh" if policy.is_fresh else "",
        things,
        " ".join(_roles(policy)),
        "yes" if _by_token(policy) else "",
        policy.reason,
    )


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
