"""The operator's page, and what Prometheus reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from bench.load import Answer, Ask, Connection
from bench.programs import web
from clinic_web.config import Settings
from clinic_web.kernel import clock, delivery, jobs, metrics, operations, schedule, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.leader import Leadership
from clinic_web.kernel.tables import PARKED, Delivery, DomainEvent
from dev.processes import wait_until
from tests.cast import Cast, hire_operator, sign_in

HTMX = {"HX-Request": "true"}
TOKEN = "metrics-only-metrics-only-metrics-only"


def words(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def park(number: int = 1) -> list[UUID]:
    with tenant.of(tenant.NOBODY):  # the program's own events
        return _park(number)


def _park(number: int) -> list[UUID]:
    ids = []
    for _ in range(number):
        event = DomainEvent(id=new_id(), event_type="visit.called", aggregate_type="visit",
                            aggregate_id=new_id(), event_data={}, occurred_at=clock.now())  # fmt: skip
        db.session.add(event)
        db.session.flush()
        row = Delivery(id=new_id(), event_id=event.id, consumer="reception.tell:visit.called", queue="events",
                       state=PARKED, attempts=8, due_at=clock.now(), parked_at=clock.now(),
                       last_error="ValueError: no such room\nDETAIL: Maryam Tahhan")  # fmt: skip
        db.session.add(row)
        ids.append(row.id)
    db.session.commit()
    return ids


@pytest.fixture
def operator(app: Flask, cast: Cast) -> FlaskClient:
    """Somebody with the operator's role and nothing else."""
    client = app.test_client()
    sign_in(client, hire_operator(cast))
    return client


def test_parked_deliveries_stand_there_with_their_error_and_without_rows(operator: FlaskClient) -> None:
    park()
    page = operator.get("/operations")
    shown = words(page.text)
    assert page.status_code == 200
    for part in (
        "Parked deliveries 1",
        "reception.tell:visit.called",
        "ValueError: no such room",
        "Try again",
    ):
        assert part in shown, part
    assert "Maryam" not in page.text


def test_a_retried_delivery_is_due_again_and_screens_hear_it(
    operator: FlaskClient, pushed: list[str]
) -> None:
    [parked] = park()
    url = f"/operations/deliveries/{parked}/retry"
    answer = operator.post(url, headers=HTMX)
    assert answer.status_code == 200 and "due again" in answer.text and "operations" in pushed
    row = db.session.get(Delivery, parked)
    assert row is not None
    db.session.refresh(row)
    assert (row.state, row.attempts) == ("DUE", 0)
    assert operator.post(url, headers=HTMX).status_code == 409


def test_screens_hear_when_a_delivery_is_parked(operator: FlaskClient, pushed: list[str]) -> None:
    [parked] = park()
    operations.retry(parked)
    pushed.clear()
    claimed = {"id": parked, "attempts": delivery.TRIES - 1, "consumer": "reception.tell:visit.called"}
    delivery._note_failure(claimed, ValueError("no such room"))
    assert pushed == ["operations"] and operations.parked_number() == 1


def test_all_can_be_tried_again_at_once(operator: FlaskClient) -> None:
    park(3)
    assert "Try all again" in operator.get("/operations").text
    operator.post("/operations/deliveries/retry", headers=HTMX)
    assert operations.parked() == [] and operations.waiting()[0].number == 3


def test_only_the_operator_sees_it(as_person: Callable[[str], FlaskClient]) -> None:
    assert as_person("mona").get("/operations").status_code == 403
    assert as_person("mona").post("/operations/deliveries/retry").status_code == 403


def test_the_leader_is_whoever_holds_the_lock(app: Flask, settings: Settings) -> None:
    engine = create_engine(settings.database_url)
    with Leadership(engine) as leadership:
        assert leadership.is_mine()
        leader = operations.leader()
        assert leader is not None
        assert abs((leader.seen_at - clock.now()).total_seconds()) < 60
    engine.dispose()


def test_metrics_need_their_token(client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/metrics").status_code == 404
    with_token(app, monkeypatch)
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_metrics_name_routes_and_queues_but_nobody(
    client: FlaskClient, app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_token(app, monkeypatch)
    park()
    client.get(f"/payments/{cast.salma}/panel")
    client.get("/no/such/page")
    told = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    for line in (
        'clinic_http_request_seconds_count{method="GET",route="/payments/<uuid:payment_id>/panel",status="302"}',
        'route="unknown",status="404"',
        'clinic_deliveries_pending{queue="events"} 0.0',
        "clinic_deliveries_parked 1.0",
        'clinic_jobs_waiting{queue="reports"}',
        'clinic_displays{state="on"} 0.0',
        "clinic_leader 0.0",
        "clinic_redis_up 1.0",
    ):
        assert line in told, line
    assert str(cast.salma) not in told and "/no/such/page" not in told


def test_a_metric_that_cannot_be_read_is_left_out(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> float:
        return float(db.session.scalar(text("SELECT 1 / 0")))

    broken = metrics.Reading("clinic_broken", "Fails", fails)
    monkeypatch.setitem(metrics._readings, "broken", broken)
    told = metrics.scrape().decode()
    assert "clinic_broken" not in told and "clinic_redis_up" in told


def with_token(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    settings = dataclasses.replace(app.config["SETTINGS"], metrics_token=TOKEN)
    monkeypatch.setitem(app.config, "SETTINGS", settings)


@pytest.mark.slow
def test_the_counts_of_all_web_processes_are_summed(settings: Settings) -> None:
    """Two workers answer in turns; whichever is asked tells what both have counted."""
    env = {
        "APP_ENV": "test", "SECRET_KEY": settings.secret_key, "SECRET_STORE_KEY": settings.secret_store_key,
        "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "METRICS_TOKEN": TOKEN,
        "DATABASE_POOL_SIZE": "25", "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    with web("wsgi:app", env) as running:
        port = running.port
        both = b"clinic_database_pool_size 50.0"
        assert wait_until(lambda: both in fetch(port, "/metrics").body, timeout=40, pause=0.1)
        for _ in range(40):
            assert fetch(port, "/nowhere").status == 404
        told = {fetch(port, "/metrics").body.decode() for _ in range(6)}
    counted = {re.search(r'_count\{method="GET",route="unknown",status="404"\} (\S+)', each) for each in told}
    assert {found.group(1) for found in counted if found} == {"40.0"}
    assert all("clinic_database_pool_size 50.0" in each for each in told)


def fetch(port: int, path: str) -> Answer:
    connection = Connection(port)
    try:
        return connection.send(Ask(path, headers={"Authorization": f"Bearer {TOKEN}"}))
    finally:
        connection.close()


def test_every_queue_and_every_periodic_job_has_a_word(operator: FlaskClient) -> None:
    assert set(jobs.QUEUE_WORDS) == {*jobs.DELIVERY_QUEUES, *jobs.OUTSIDE_QUEUES}
    assert all(each.word for each in schedule.registered())
    db.session.execute(
        text("INSERT INTO kernel.scheduled_runs (name, slot) VALUES (:name, :now), ('gone', :now)"),
        {"name": "reports.sweep", "now": clock.now()},
    )
    db.session.commit()
    shown = words(operator.get("/operations").text)
    assert "What somebody waits for asked" in shown
    assert "Take up reports that were left reports.sweep" in shown and "gone" in shown
