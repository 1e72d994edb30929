"""The demo centre has somebody for every role, a patient among them; only the owner can read who."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from flask import Flask

from clinic_web.cli.demo import logins, portal
from clinic_web.identity import api as identity
from clinic_web.kernel import clock, ids
from clinic_web.patients import api as patients
from tests.cast import Cast

NOBODY = {"display", "integration"}  # screens and programs come with tokens


def test_there_is_somebody_for_every_role() -> None:
    made = {role for role, *_ in logins.PEOPLE} | {"doctor", "patient"}
    assert made == {role.name for role in identity.ROLES} - NOBODY


def test_a_patient_of_the_demo_signs_in_at_the_portal(app: Flask, cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "logins.json"
    logins.write([logins.Login("receptionist", "amina", "x", "/desk")], str(file))
    assert portal.ensure(cast.system, str(file)) is None, "nobody is registered yet"
    born = clock.now().date() - timedelta(days=40 * 366)
    row = patients.ImportedPatient(
        id=ids.new_id(),
        external_id="demo-3",
        first_name="Clara",
        last_name="Whitby",
        gender="FEMALE",
        date_of_birth=born,
        language_preference="en",
    )
    patients.import_patients(cast.system, [row])

    login = portal.ensure(cast.system, str(file))
    assert login
    assert [each["role"] for each in json.loads(file.read_text())] == ["receptionist", "patient"]
    assert file.stat().st_mode & 0o077 == 0
    assert portal.ensure(cast.system, str(file)) is None, "one account is enough"

    client = app.test_client()
    typed = {"username": login.username, "password": login.password}
    assert client.post("/portal/login", data=typed).headers["Location"] == login.start
    assert "Clara Whitby" in client.get(login.start).text
