"""The busiest presses take who asks from the process's memory, and their own statement proves it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, func, select, text
from werkzeug.test import TestResponse

from clinic_web.audit.models import AccessLog
from clinic_web.identity import api as identity
from clinic_web.identity import queries
from clinic_web.identity.queries import SEEN_EVERY
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.tenant import NotProved, Unproved
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception.models import Visit
from tests import statements
from tests.cast import Cast, sign_in
from tests.reception.conftest import keep_in_process
from tests.reception.desk import Desk
from tests.snapshot import Snapshot

HTMX = {"HX-Request": "true"}
END_CONNECTIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'clinic-web' AND datname = current_database()"
)
ANOTHER_PROCESS_CHANGES_IT = text("UPDATE kernel.streams SET seq = seq + 1 WHERE topic = :topic")


@dataclass
class Counter:
    """Amina's browser at the dental desk. Each press is a request of its own, as in the web process."""

    app: Flask
    cast: Cast
    patients: list[UUID]
    browser: FlaskClient

    def press(self, *, service: UUID | None = None) -> TestResponse:
        """Let the next patient walk in."""
        form = {
            "service": str(service or self.cast.cleaning),
            "pays": "later",
            "idempotency_key": str(uuid4()),
        }
        return self.browser.post(f"/desk/hand/patient/{self.patients.pop()}/walk-in", data=form, headers=HTMX)

    def end_session(self) -> None:
        with self.app.app_context(), tenant.of(self.cast.organization_id):
            amina = self.cast.people["amina"]
            for each in queries.open_sessions(amina.user_id, None):
                identity.revoke_session(amina.actor, each.id)

    def as_owner(self, statement: object, **values: object) -> None:
        """Do it from outside, so that this process hears nothing."""
        engine = create_engine(self.app.config["SETTINGS"].database_owner_url)
        with engine.begin() as connection:
            connection.execute(statement, values)  # type: ignore[call-overload]
        engine.dispose()

    @property
    def waiting(self) -> int:
        with self.app.app_context(), tenant.of(self.cast.organization_id):
            return db.session.scalar(select(func.count()).select_from(Visit)) or 0

    @property
    def views(self) -> int:
        """How often the access log says that the list was seen."""
        with self.app.app_context(), tenant.of(self.cast.organization_id):
            return db.session.scalar(select(func.count()).where(AccessLog.action == "visit.list")) or 0

    @contextmanager
    def asked(self) -> Iterator[list[str]]:
        """What PostgreSQL is asked inside."""
        with self.app.app_context():
            engine = db.engine
        with statements.noted(engine) as asked:
            yield asked


@pytest.fixture
def counter(snapshot: Snapshot, committing: Flask) -> Counter:
    browser = committing.test_client()
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        keep_in_process(cast)
        patients = [Desk(cast).patient() for _ in range(4)]
        sign_in(browser, cast.people["amina"])
    found = Counter(committing, cast, patients, browser)
    assert found.press().status_code == 200  # now this process has her and the house in its memory
    return found


def test_a_usual_press_is_one_statement(counter: Counter) -> None:
    with counter.asked() as asked:
        assert counter.press().status_code == 200
    assert len(asked) == 1 and "identity.session_of" in asked[0]
    assert counter.waiting == 2


def test_a_session_that_was_ended_meanwhile_does_nothing(counter: Counter) -> None:
    counter.end_session()
    answer = counter.press()
    assert answer.status_code == 401 and "login" in answer.headers["HX-Redirect"]
    assert counter.waiting == 1


def test_nor_is_it_told_what_is_wrong_with_its_form(counter: Counter) -> None:
    assert counter.press(service=uuid4()).status_code == 404
    counter.end_session()
    assert counter.press(service=uuid4()).status_code == 401


def test_a_right_that_was_withdrawn_meanwhile_is_gone(counter: Counter) -> None:
    with counter.app.app_context(), tenant.of(counter.cast.organization_id):
        house, amina = system_actor(counter.cast.organization_id), counter.cast.people["amina"]
        identity.deny(house, amina.user_id, "visit.walk_in")
    assert counter.press().status_code == 403
    assert counter.waiting == 1


def test_in_a_house_that_changed_meanwhile_it_is_done_as_the_house_is_now(counter: Counter) -> None:
    topic = organization.topic(counter.cast.organization_id)
    counter.as_owner(ANOTHER_PROCESS_CHANGES_IT, topic=topic)
    assert counter.press().status_code == 200
    assert counter.waiting == 2
    with counter.asked() as asked:
        assert counter.press().status_code == 200
    assert len(asked) == 1, "what is remembered now is the house as it is"


def test_connections_that_postgresql_closed_meanwhile_are_not_noticed(counter: Counter) -> None:
    counter.as_owner(END_CONNECTIONS)
    try:
        assert counter.press().status_code == 200
        assert counter.waiting == 2
    finally:
        with counter.app.app_context():
            db.engine.dispose()  # whatever else of them is kept for the tests that follow


def test_once_a_minute_the_session_s_use_is_noted_all_the_same(counter: Counter) -> None:
    clock.shift(SEEN_EVERY)
    try:
        with counter.asked() as asked:
            assert counter.press().status_code == 200
    finally:
        clock.shift(timedelta(0))
    assert any(each.startswith("UPDATE identity.sessions") for each in asked)


def test_a_kept_list_that_is_looked_at_again_is_one_statement(counter: Counter) -> None:
    first = counter.browser.get("/visits", headers=HTMX)
    with counter.asked() as asked:
        again = counter.browser.get("/visits", headers=HTMX)
    assert again.text == first.text and "D-001" in first.text
    assert len(asked) == 1 and "identity.session_of" in asked[0]
    assert counter.views == 2


def test_of_a_session_that_was_ended_meanwhile_no_list_is_shown(counter: Counter) -> None:
    counter.browser.get("/visits", headers=HTMX)
    counter.end_session()
    answer = counter.browser.get("/visits", headers=HTMX)
    assert answer.status_code == 401 and "D-001" not in answer.text
    assert counter.views == 1


def test_what_is_not_the_usual_course_asks_first_who_it_is(counter: Counter) -> None:
    """Two presses of one doctor: the second finds the first one's patient called and not in yet."""
    browser = counter.app.test_client()
    with counter.app.app_context():
        sign_in(browser, counter.cast.people["salma"])
    first = browser.post("/doctor/next", data={"idempotency_key": str(uuid4())}, headers=HTMX)
    with counter.asked() as asked:
        second = browser.post("/doctor/next", data={"idempotency_key": str(uuid4())}, headers=HTMX)
    assert "called" in first.text and "is called and not in yet" in second.text
    assert "called AS" in asked[0] and "identity.session_of" in asked[1]


def test_nobody_is_lent_a_connection_before_it_is_proved_who_asks(committing: Flask) -> None:
    def prove() -> None:
        raise NotProved

    with committing.app_context(), tenant.of(tenant.NOBODY):
        tenant.enter_unproved(Unproved(uuid4(), {}, prove))
        with pytest.raises(NotProved):
            db.session.execute(text("SELECT 1"))
        with pytest.raises(NotProved):
            Statement("SELECT 1").first({})
        with pytest.raises(NotProved), db.engine.connect():
            pass
        with pytest.raises(NotProved), tenant.of(uuid4()):
            pass
        tenant.forget()


def test_a_statement_that_proves_nobody_can_t_be_made() -> None:
    with pytest.raises(TypeError, match="IS_WHO_ASKS"):
        identity.ProvingStatement("SELECT 1")
