"""A patient is told when an appointment is cancelled, or its session: once, in their language, in time."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from clinic_web.kernel import clock, delivery, jobs
from clinic_web.kernel.db import db
from clinic_web.notifications.models import Notification, RecordedMessage
from clinic_web.notifications.service import sending
from clinic_web.organization import api as organization
from clinic_web.reception.service import cancelling, sessions
from clinic_web.reception.service.booking import Booked
from clinic_web.reception.service.sessions import Session
from tests.reception.desk import Desk

LATER = timedelta(minutes=11)


@pytest.fixture(autouse=True)
def nobody_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are sent when a test says so."""
    monkeypatch.setattr(jobs, "enqueue", lambda name, *ids, job_id: True)


def deliver(*, without: UUID | None = None) -> None:
    """Tell notifications everything, twice; everybody has a telephone but one."""
    db.session.execute(
        text(
            "UPDATE patients.patients SET phone_primary = id, phone_digits = id"
            " WHERE id IS DISTINCT FROM CAST(:without AS uuid)"
        ),
        {"without": without},
    )
    for _ in range(2):
        db.session.execute(text("UPDATE kernel.deliveries SET state = 'DUE', attempts = 0"))
        db.session.commit()
        while delivery.deliver_next("notifications"):
            pass


def send(template: str) -> dict[UUID, tuple[str, str | None]]:
    """Send all of a kind and return the state of each, and why it was not sent, by patient."""
    wanted = select(Notification).where(Notification.template == template)
    for row in list(db.session.scalars(wanted)):
        for _ in range(2):
            sending.send(row.id)
    rows = db.session.scalars(wanted.execution_options(populate_existing=True))
    return {row.patient_id: (row.status, row.failure) for row in rows if row.patient_id}


def bodies(template: str) -> list[str]:
    wanted = select(RecordedMessage.body).join(
        Notification, Notification.id == RecordedMessage.notification_id
    )
    return list(db.session.scalars(wanted.where(Notification.template == template)))


def speaks(patient_id: UUID, language: str) -> None:
    change = text("UPDATE patients.patients SET language_preference = :language WHERE id = :id")
    db.session.execute(change, {"language": language, "id": patient_id})
    db.session.commit()


def patient_of(desk: Desk, booked: Booked) -> UUID:
    return desk.visit(booked.visit_id).patient_id


def cancelled(desk: Desk, at: datetime) -> UUID:
    booked = desk.book(at=at)
    cancelling.cancel_appointment(desk.amina, booked.appointment_id, "ill", version=1)
    return patient_of(desk, booked)


def close(desk: Desk) -> UUID:
    span = {"starts_at": desk.tomorrow(8), "ends_at": desk.tomorrow(18)}
    session = Session(clinic_id=desk.cast.dental, doctor_id=desk.cast.salma, **span)
    return sessions.cancel_session(desk.amina, session, "ill")


def test_who_is_cancelled_is_told_once_and_in_arabic_where_that_is_spoken(desk: Desk) -> None:
    hers, theirs = cancelled(desk, desk.tomorrow(9)), cancelled(desk, desk.tomorrow(10))
    speaks(hers, "ar")
    speaks(theirs, "en")
    deliver()
    assert send("booking_cancelled") == {hers: ("SENT", None), theirs: ("SENT", None)}
    english = [body for body in bodies("booking_cancelled") if "is cancelled" in body]
    assert len(bodies("booking_cancelled")) == 2 and "10:00" in "".join(bodies("booking_cancelled"))
    assert len(english) >= 1 and "ill" not in "".join(english).split(), "why is between the desk and the file"
    languages = select(Notification.patient_id, Notification.language).where(
        Notification.template == "booking_cancelled"
    )
    assert {row[0]: row[1] for row in db.session.execute(languages)} == {hers: "ar", theirs: "en"}


def test_no_message_about_what_is_past_or_to_who_has_no_telephone(desk: Desk) -> None:
    past, mute = cancelled(desk, desk.soon(1)), cancelled(desk, desk.tomorrow(10))
    deliver(without=mute)
    clock.shift(clock.offset() + timedelta(minutes=2))
    assert send("booking_cancelled") == {
        past: ("FAILED", "PAST"),
        mute: ("FAILED", "NO_ADDRESS"),
    }
    assert bodies("booking_cancelled") == []


def test_a_cancelled_session_is_told_to_all_who_are_still_expected_in_it(desk: Desk) -> None:
    stays, goes, other = (desk.book(at=desk.tomorrow(hour)) for hour in (9, 10, 19))
    leave_id = close(desk)
    deliver()
    cancelling.cancel_appointment(desk.amina, goes.appointment_id, "ill", version=1)
    clock.shift(clock.offset() + LATER)
    told = send("session_cancelled")
    assert told == {
        patient_of(desk, stays): ("SENT", None),
        patient_of(desk, goes): ("FAILED", "SETTLED"),
    }
    assert patient_of(desk, other) not in told
    (body,) = bodies("session_cancelled")
    assert "can not see you" in body
    assert leave_id


def test_a_session_that_takes_place_after_all_is_told_to_nobody(desk: Desk) -> None:
    expected = desk.book(at=desk.tomorrow(9))
    leave_id = close(desk)
    deliver()
    rows = db.session.scalars(select(Notification).where(Notification.template == "session_cancelled")).all()
    assert [row.due_at > clock.now() + timedelta(minutes=9) for row in rows] == [True], "time to settle it"
    organization.remove_leave(desk.amina, leave_id)
    clock.shift(clock.offset() + LATER)
    assert send("session_cancelled") == {patient_of(desk, expected): ("FAILED", "SETTLED")}
