"""A broken export: what is wrong is refused with its reason, and the rest is imported."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from tests.cli import synthea_export as export

PATIENT_2, PATIENT_3 = "c0000000-0002-4000-8000-000000000002", "c0000000-0003-4000-8000-000000000003"

ENCOUNTER_3, ENCOUNTER_12 = "d0000000-0003-4000-8000-000000000003", "d0000000-0012-4000-8000-000000000012"
ALL_MONEY = (Decimal("1914.79"), Decimal("1348.14"), Decimal("62.51"))  # owed, received, credit

Change = Callable[[list[dict[str, str]]], list[dict[str, str]]]


def put(number: int, **values: str) -> Change:
    """Return what puts ``values`` into the row with this number, the first being 1."""

    def change(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        rows[number - 1].update(values)
        return rows

    return change


# What is done to a copy of a good row, and the reason that is reported for it.
PATIENTS = (
    ({"BIRTHDATE": "2014-13-45"}, "BIRTHDATE is not a date: '2014-13-45'"),
    ({"BIRTHDATE": ""}, "BIRTHDATE is empty"),
    ({"BIRTHDATE": "2914-10-06"}, "BIRTHDATE is before 1900 or after 2199: '2914-10-06'"),
    ({"BIRTHDATE": "2199-10-06"}, "BIRTHDATE is in the future: '2199-10-06'"),
    ({"DEATHDATE": "long ago"}, "DEATHDATE is not a date: 'long ago'"),
    ({"FIRST": "123"}, "the name has no letters: '123'"),
    ({"LAST": "x" * 400}, f"LAST is longer than 300 characters: '{'x' * 60}…'"),
    ({"LAST": "a\0b"}, "LAST is not UTF-8 text: 'a\\x00b'"),
    ({"GENDER": "Q"}, "GENDER is neither M nor F: 'Q'"),
    ({"Id": ""}, "Id is empty"),
    ({"Id": PATIENT_3}, f"Id is on an earlier line, too: '{PATIENT_3}'"),
)
ENCOUNTERS = (
    ({"START": "yesterday"}, "START is not a time: 'yesterday'"),
    ({"START": "2023-03-10T15:00:00"}, "START does not say its time zone: '2023-03-10T15:00:00'"),
    ({"START": "0001-01-01T00:00:00Z"}, "START is before 1900 or after 2199: '0001-01-01T00:00:00Z'"),
    ({"STOP": ""}, "STOP is empty"),
    ({"STOP": "2001-03-10T14:59:59Z"}, "STOP is before START: '2001-03-10T14:59:59Z'"),
    ({"STOP": "2123-03-10T14:59:59Z"}, "STOP is in the future: '2123-03-10T14:59:59Z'"),
    ({"PATIENT": "nobody"}, "unknown patient: 'nobody'"),
    ({"PROVIDER": "nobody"}, "unknown provider: 'nobody'"),
    ({"ORGANIZATION": "nowhere"}, "unknown organization: 'nowhere'"),
    ({"BASE_ENCOUNTER_COST": "-1"}, "BASE_ENCOUNTER_COST is negative: '-1'"),
    ({"BASE_ENCOUNTER_COST": "NaN"}, "BASE_ENCOUNTER_COST is not an amount: 'NaN'"),
    ({"BASE_ENCOUNTER_COST": "1000000"}, "BASE_ENCOUNTER_COST is too large: '1000000'"),
    ({"Id": ENCOUNTER_3}, f"Id is on an earlier line, too: '{ENCOUNTER_3}'"),
)
TRANSACTIONS = (
    ({"AMOUNT": "-77.49"}, "AMOUNT is negative: '-77.49'"),
    ({"AMOUNT": "seven"}, "AMOUNT is not an amount: 'seven'"),
    ({"AMOUNT": "1e3"}, "AMOUNT is not an amount: '1e3'"),
    ({"AMOUNT": "٧٧"}, "AMOUNT is not an amount: '٧٧'"),
    ({"AMOUNT": "99999999999"}, "AMOUNT is too large: '99999999999'"),
    ({"TYPE": "PAYMENT"}, "PAYMENTS is empty"),
    ({"TYPE": "REFUND"}, "unknown TYPE: 'REFUND'"),
    ({"CLAIMID": ""}, "CLAIMID is empty"),
    ({"APPOINTMENTID": "none"}, "its encounter was not imported: 'none'"),
    ({"PATIENTID": PATIENT_3}, f"PATIENTID is not the patient of the encounter: '{PATIENT_3}'"),
)
# A claim and an encounter that have no other: a broken row takes its claim's payment with it.
ALONE = {"CLAIMID": "alone", "APPOINTMENTID": ENCOUNTER_12, "PATIENTID": PATIENT_2}
BROKEN = {
    "patients.csv": ({}, PATIENTS),
    "encounters.csv": ({}, ENCOUNTERS),
    "claims_transactions.csv": (ALONE, TRANSACTIONS),
}


@pytest.mark.parametrize("file", BROKEN)
def test_wrong_rows_are_refused_with_their_reasons_and_the_rest_is_imported(
    app: Flask, tmp_path: Path, file: str
) -> None:
    values, broken = BROKEN[file]
    folder = export.copy_to(tmp_path)
    key = "ID" if file == "claims_transactions.csv" else "Id"

    def add_broken(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        good = rows[0] | values
        return rows + [good | {key: f"broken-{n}"} | flaw for n, (flaw, _) in enumerate(broken)]

    export.rewrite(folder, file, add_broken)
    result = export.run(app, folder, "--report", tmp_path / "report.csv")

    report = [row for row in export.report_of(tmp_path / "report.csv") if row["what"] == "refused"]
    refused = [row for row in report if row["line"]]
    first = len(export.report_of(export.SMALL / file)) + 2
    assert [(row["file"], int(row["line"]), row["reason"]) for row in refused] == [
        (file, first + n, reason) for n, (_, reason) in enumerate(broken)
    ]
    assert f"Rows refused: {len(report)}:" in export.said(result)
    assert export.counts()["patients.patients"] == 8
    assert export.counts()["reception.visits"] == 12
    assert export.money() == ALL_MONEY


def test_a_payment_without_one_of_its_rows_would_be_wrong_so_it_waits_for_a_corrected_export(
    app: Flask, tmp_path: Path
) -> None:
    folder = export.copy_to(tmp_path)
    export.rewrite(folder, "claims_transactions.csv", put(7, PAYMENTS="-129.16"))

    result = export.run(app, folder, "--report", tmp_path / "report.csv")

    reasons = [row["reason"] for row in export.report_of(tmp_path / "report.csv") if row["what"] == "refused"]
    assert reasons == [
        "PAYMENTS is negative: '-129.16'",
        "no payment, because a transaction of this encounter was refused",
    ]
    assert "Rows refused: 2:" in export.said(result)
    assert export.money() == (Decimal("1770.62"), Decimal("1143.98"), Decimal("2.52"))

    export.run(app, export.SMALL)

    assert export.money() == ALL_MONEY


def test_a_row_that_lost_its_end_spoils_its_claim_and_no_other(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.edit(folder, "claims_transactions.csv", lambda text: _cut(text, line=11, columns=12))

    export.run(app, folder, "--report", tmp_path / "report.csv")

    refused = [row for row in export.report_of(tmp_path / "report.csv") if row["what"] == "refused"]
    assert [(row["line"], row["reason"]) for row in refused] == [
        ("11", "has 12 values for 33 columns"),
        ("", "no payment, because a transaction of this encounter was refused"),
    ]
    assert export.counts()["payments.payments"] == 10


def test_an_encounter_with_the_id_of_another_takes_no_money_that_is_not_its_patients(
    app: Flask, tmp_path: Path
) -> None:
    folder = export.copy_to(tmp_path)
    export.rewrite(folder, "encounters.csv", put(3, Id="d0000000-0009-4000-8000-000000000009"))

    export.run(app, folder, "--report", tmp_path / "report.csv")

    refused = [row for row in export.report_of(tmp_path / "report.csv") if row["what"] == "refused"]
    assert (refused[0]["line"], refused[0]["reason"].partition(":")[0]) == (
        "10",
        "Id is on an earlier line, too",
    )
    assert "PATIENTID is not the patient of the encounter" in [
        row["reason"].partition(":")[0] for row in refused
    ]
    assert export.counts()["payments.payments"] == 9


def _cut(text: str, *, line: int, columns: int) -> str:
    lines = text.split("\n")
    lines[line - 1] = ",".join(lines[line - 1].split(",")[:columns])
    return "\n".join(lines)


def test_a_row_that_stands_there_twice_counts_once(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.rewrite(folder, "claims_transactions.csv", lambda rows: [*rows, rows[9]])
    export.rewrite(folder, "encounters.csv", lambda rows: [*rows, rows[0]])

    export.run(app, folder, "--report", tmp_path / "report.csv")

    refused = [row for row in export.report_of(tmp_path / "report.csv") if row["what"] == "refused"]
    assert [row["reason"].split(":")[0] for row in refused] == [
        "Id is on an earlier line, too",
        "ID is on an earlier line, too",
    ]
    assert export.money() == ALL_MONEY


def test_more_waived_than_charged_is_no_payment(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.rewrite(folder, "claims_transactions.csv", put(19, ADJUSTMENTS="1000.01"))

    result = export.run(app, folder)

    assert "no payment, because more was waived than charged" in export.said(result)
    assert export.counts()["payments.payments"] == 10


def test_bytes_that_are_no_utf8_refuse_their_row(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.edit(folder, "patients.csv", lambda text: text.replace("Maynard46", "Maynard\udcff"))

    result = export.run(app, folder)

    assert "FIRST is not UTF-8 text" in export.said(result)
    assert export.counts()["patients.patients"] == 7


def test_an_export_saved_by_a_spreadsheet_is_read_all_the_same(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    for file in folder.glob("*.csv"):
        export.edit(folder, file.name, lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n")

    result = export.run(app, folder)

    assert "Rows refused: 0." in export.said(result)
    assert export.money() == ALL_MONEY


def test_a_missing_column_stops_before_anything_is_written(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.edit(folder, "encounters.csv", lambda text: text.replace(",STOP,", ",END,", 1))

    result = export.attempt(app, folder)

    assert result.exit_code == 1
    assert "encounters.csv has no column STOP: it can't be imported. Nothing was changed." in export.said(
        result
    )
    assert not any(export.counts().values())


def test_a_folder_that_is_no_export_is_refused_with_what_is_missing(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    (folder / "providers.csv").unlink()
    (folder / "patients.csv").write_text("", encoding="utf-8")

    missing = export.attempt(app, folder)
    (folder / "providers.csv").write_text("Id\n", encoding="utf-8")
    empty = export.attempt(app, folder)

    assert "providers.csv is missing" in export.said(missing)
    assert "no column ORGANIZATION, NAME, GENDER, SPECIALITY" in export.said(empty)
    assert (missing.exit_code, empty.exit_code) == (1, 1)


def test_a_spreadsheet_takes_nothing_in_the_report_for_a_formula(app: Flask, tmp_path: Path) -> None:
    folder = export.copy_to(tmp_path)
    export.rewrite(folder, "patients.csv", put(1, Id="=HYPERLINK(1)", BIRTHDATE="never"))

    export.run(app, folder, "--report", tmp_path / "report.csv")

    assert export.report_of(tmp_path / "report.csv")[0]["id"] == "'=HYPERLINK(1)"


def test_a_report_that_cannot_be_written_stops_before_anything_is_imported(
    app: Flask, tmp_path: Path
) -> None:
    result = export.attempt(app, export.SMALL, "--report", tmp_path / "nowhere" / "report.csv")

    assert result.exit_code == 1
    assert "The report can't be written" in export.said(result)
    assert not any(export.counts().values())
