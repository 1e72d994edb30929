"""A booking site finds a time, books it once however often it asks, and changes only what it has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.kernel.db import db
from tests.cast import Cast
from tests.interop.conftest import Program, Programs, appointment, problem, tomorrow


def number_of(table: str) -> int:
    return db.session.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608


def seen(action: str) -> list[Any]:
    found = text(
        "SELECT user_id = (SELECT id FROM identity.api_tokens LIMIT 1) AS by_it, resource_id, metadata"
        " FROM audit.access_logs WHERE action = :action"
    )
    return list(db.session.execute(found, {"action": action}))


def test_a_free_time_is_found_booked_and_not_free_any_more(site: Program, cast: Cast, maryam: UUID) -> None:
    services = {each["id"]: each for each in site.get("/services").json["items"]}
    cleaning = services[str(cast.cleaning)]
    assert cleaning["price"] == {"amount": "450.00", "currency": "EGP"}
    assert str(cast.salma) in {each["id"] for each in cleaning["doctors"]}
    asked = f"/slots?service={cast.cleaning}&day={tomorrow(10)[:10]}&doctor={cast.salma}"
    free = site.get(asked).json["items"]
    booked = site.make("/appointments", appointment(cast, maryam, free[0]["start_time"]))
    assert booked.status_code == 201 and booked.headers["ETag"] == '"1"'
    made = booked.json
    assert made["status"] == "CONFIRMED" and made["start_time"] == free[0]["start_time"]
    assert booked.headers["Location"] == f"/api/v1/appointments/{made['id']}"
    assert site.get(f"/appointments/{made['id']}").json == made | {"notes": None}
    left = site.get(asked).json["items"]
    assert free[0] not in left and len(left) == len(free) - 1
    assert seen("appointment.book")[0].by_it


def test_the_same_again_is_answered_again_and_done_once(site: Program, cast: Cast, maryam: UUID) -> None:
    body = appointment(cast, maryam, notes="by the site")
    first = site.make("/appointments", body, key="k-1")
    again = site.make("/appointments", body, key='"k-1"')
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data and again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert number_of("reception.appointments") == 1
    other = problem(site.make("/appointments", body | {"notes": "other"}, key="k-1"), 422, "invalid")
    assert other["errors"][0]["header"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ['"k-1', 'k-1"', "k-1\xa0", "\x85k-1", "k 1", '""', "k" * 91])
def test_a_key_is_no_other_than_the_document_says(site: Program, cast: Cast, maryam: UUID, key: str) -> None:
    answer = problem(site.make("/appointments", appointment(cast, maryam), key=key), 400, "unreadable")
    assert answer["errors"][0]["header"] == "Idempotency-Key"
    assert number_of("reception.appointments") == 0


def test_a_key_is_needed_and_belongs_to_one_program_and_one_address(
    site: Program, program: Programs, cast: Cast, maryam: UUID
) -> None:
    body = appointment(cast, maryam)
    problem(site.ask("POST", "/appointments", body), 400, "unreadable")
    for wrong in ("", "x" * 91, "a b", '"'):
        problem(site.ask("POST", "/appointments", body, Idempotency_Key=wrong), 400, "unreadable")
    assert site.make("/appointments", body, key="one").status_code == 201
    told = problem(program().make("/appointments", body, key="one"), 409, "conflict")
    assert len(told["nearest"]) == 3 and told["nearest"][0]["doctor_id"]
    walk_in = {"patient_id": str(maryam), "service_id": str(cast.cleaning)}
    assert site.make("/visits", walk_in, key="one").status_code == 201


def test_what_was_refused_left_its_key_free(site: Program, cast: Cast, maryam: UUID) -> None:
    past = appointment(cast, maryam, "2020-01-01T10:00:00+02:00")
    told = problem(site.make("/appointments", past, key="k"), 422, "invalid")
    assert told["errors"][0]["pointer"] == "/start_time" and told["nearest"]
    assert site.make("/appointments", appointment(cast, maryam), key="k").status_code == 201


def test_a_change_needs_the_version_that_stands(site: Program, cast: Cast, maryam: UUID) -> None:
    made = site.make("/appointments", appointment(cast, maryam))
    path, etag = f"/appointments/{made.json['id']}", made.headers["ETag"]
    problem(site.ask("POST", f"{path}/cancel", {"reason": "ill"}), 428, "version-needed")
    noted = site.change(path, {"notes": "bring the letter"}, etag, "PATCH")
    assert noted.json["notes"] == "bring the letter" and noted.headers["ETag"] == '"2"'
    for stale in (etag, 'W/"2"', "", '"x"'):
        problem(site.change(f"{path}/cancel", {"reason": "ill"}, stale), 412, "changed-meanwhile")
    moved = site.change(
        f"{path}/reschedule",
        {"doctor_id": str(cast.karim), "start_time": tomorrow(12)},
        noted.headers["ETag"],
    )
    assert moved.json["doctor_id"] == str(cast.karim)
    gone = site.change(f"{path}/cancel", {"reason": "ill"}, f'"0", {moved.headers["ETag"]}')
    assert gone.json["status"] == "CANCELLED"
    problem(site.change(f"{path}/cancel", {"reason": "ill"}, gone.headers["ETag"]), 409, "conflict")
    problem(site.change(f"{path}/cancel", {"reason": "ill"}, "*"), 409, "conflict")


def test_a_patient_comes_and_another_does_not(site: Program, cast: Cast, maryam: UUID) -> None:
    opened = site.make("/visits", {"patient_id": str(maryam), "service_id": str(cast.cleaning)})
    assert opened.status_code == 201 and opened.json["status"] == "WAITING" and opened.json["ticket"]
    path = f"/visits/{opened.json['id']}"
    assert site.get(path).headers["ETag"] == opened.headers["ETag"]
    twice = site.make("/visits", {"patient_id": str(maryam), "service_id": str(cast.cleaning)})
    assert problem(twice, 422, "invalid")["errors"][0]["pointer"] == "/patient_id"
    problem(site.change(f"{path}/check-in", {}, opened.headers["ETag"]), 409, "conflict")
    gone = site.change(f"{path}/cancel", {"reason": "went home"}, opened.headers["ETag"])
    assert gone.json["status"] == "CANCELLED" and gone.headers["ETag"] != opened.headers["ETag"]


def test_a_list_goes_on_where_it_ended(
    site: Program, cast: Cast, maryam: UUID, count_queries: Callable[[], Any]
) -> None:
    made = [
        site.make("/appointments", appointment(cast, maryam, tomorrow(hour))).json["id"]
        for hour in range(8, 13)
    ]
    found, path = [], f"/appointments?limit=2&doctor={cast.salma}&status=CONFIRMED"
    while path:
        with count_queries() as queries:
            answer = site.get(path)
        assert len(queries) <= 5, queries
        found += [each["id"] for each in answer.json["items"]]
        beyond = answer.json["next"]
        assert answer.headers.get("Link") == (f'<{beyond}>; rel="next"' if beyond else None)
        path = beyond.removeprefix("/api/v1") if beyond else ""
    assert found == made
    assert {len(row.metadata["ids"]) for row in seen("appointment.list")} == {1, 2}
    problem(site.get("/appointments?cursor=x"), 422, "invalid")
    assert site.get(f"/visits?patient={maryam}&type=SCHEDULED&from=2020-01-01").json["items"]


def test_one_patients_rows_are_a_part_of_the_chart(
    program: Programs, site: Program, cast: Cast, maryam: UUID
) -> None:
    found = site.ask("POST", "/patients/search", {"typed": "maryam tah"}).json["items"]
    assert [each["id"] for each in found] == [str(maryam)]
    assert site.get(f"/patients/{maryam}").json == found[0]
    assert seen("view")[0].by_it and seen("find")[0].metadata["ids"] == [str(maryam)]
    narrow = program("patient.view", "appointment.view")
    problem(narrow.get(f"/patients/{maryam}"), 403, "not-allowed")
    problem(narrow.get(f"/appointments?patient={maryam}"), 403, "not-allowed")
    problem(narrow.get(f"/appointments?patient={UUID(int=1)}"), 404, "not-found")


def test_problems_are_told_in_the_language_that_is_asked_for(app: Flask, site: Program) -> None:
    told = site.get(f"/visits/{UUID(int=1)}", Accept_Language="ar")
    assert told.json["detail"] != site.get(f"/visits/{UUID(int=1)}").json["detail"]
