"""``flask policies`` prints the matrix for people, for programs and for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from flask import Flask


def printed(app: Flask, *options: str) -> str:
    done = app.test_cli_runner().invoke(args=["policies", *options])
    assert done.exit_code == 0, done.output
    return str(done.output)


def test_the_matrix_says_of_each_route_who_may_come_and_what_it_names(built_app: Flask) -> None:
    rows: list[dict[str, Any]] = json.loads(printed(built_app, "--json"))
    by_action = {row["action"]: row for row in rows if row["kind"] == "route"}
    assert len(by_action) == sum(row["kind"] == "route" for row in rows) > 250
    refund = by_action["POST /payments/<uuid:payment_id>/refund"]
    assert refund["permission"] == "payment.refund" and "cashier" in refund["roles"]
    assert refund["things"]["payment_id"] == {
        "kind": "payment",
        "within": "facility",
        "beyond": None,
        "strangers": [],
    }
    export = by_action["GET /patients.csv"]
    assert (export["permission"], export["also"]) == ("list.export", "patient.search")
    assert export["by_token"] and "auditor" not in export["roles"]
    assert by_action["POST /admin/roles"]["is_fresh"] and not by_action["GET /admin/roles"]["is_fresh"]
    assert by_action["GET /account"]["roles"] == ["*"] and by_action["GET /login"]["reason"]
    assert {row["kind"] for row in rows} == {"route", "topic", "job", "periodic", "event"}


def test_the_matrix_is_a_table_and_a_spreadsheet(built_app: Flask) -> None:
    table = printed(built_app)
    [line] = [each for each in table.splitlines() if "join queue:" in each]
    assert "visit.view" in line and "queue (facility)" in line and "receptionist" in line
    heads, *rows = csv.reader(io.StringIO(printed(built_app, "--csv")))
    assert heads[0] == "kind" and all(len(row) == len(heads) for row in rows)
    assert len(rows) == len(table.splitlines()) - 1
