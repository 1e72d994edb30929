"""Patients' messages through real mail servers: one that takes them, says later, says never, says nothing."""

from __future__ import annotations

import signal
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from clinic_web.events.orders import NotificationRequested
from clinic_web.kernel import bus, clock, delivery, failpoints, tenant
from clinic_web.kernel import jobs as kernel_jobs
from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications import channels, mail
from clinic_web.notifications.models import Notification
from clinic_web.notifications.service import sending
from clinic_web.notifications.service.queueing import job_of
from tests import apart, factories
from tests.cast import Cast, assemble
from tests.notifications.conftest import Post
from tests.post import Mailbox, asleep, open_for_business

ENQUEUE = kernel_jobs.enqueue  # ``post`` puts another in its place


def ready(post: Post, **fields: str) -> Notification:
    fields = {"email": "maryam@example.org"} | fields
    post.tell(NotificationRequested(**post.of_order(post.patient(**fields))))
    return post.row()


def test_who_has_an_address_gets_a_letter(post: Post, mailbox: Mailbox) -> None:
    row = ready(post)
    post.send()
    [letter] = mailbox.letters
    assert (letter["To"], letter["Subject"]) == ("maryam@example.org", "Your medicine is ready")
    assert letter["Message-ID"] == f"<{row.id}@example.org>" == post.row().external_id
    assert (post.row().notification_type, post.row().recipient) == ("EMAIL", "m…@example.org")
    assert post.bodies() == []


def several(post: Post, number: int) -> list[Notification]:
    for each in range(number):
        patient = post.patient(email=f"p{each}@example.org")
        post.tell(NotificationRequested(**post.of_order(patient)))
    return post.rows()


def test_while_messages_pile_up_one_job_sends_them_all(
    post: Post, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "GO_ON_FOR", 60.0)  # however busy the machine is
    first, *late = several(post, 4)
    broker().redis.delete("rq:queue:outside")
    for row in late:
        row.due_at = clock.now() - timedelta(minutes=1)
        ENQUEUE("notifications.send", str(row.id), job_id=job_of(row.id))
    db.session.commit()
    assert waiting_jobs() == 3
    sending.send_and_go_on(first.id)
    assert {row.status for row in post.rows()} == {"SENT"}
    assert len(mailbox.letters) == 4 and waiting_jobs() == 0


def test_what_is_not_late_waits_for_its_own_job(post: Post, mailbox: Mailbox) -> None:
    first, other = several(post, 2)
    sending.send_and_go_on(first.id)
    assert [row.status for row in post.rows() if row.id == other.id] == ["PENDING"]


def waiting_jobs() -> int:
    return int(broker().redis.llen("rq:queue:outside"))


def test_a_server_that_says_later_is_asked_again_and_at_last_given_up(post: Post, mailbox: Mailbox) -> None:
    ready(post)
    mailbox.refuses = "451 busy, maryam@example.org"
    for _ in range(5):
        sending.send(post.row().id)
    row = post.row()
    assert (row.status, row.retry_count, row.error_message) == ("PENDING", 5, "SMTP 451")
    for _ in range(2):
        post.send()
    row = post.row()
    assert (row.status, row.failure, row.retry_count) == ("FAILED", "GIVEN_UP", 6)
    assert post.tries() == [("LATER", "SMTP 451")] * 6
    assert post.answers() == [("notification.queued", None), ("notification.failed", "GIVEN_UP")]


def test_each_try_waits_longer(post: Post, mailbox: Mailbox) -> None:
    row = ready(post)
    mailbox.refuses = "451 busy"
    pauses = []
    for _ in range(3):
        sending.send(row.id)
        pauses.append(post.row().due_at - clock.now())
    assert [round(each.total_seconds() / 60) for each in pauses] == [1, 2, 4]
    mailbox.refuses = ""
    sending.send(row.id)
    assert (post.row().status, post.row().error_message, len(mailbox.letters)) == ("SENT", None, 1)


def test_a_server_that_says_never_is_not_asked_again(post: Post, mailbox: Mailbox) -> None:
    ready(post)
    mailbox.refuses = "550 no such mailbox maryam@example.org"
    post.send()
    row = post.row()
    assert (row.status, row.failure, row.error_message) == ("FAILED", "REFUSED", "SMTP 550")
    assert post.tries() == [("REFUSED", "SMTP 550")]
    assert post.answers()[1:] == [("notification.failed", "REFUSED")]


def test_a_server_that_hangs_holds_nobody_up(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "PATIENCE", 0.2)
    row = ready(post)
    with asleep() as smtp:
        channels.use("SMTP", smtp)
        sending.send(row.id)
        channels.use("SMTP", None)
    assert (post.row().status, post.row().retry_count, post.row().claimed_until) == ("PENDING", 1, None)
    assert [outcome for outcome, _ in post.tries()] == ["LATER"]


def test_one_message_is_in_one_hand(post: Post, mailbox: Mailbox) -> None:
    row = ready(post)
    assert sending._claim(row.id)
    sending.send(row.id)
    sending.sweep()
    assert mailbox.letters == [] and post.tries() == []
    post.wait(sending.CLAIM + timedelta(seconds=1))
    sending.send(row.id)
    assert len(mailbox.letters) == 1 and post.tries() == [("LOST", None), ("SENT", None)]


def test_what_broke_off_after_the_recording_is_recorded_once(post: Post) -> None:
    post.tell(NotificationRequested(**post.of_order(post.patient())))
    failpoints.arm("notifications.delivered", "raise")
    with pytest.raises(failpoints.FailpointReached):
        sending.send(post.row().id)
    failpoints.disarm()
    db.session.rollback()
    assert len(post.bodies()) == 1 and post.row().status == "PENDING"
    post.wait(sending.CLAIM + timedelta(seconds=1))
    post.send()
    assert len(post.bodies()) == 1 and post.tries() == [("LOST", None), ("SENT", None)]


@pytest.mark.slow
def test_a_worker_killed_after_it_sent_doubles_nothing(committing: Flask) -> None:
    with committing.app_context(), open_for_business() as (box, smtp):
        channels.use("SMTP", smtp)
        cast = assemble()
        row_id = _ready_for_real(cast)
        db.session.remove()

        def send() -> None:
            with tenant.of(cast.organization_id):
                sending.send(row_id)

        killed = apart.run(committing, send, "notifications.delivered=kill")
        assert killed.code == -signal.SIGKILL
        with tenant.of(cast.organization_id):
            clock.shift(sending.CLAIM + timedelta(seconds=1))
            sending.send(row_id)
            clock.shift(timedelta())
            row = db.session.get(Notification, row_id)
            assert row and (row.status, row.retry_count) == ("SENT", 1)
        channels.use("SMTP", None)
        # It may have got there twice; a mailbox shows two letters with one Message-ID once.
        assert len({letter["Message-ID"] for letter in box.letters}) == 1


def _ready_for_real(cast: Cast) -> UUID:
    with transaction():
        patient = factories.patient(organization_id=cast.organization_id, email="maryam@example.org")
        order = Post(cast).of_order(patient)
        assert cast.system
        bus.publish(NotificationRequested(**order), cast.system)
    delivery.drain("notifications")
    row_id = db.session.scalar(select(Notification.id))
    assert row_id
    return row_id
