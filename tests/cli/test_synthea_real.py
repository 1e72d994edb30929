"""The whole import of a real Synthea export, where there is one."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from tests.cli import synthea_export as export

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (export.REAL / "encounters.csv").is_file(),
        reason=f"no Synthea export in {export.REAL}; SYNTHEA_DIR names one",
    ),
]


def test_the_real_export_is_loaded_whole_and_a_second_run_changes_nothing(app: Flask, tmp_path: Path) -> None:
    first = export.run(app, export.REAL, "--report", tmp_path / "first.csv")

    assert export.counts() == {
        "patients.patients": 27,
        "organization.clinics": 63,
        "organization.services": 136,
        "organization.staff": 166,
        "reception.visits": 604,
        "payments.payments": 604,
        "payments.payment_transactions": 602,
    }
    assert export.money() == (Decimal("1092402.73"), Decimal("1103503.95"), Decimal("11101.22"))
    assert "Rows refused: 0." in export.said(first)
    over = [row["reason"] for row in export.report_of(tmp_path / "first.csv") if row["what"] == "over-paid"]
    assert over.count("more was received than was owed") == 189
    assert over.count("a cent of rounding") == 1

    before = export.everything()
    second = export.run(app, export.REAL, "--report", tmp_path / "second.csv")

    assert export.everything() == before
    assert "The export changed nothing" in second.output
    assert (tmp_path / "second.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()
