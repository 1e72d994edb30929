"""The examples of docs/api.md do what it says, by curl, against the program on a port."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from werkzeug.serving import make_server

from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests import factories
from tests.cast import Cast
from tests.interop.conftest import administrator, token_of, tomorrow
from tests.snapshot import Snapshot

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
EXAMPLE = re.compile(r"```sh\n(.*?)```", re.DOTALL)
FIRST, LAST = "export API", "schemathesis run"  # which a person fills in


def examples() -> Iterator[str]:
    for block in EXAMPLE.findall(GUIDE.read_text(encoding="utf-8")):
        if not block.startswith((FIRST, LAST)):
            yield from re.split(r"(?<!\\)\n(?=curl)", block.strip())


@pytest.fixture
def house(snapshot: Snapshot, committing: Flask, tmp_path: Path) -> Iterator[tuple[Cast, dict[str, str]]]:
    """North Garden with a patient, on a port, and what the examples need to know."""
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        patient = factories.patient(organization_id=cast.organization_id)
        db.session.commit()
        token = token_of(administrator(cast))
        db.session.remove()
    server = make_server("127.0.0.1", 0, committing, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    known = {"API": f"http://127.0.0.1:{server.port}/api/v1", "TOKEN": token, "KEY": str(uuid4())}
    known |= {"PATIENT": str(patient), "SERVICE": str(cast.cleaning), "DOCTOR": str(cast.salma)}
    yield cast, known | {"DAY": tomorrow(10)[:10], "START": tomorrow(10)}
    server.shutdown()
    server.server_close()


def test_the_examples_book_and_cancel(house: tuple[Cast, dict[str, str]], tmp_path: Path) -> None:
    _cast, known = house

    def run(example: str) -> Any:
        done = subprocess.run(
            ["/bin/bash", "-c", example],
            env=os.environ | known,
            cwd=tmp_path,
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout)

    search, services, slots, book, cancel, payments = examples()
    assert [each["id"] for each in run(search)["items"]] == [known["PATIENT"]]
    assert known["SERVICE"] in {each["id"] for each in run(services)["items"]}
    found = run(slots)
    assert found.get("items"), found
    booked = run(book)
    assert booked["status"] == "CONFIRMED" and run(book) == booked
    headers = (tmp_path / "headers").read_text().lower()
    assert "idempotent-replayed: true" in headers
    known |= {"APPOINTMENT": booked["id"], "ETAG": '"1"'}
    assert 'etag: "1"' in headers
    assert [each["patient_id"] for each in run(payments)["items"]] == [known["PATIENT"]]
    assert run(cancel)["status"] == "CANCELLED"
    assert run(cancel)["status"] == 412
