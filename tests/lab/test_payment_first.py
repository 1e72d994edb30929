"""Where the facility wants it, specimens are taken when the tests are paid; nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from clinic_web.catalog.models import LabTest
from clinic_web.kernel.db import db
from tests.billing.paying_first import billed, pay, priced, want_paid_first
from tests.lab.laboratory import Laboratory
from tests.lab.test_the_worklist import HTMX, fresh, lina, press

__all__ = ["lina"]

WAITS = "Must be paid first"


def test_a_specimen_waits_for_the_money_where_the_rule_says_so(
    lab: Laboratory, lina: FlaskClient, count_queries: Callable[[], Any]
) -> None:
    tests = [lab.test(f"Test {number}") for number in range(2)]
    for test in tests:
        priced(db.session.get_one(LabTest, test), "95.50")
    told = lab.ask(*tests)
    row, _ = lab.rows(told)
    url = f"/lab/tests/{row.id}"
    owed = billed(told)
    want_paid_first(lab.cast, "PRESCRIPTION")
    shown = lina.get(url, headers=HTMX).text
    assert owed.invoice_number in shown and "191.00" in shown and WAITS not in shown

    want_paid_first(lab.cast, "LAB")
    waiting = lina.get(url, headers=HTMX).text
    assert f"{WAITS}: 191.00 EGP left" in waiting and " disabled>" in waiting
    with count_queries() as statements:
        day = lina.get("/lab").text
    assert day.count('<small class="because">not paid</small>') == 2
    assert len([each for each in statements if "billing." in each]) == 1
    refused = press(lina, row, "collect")
    assert refused.status_code == 409 and "This must be paid first: 191.00 EGP" in refused.text
    assert (fresh(row).status, fresh(row).specimen_id) == ("SCHEDULED", None)

    pay(lab.cast, owed)
    assert press(lina, row, "collect").status_code == 200
    assert "left to pay" not in lina.get(url, headers=HTMX).text
