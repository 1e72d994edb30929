"""A program comes in with its token, as far as its rights and its facility reach, and by nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.interop import limits
from clinic_web.interop.endpoint import ENDPOINTS
from clinic_web.kernel import push, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.broker import Broker
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from tests import factories
from tests.cast import Cast, hire
from tests.interop.conftest import (
    EVERYTHING,
    Program,
    Programs,
    appointment,
    problem,
    token_of,
)


def test_without_an_open_token_nobody_comes_in(
    app: Flask, site: Program, as_person: Callable[[str], FlaskClient]
) -> None:
    for token in ("", "made-up", site.token[:-2], f"Bearer {site.token}"):
        answer = Program(app, token).get("/visits")
        problem(answer, 401, "no-token")
        assert "invalid_token" in answer.headers["WWW-Authenticate"]
    amina = as_person("amina")
    assert amina.get("/visits").status_code == 200
    problem(amina.get("/api/v1/visits"), 401, "no-token")
    problem(amina.get(f"/api/v1/visits?token={site.token}"), 401, "no-token")
    assert "Set-Cookie" not in site.get("/visits").headers


def test_a_token_ends_by_its_time_and_by_hand_and_tells_when_it_was_used(
    site: Program, later: Callable[[timedelta], None]
) -> None:
    assert site.get("/visits").status_code == 200
    assert db.session.scalar(text("SELECT last_used_at IS NOT NULL FROM identity.api_tokens"))
    later(timedelta(days=31))
    problem(site.get("/visits"), 401, "no-token")
    later(timedelta(days=-31))
    assert site.get("/visits").status_code == 200
    db.session.execute(text("UPDATE identity.api_tokens SET revoked_at = now()"))
    problem(site.get("/visits"), 401, "no-token")


def test_a_token_opens_what_its_rights_name(program: Programs, cast: Cast, maryam: UUID) -> None:
    reader = program("appointment.view")
    assert reader.get("/appointments").status_code == 200
    answer = reader.make("/appointments", appointment(cast, maryam))
    assert "appointment.book" in problem(answer, 403, "not-allowed")["detail"]
    assert 'scope="appointment.book"' in answer.headers["WWW-Authenticate"]
    problem(reader.get("/payments"), 403, "not-allowed")


def test_every_right_of_the_api_can_be_given_to_a_program() -> None:
    assert {each.scope for each in ENDPOINTS} | {each.also for each in ENDPOINTS} - {None} <= EVERYTHING


def test_pages_stay_closed_to_what_a_token_may_change(app: Flask, site: Program, cast: Cast) -> None:
    headers = {"Authorization": f"Bearer {site.token}", "Accept": "application/json"}
    form = {"patient": "x", "idempotency_key": "k"}
    assert app.test_client().post("/appointments/book", data=form, headers=headers).status_code == 401


def test_what_is_anothers_is_not_there(
    app: Flask, boss: Actor, cast: Cast, site: Program, maryam: UUID
) -> None:
    booked = site.make("/appointments", appointment(cast, maryam)).json
    visit, of_it = f"/visits/{booked['visit_id']}", f"/appointments/{booked['id']}"
    elsewhere = factories.facility(organization_id=cast.organization_id, name="South Garden")
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    neighbour = Program(app, token_of(boss, facility_id=elsewhere))
    with tenant.of(cast.other_organization_id):
        there = factories.facility(organization_id=cast.other_organization_id, name="South Gate 2")
        hire(cast, "nadia", "administrator", cast.other_organization_id, there)
        stranger = Program(app, token_of(cast.people["nadia"].actor))
    for other in (neighbour, stranger):
        for path in (visit, of_it):
            problem(other.get(path), 404, "not-found")
        problem(other.ask("POST", f"{of_it}/cancel", {"reason": "x"}, If_Match="*"), 404, "not-found")
        assert other.get("/visits").json["items"] == []
    problem(stranger.make("/appointments", appointment(cast, maryam)), 404, "not-found")
    assert site.get(of_it).json["status"] == "CONFIRMED"


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broker, "attempt", lambda self, use: None)


def test_a_token_is_answered_so_many_times_a_minute(program: Programs, at_noon: None) -> None:
    two, other = program("visit.view", requests_per_minute=2), program("visit.view", requests_per_minute=2)
    assert [two.get("/visits").status_code for _ in range(3)] == [200, 200, 429]
    answer = two.get("/visits")
    problem(answer, 429, "too-often")
    assert 1 <= int(answer.headers["Retry-After"]) <= limits.MINUTE
    assert other.get("/visits").status_code == 200


def test_the_limit_stands_while_redis_is_away(program: Programs, redis_away: None, at_noon: None) -> None:
    two = program("visit.view", requests_per_minute=2)
    assert [two.get("/visits").status_code for _ in range(3)] == [200, 200, 429]
