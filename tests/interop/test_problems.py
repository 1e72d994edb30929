"""Whatever goes wrong is a problem that a program can read, with what is wrong where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import TimeoutError as PoolTimeout

from clinic_web.identity import api as identity
from clinic_web.reception import api as reception
from tests.cast import Cast
from tests.interop.conftest import Program, problem


def test_addresses_and_methods_that_are_not_there(app: Flask, site: Program) -> None:
    problem(site.get("/nothing"), 404, "not-found")
    problem(site.get("/visits/not-an-id"), 404, "not-found")
    problem(site.get("/../../etc"), 404, "not-found")
    answer = site.ask("DELETE", "/visits")
    problem(answer, 405, "no-such-method")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
    assert app.test_client().get("/apiary").mimetype == "text/html"


def test_a_body_that_is_no_json_or_too_large(site: Program) -> None:
    path, key = "/visits", {"Idempotency_Key": "k"}
    problem(site.ask("POST", path, {}, Content_Type="text/plain", **key), 415, "not-json")
    problem(
        site.ask("POST", path, {}, Content_Type="application/x-www-form-urlencoded", **key), 415, "not-json"
    )
    client, headers = site.app.test_client(), {"Authorization": f"Bearer {site.token}"}
    for data in ("", "{", "nonsense", '{"a": "\\ud800"}', b"\xff\xfe", "[" * 5000):
        answer = client.post("/api/v1/visits", data=data, headers=headers, content_type="application/json")
        problem(answer, 400, "unreadable")
    large = json.dumps({"typed": "x" * (1 << 20)})
    answer = client.post(
        "/api/v1/patients/search", data=large, headers=headers, content_type="application/json"
    )
    problem(answer, 413, "too-large")


WRONG: list[tuple[Any, set[str]]] = [
    ([], {""}),
    ({}, {"/patient_id", "/service_id"}),
    ({"patient_id": 1, "service_id": "x"}, {"/patient_id", "/service_id"}),
    ({"more/less~": 1}, {"/patient_id", "/service_id", "/more~1less~0"}),
    ({"priority": "low"}, {"/patient_id", "/service_id", "/priority"}),
]


@pytest.mark.parametrize(("body", "pointers"), WRONG)
def test_what_is_misshapen_is_pointed_at(site: Program, body: Any, pointers: set[str]) -> None:
    told = problem(site.make("/visits", body), 422, "invalid")
    assert {each["pointer"] for each in told["errors"]} == pointers


def test_parameters_are_known_and_come_once(site: Program, cast: Cast) -> None:
    asked = {
        "/visits?sort=x": "sort",
        "/visits?limit=0": "limit",
        "/visits?limit=101": "limit",
        "/visits?limit=1&limit=2": "limit",
        "/visits?from=2026-02-30": "from",
        "/visits?from=9999-01-01": "from",
        "/visits?to=0": "to",
        "/visits?status=waiting": "status",
        "/visits?clinic=1": "clinic",
        f"/slots?service={cast.cleaning}": "day",
        "/clinics?x=1": "x",
    }
    for path, name in asked.items():
        assert problem(site.get(path), 422, "invalid")["errors"][0]["parameter"] == name, path
    assert site.get("/visits?q=%00").status_code == 400


def test_no_text_holds_a_nul_and_no_moment_lies_beyond_our_time(site: Program, cast: Cast) -> None:
    body = {
        "patient_id": str(cast.salma),
        "service_id": str(cast.cleaning),
        "doctor_id": str(cast.salma),
        "start_time": "9999-12-31T23:59:59-23:00",
        "notes": "a\x00b",
    }
    told = problem(site.make("/appointments", body), 422, "invalid")
    assert {each["pointer"] for each in told["errors"]} == {"/start_time", "/notes"}
    told = problem(
        site.make("/appointments", body | {"start_time": 1800000000, "notes": None}), 422, "invalid"
    )
    assert told["errors"][0]["pointer"] == "/start_time"
    told = problem(
        site.make("/appointments", body | {"start_time": "2026-12-01T10:00:00", "notes": None}),
        422,
        "invalid",
    )
    assert told["errors"][0]["pointer"] == "/start_time"


def test_a_bug_and_a_database_that_is_away_are_problems_too(
    site: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret")

    def nobody_free(*_: object, **__: object) -> None:
        raise PoolTimeout("QueuePool limit reached")

    with monkeypatch.context() as patch:
        patch.setattr(reception, "plain_visits", fails)
        patch.setitem(site.app.config, "PROPAGATE_EXCEPTIONS", False)
        answer = site.get("/visits")
        problem(answer, 500, "fault")
        assert "secret" not in answer.text
    monkeypatch.setattr(identity, "program_of", nobody_free)
    answer = site.get("/visits")
    problem(answer, 503, "busy")
    assert answer.headers["Retry-After"]
