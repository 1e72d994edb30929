"""A list of patients from a spreadsheet or another program, whatever it was written with."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.patients import api as patients
from clinic_web.patients.models import Patient
from tests.cast import Cast

LIST = """رقم الملف,الاسم,الموبايل,السن,الجنس
١٠١,فاطمة محمد علي,٠١٠٠ ٥٥٥ ٠١٤٢,٣٤,أنثى
102,محمد علي حسن,01005550142,1990-05-17,ذكر
103,منى سعيد,,,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "patients.csv"


def load(app: Flask, file: Path, *options: str) -> Result:
    facility = ["--facility", code()]
    return app.test_cli_runner().invoke(args=["import", "patients", str(file), *facility, *options])


def code() -> str:
    from clinic_web.organization.models import Facility

    return db.session.scalars(
        select(Facility.code).where(Facility.name == "North Garden Medical Centre")
    ).one()


def everybody() -> list[Patient]:
    return list(db.session.scalars(select(Patient).order_by(Patient.patient_number)))


def refused(file: Path) -> list[dict[str, str]]:
    with file.with_suffix(".refused.csv").open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.parametrize(
    ("encoding", "named", "delimiter"),
    [
        ("utf-8", "UTF-8,", ","),
        ("utf-8-sig", "byte order mark", ";"),
        ("utf-16", "UTF-16", "\t"),
        ("cp1256", "Windows-1256", ";"),
        ("iso8859-6", "ISO-8859-6", "\t"),
    ],
)
def test_a_list_is_understood_however_it_was_written(
    app: Flask, cast: Cast, file: Path, encoding: str, named: str, delimiter: str
) -> None:
    text = LIST.replace(",", delimiter)
    if encoding in ("cp1256", "iso8859-6"):
        text = text.translate({0x660 + digit: str(digit) for digit in range(10)})
    file.write_bytes(text.encode(encoding))
    result = load(app, file)
    assert result.exit_code == 0, result.output
    assert named in result.output and "New: 3. Known before: 0." in result.output
    fatma, mohamed, mona = everybody()
    assert (fatma.first_name, fatma.last_name, fatma.phone_digits) == ("فاطمة", "علي", "201005550142")
    assert fatma.date_of_birth is not None and fatma.date_of_birth_estimated and fatma.gender == "FEMALE"
    assert (fatma.external_id, fatma.patient_number) == ("101", "P-000001")
    # Two people have one telephone: it stays the first one's.
    assert (mohamed.phone_digits, mohamed.phone_of_id) == (None, fatma.id)
    assert "Reached by a telephone that somebody else has: 1." in result.output
    assert (mona.gender, mona.date_of_birth) == ("UNKNOWN", None)


def test_a_second_run_changes_nothing_also_without_numbers_in_the_list(
    app: Flask, cast: Cast, file: Path
) -> None:
    file.write_text("name,phone\nMaryam Tahhan,0100 555 0142\nOmar Fahmy,\n", encoding="utf-8")
    assert "New: 2." in load(app, file).output
    before = [(each.id, each.updated_at, each.version) for each in everybody()]
    result = load(app, file)
    assert "New: 0. Known before: 2." in result.output and "changed nothing" in result.output
    assert [(each.id, each.updated_at, each.version) for each in everybody()] == before
    assert not file.with_suffix(".refused.csv").exists()


def test_who_was_registered_at_a_desk_is_known(app: Flask, cast: Cast, file: Path) -> None:
    amina = cast.people["amina"].actor
    wanted = patients.Registration(name="Maryam Tahhan", gender="FEMALE", phone="0100 555 0142")
    known = patients.register(amina, wanted, key="k")
    file.write_text(
        "id,name,phone\n7,maryam TAHHAN,+201005550142\n8,Adel Said,01005550142\n", encoding="utf-8"
    )
    assert "New: 1. Known before: 1." in load(app, file).output
    assert [(each.first_name, each.phone_of_id) for each in everybody()] == [
        ("Maryam", None),
        ("Adel", known.id),
    ]


def test_each_refused_row_is_kept_with_its_problem(app: Flask, cast: Cast, file: Path) -> None:
    file.write_text(
        "No,Patient name,Mobile,Born,Sex,Remark\n"
        "1,Maryam Tahhan,0100 555 0142,1992,F,a\n"
        "2,,0100 555 0143,1992,F,b\n"
        "3,Omar Fahmy,123,1992,M,c\n"
        "4,Hana Said,,2099,F,d\n"
        '5,"Adel ""the tall"" Said",,12/3/1992,X,e\n'
        "6,Nour Adel\n"
        "7,Maryam Tahhan,0100 555 0142,1992,F,again\n",
        encoding="utf-8",
    )
    result = load(app, file)
    assert result.exit_code == 0, result.output
    assert "New: 1. Known before: 0." in result.output and "Rows refused: 6:" in result.output
    rows = sorted(refused(file), key=lambda row: row["No"])
    assert [row["No"] for row in rows] == ["2", "3", "4", "5", "6", "7"]
    assert list(rows[0]) == ["No", "Patient name", "Mobile", "Born", "Sex", "Remark", "problem"]
    problems = [row["problem"] for row in rows]
    assert problems[0] == "The name is empty."
    assert problems[1].startswith("This is not a telephone number. Write it as ")
    assert "age (34)" in problems[2] or "future" in problems[2]
    assert problems[3] == "The sex 'X' is not known: write male or female."
    assert problems[4] == "This line has 2 values for 6 columns."
    assert problems[5] == "An earlier line says the same patient."
    assert rows[3]["Patient name"] == 'Adel "the tall" Said' and rows[3]["Remark"] == "e"


def test_columns_are_given_where_their_names_say_nothing(app: Flask, cast: Cast, file: Path) -> None:
    file.write_text("A,B,C\n1,Maryam,Tahhan\n", encoding="utf-8")
    result = load(app, file)
    assert result.exit_code == 1 and "No column holds the name" in result.output
    result = load(app, file, "--column", "first_name=B", "--column", "last_name=C", "--column", "id=A")
    assert result.exit_code == 0 and "B → first name" in result.output
    [maryam] = everybody()
    assert (maryam.first_name, maryam.last_name, maryam.external_id) == ("Maryam", "Tahhan", "1")
    assert "There is no column 'D'" in load(app, file, "--column", "name=D").output


def test_without_a_facility_nobody_knows_whose_patients_they_are(app: Flask, cast: Cast, file: Path) -> None:
    file.write_text("name\nMaryam\n", encoding="utf-8")
    result = app.test_cli_runner().invoke(args=["import", "patients", str(file)])
    assert result.exit_code == 1 and "--facility CODE" in result.output and "South Gate" in result.output
    assert everybody() == []
