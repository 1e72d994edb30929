"""What the tests of the Synthea import share: the exports, the command, and what it left in the tables."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from click.testing import Result
from flask import Flask
from sqlalchemy import text

from clinic_web.cli.synthea.commands import group
from clinic_web.kernel.db import Model, db
from clinic_web.organization import api as organization

SMALL = Path(__file__).parent / "data" / "synthea"
REAL = Path(
    os.environ.get("SYNTHEA_DIR") or Path(__file__).parents[3] / "shared" / "data" / "synthea" / "csv"
)

TABLES = (
    "patients.patients",
    "organization.clinics",
    "organization.services",
    "organization.staff",
    "reception.visits",
    "payments.payments",
    "payments.payment_transactions",
)


def run(app: Flask, folder: Path, *options: object) -> Result:
    """Run the command and expect it to end well."""
    result = attempt(app, folder, *options)
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result


def attempt(app: Flask, folder: Path, *options: object) -> Result:
    return app.test_cli_runner().invoke(group, ["synthea", str(folder), *map(str, options)])


def said(result: Result) -> str:
    """What the command printed, without its bars and line breaks."""
    return " ".join(result.output.split())


def counts() -> dict[str, int]:
    return {name: one(f"SELECT count(*) FROM {name}") for name in TABLES}  # noqa: S608


def one(statement: str, **values: Any) -> Any:
    return db.session.execute(text(statement), values).scalar_one()


def rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.session.execute(text(statement), values)]


def everything() -> dict[str, tuple[int, str]]:
    """Return how many rows each table of the program has, and a checksum of all that is in them."""
    found = {}
    for table in Model.metadata.sorted_tables:
        name = f'"{table.schema}"."{table.name}"'
        count, digest = rows(
            f"SELECT count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t"  # noqa: S608
        )[0]
        found[name] = (count, digest)
    return found


def tenant() -> UUID:
    organization_id = organization.organization_by_external_id("synthea")
    assert organization_id is not None
    return organization_id


def money() -> tuple[Decimal, Decimal, Decimal]:
    """Return what is owed, what was received and what is credit, of all payments."""
    owed = one("SELECT sum(total_amount) FROM payments.payments")
    return owed, *rows("SELECT sum(amount), sum(credit_amount) FROM payments.payment_transactions")[0]


def report_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def copy_to(folder: Path) -> Path:
    """Copy the small export to where it may be broken."""
    return Path(shutil.copytree(SMALL, folder / "export", copy_function=shutil.copyfile))


def edit(folder: Path, file: str, change: Callable[[str], str]) -> None:
    path = folder / file
    path.write_bytes(
        change(path.read_bytes().decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    )


def rewrite(folder: Path, file: str, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> None:
    """Write a file again with rows that ``change`` makes of its own."""
    with (folder / file).open(encoding="utf-8", newline="") as source:
        reader = csv.DictReader(source)
        header, changed = list(reader.fieldnames or ()), change(list(reader))
    with (folder / file).open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(changed)
