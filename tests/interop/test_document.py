"""The OpenAPI document says what the API does: who knows only that meets no fault and no surprise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_pydantic import OpenAPI

from bench.programs import web
from clinic_web.config import Settings
from clinic_web.interop.endpoint import ENDPOINTS
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests import factories
from tests.cast import Cast
from tests.interop.conftest import Program, administrator, appointment, token_of, tomorrow
from tests.orders.room import Room
from tests.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
EXAMPLES = 2  # of each address; a longer run is made by hand, see docs/api.md
CONFIG = """
[checks]
# What is right by its shape may still break a rule, or be of another version.
positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "412", "422"]
missing_required_header.expected-statuses = ["400", "401", "404", "428"]
"""


def test_the_document_is_of_its_kind_and_whole(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200 and answer.mimetype == "application/json"
    read = OpenAPI.model_validate(answer.json)
    assert read.openapi.startswith("3.1") and read.paths and read.components and read.components.schemas
    made = [(path, method) for path, methods in answer.json["paths"].items() for method in methods]
    assert len(made) == len(ENDPOINTS)
    used = {name for name in read.components.schemas if f'schemas/{name}"' in answer.text}
    assert used == set(read.components.schemas)


def test_people_read_it_without_signing_in_and_without_scripts(client: FlaskClient) -> None:
    page = client.get("/api/v1/docs")
    assert page.status_code == 200 and "<script" not in page.text and "Set-Cookie" not in page.headers
    assert all(f'id="{each.name}"' in page.text for each in ENDPOINTS)
    assert 'dir="rtl"' in client.get("/api/v1/docs", headers={"Accept-Language": "ar"}).text


@pytest.fixture
def running(
    snapshot: Snapshot, committing: Flask, settings: Settings
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The program on its own port, a token for it, and what there is at North Garden."""
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        token = token_of(administrator(cast), requests_per_minute=6000)
        known = things_of(cast, Program(committing, token))
        db.session.remove()
    env = {
        "APP_ENV": "production",
        "SECRET_KEY": settings.secret_key,
        "SECRET_STORE_KEY": settings.secret_store_key,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "LOG_LEVEL": "ERROR",
    }
    with web("wsgi:app", env) as started:
        yield f"http://127.0.0.1:{started.port}/api/v1/openapi.json", token, known


def things_of(cast: Cast, program: Program) -> dict[str, Any]:
    medicine = an_order_and_stock(cast, program)
    patients = [factories.patient(organization_id=cast.organization_id) for _ in range(20)]
    db.session.commit()
    for patient in patients[:8]:
        program.make("/visits", {"patient_id": str(patient), "service_id": str(cast.cleaning)})
    for hour, patient in enumerate(patients[8:16], 8):
        program.make("/appointments", appointment(cast, patient, tomorrow(hour)))
    lists = ("visits", "appointments", "payments", "orders")
    items = {name: program.get(f"/{name}").json["items"] for name in lists}
    return {
        "patient_id": list(map(str, patients)),
        "medication_id": [medicine],
        "item_id": [medicine],
        "service_id": [str(cast.cleaning), str(cast.filling)],
        "doctor_id": [str(cast.salma), str(cast.karim)],
        "start_time": [tomorrow(hour, minute) for hour in range(8, 20) for minute in (0, 30)],
        **{f"{name[:-1]}_id": [each["id"] for each in found] for name, found in items.items()},
    }


def an_order_and_stock(cast: Cast, program: Program) -> str:
    """Salma has a patient in the room and prescribes what was just delivered."""
    ward = Room(cast)
    cost = {"amount": "1.2500", "currency": "EGP"}
    came = {"medication_id": str(ward.paracetamol), "batch_number": "A-1", "expiration_date": "2190-01-01"}
    program.make("/stock/deliveries", came | {"quantity": "100", "unit_cost": cost})
    line = {"item_id": str(ward.paracetamol), "quantity": "20"}
    asked = {"order_type": "PRESCRIPTION", "visit_id": str(ward.visit_id), "doctor_id": str(cast.salma)}
    assert program.make("/orders", asked | {"lines": [line]}).status_code == 201
    return str(ward.paracetamol)


@pytest.mark.slow
def test_whatever_the_document_allows_or_forbids_is_answered_as_it_says(
    running: tuple[str, str, dict[str, Any]], tmp_path: Path
) -> None:
    url, token, known = running
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(tmp_path / "schemathesis.toml")]
    command += ["run", url, "--header", f"Authorization: Bearer {token}", "--phases", "fuzzing"]
    command += ["--max-examples", str(EXAMPLES), "--continue-on-failure", "--no-color"]
    env = {
        "API_KNOWN": json.dumps(known),
        "SCHEMATHESIS_HOOKS": "tests.interop.known_things",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
