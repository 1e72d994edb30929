"""Patients hear of each thing once, in their language; who asked for a message hears what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from clinic_web.events.billing import BillVoided
from clinic_web.events.lab import LabRescheduled
from clinic_web.events.orders import NotificationRequested, OrderCancelled, OrderFailed
from clinic_web.events.payments import PaymentCompleted, PaymentReceived, PaymentRefunded
from clinic_web.events.reception import VisitCalled, VisitNext
from clinic_web.kernel import bus, clock, delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications.models import NotificationPreference
from tests.notifications.conftest import Post


def test_medicine_that_is_ready_is_told_once_however_often_it_is_asked(post: Post) -> None:
    asked = NotificationRequested(**post.of_order(post.patient()))
    post.tell(asked)
    post.tell(asked)
    assert post.answers() == [("notification.queued", None)] * 2, "asked again, answered again"
    row = post.row()
    assert (row.template, row.status, row.reference_type, row.reference_id) == (
        "medicine_ready",
        "PENDING",
        "order",
        asked.order_id,
    )
    post.send()
    assert post.bodies() == [
        "North Garden Medical Centre: your medicine is ready at the pharmacy."
        " Please bring your identity card."
    ]
    row = post.row()
    assert (row.status, row.notification_type, row.recipient, row.retry_count) == ("SENT", "SMS", "…567", 0)
    assert row.external_id == str(row.id) and row.message == post.bodies()[0]
    assert post.tries() == [("SENT", None)]
    assert len(post.answers()) == 2


def test_the_handler_of_an_order_is_one_statement(post: Post, count_queries: Callable[[], Any]) -> None:
    asked = NotificationRequested(**post.of_order(post.patient()))
    assert post.cast.system
    with transaction():
        bus.publish(asked, post.cast.system)
    with count_queries() as statements:
        delivery.deliver_next("notifications")
    work = [each for each in statements if "set_config" not in each]
    assert len(work) <= 5, "at most: claim, dedupe, the message, what is told, done"


def test_the_laboratory_says_when_and_when_it_moved(post: Post) -> None:
    patient = post.patient(language_preference="ar")
    order = post.of_order(patient, "LAB")
    tomorrow = (clock.now() + timedelta(days=1)).replace(hour=8, minute=30)
    post.tell(NotificationRequested(**order, starts_at=tomorrow))
    post.send()
    order.pop("order_type")
    for hours in (2, 4):
        post.tell(LabRescheduled(**order, move_id=new_id(), starts_at=tomorrow + timedelta(hours=hours)))
    post.send()
    assert [row.template for row in post.rows()] == ["lab_time", "lab_moved", "lab_moved"]
    assert {row.language for row in post.rows()} == {"ar"}
    local = clock.local(tomorrow, "Africa/Cairo")
    expected = f"{local:%H:%M}".translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert expected in post.bodies()[0] and len(set(post.bodies())) == 3


def test_nobody_can_be_reached_is_told_once(post: Post) -> None:
    asked = NotificationRequested(**post.of_order(post.patient(phone_primary=None)))
    post.tell(asked)
    post.send()
    assert post.answers() == [("notification.queued", None), ("notification.failed", "NO_ADDRESS")]
    row = post.row()
    assert (row.status, row.failure, post.bodies(), post.tries()) == ("FAILED", "NO_ADDRESS", [], [])
    post.tell(asked)
    assert post.answers()[2:] == [("notification.failed", "NO_ADDRESS")]


@pytest.mark.parametrize(
    ("reason", "said"), [("SHORT", "not everything is in stock"), ("NO_PRICE", "something went wrong")]
)
def test_what_failed_and_what_happens_now(post: Post, reason: str, said: str) -> None:
    order = post.of_order(post.patient(), doctor_id=post.cast.salma)
    post.tell(OrderFailed(**order, step="RESERVE", reason=reason))
    post.send()
    [body] = post.bodies()
    assert said in body and "decides what happens now" in body
    assert post.answers() == []


def test_a_cancelled_order(post: Post) -> None:
    post.tell(OrderCancelled(**post.of_order(post.patient(), "LAB", doctor_id=post.cast.salma)))
    post.send()
    assert post.row().template == "lab_cancelled" and "are cancelled" in post.bodies()[0]


def test_each_movement_of_money_is_one_message(post: Post) -> None:
    patient, money = post.patient(), {"payment_id": new_id(), "currency": "EGP"}
    house = {"organization_id": post.cast.organization_id, "patient_id": patient}
    moved = {**house, **money, "method": "CASH"}
    first, second = new_id(), new_id()
    post.tell(
        PaymentReceived(**moved, transaction_id=first, amount=Decimal("1400.50")),
        PaymentCompleted(**house, **money, total_amount=Decimal("1400.50")),
        PaymentRefunded(
            **moved, transaction_id=second, amount=Decimal("1400.50"), is_whole=True, corrects_id=first
        ),
        PaymentRefunded(**moved, transaction_id=new_id(), amount=Decimal(20), is_whole=False),
    )
    bill = {"facility_id": post.cast.facility_id, "invoice_id": new_id(), "payment_id": new_id()}
    for due in (Decimal(0), Decimal(30)):
        bill["invoice_id"] = new_id()
        post.tell(BillVoided(**house, **bill, refund_due=due, currency="EGP"))
    post.send()
    assert [row.template for row in post.rows()] == ["receipt", "receipt_corrected", "refund", "refund_due"]
    assert post.bodies()[0] == "North Garden Medical Centre: we received 1,400.50 EGP from you. Thank you."


def test_soon_and_now_are_told_while_they_help(post: Post) -> None:
    patient, other = post.patient(), post.patient(phone_primary="0100 765 4321")
    house = {"organization_id": post.cast.organization_id, "clinic_id": post.cast.dental}
    visit = {**house, "visit_id": new_id(), "patient_id": patient, "ticket": "D-034"}
    post.tell(
        VisitNext(**visit, before=3),
        VisitNext(**visit, before=1),
        VisitCalled(**visit, room_id=post.cast.room),
        VisitCalled(**house, visit_id=new_id(), patient_id=other, ticket="D-035", room_id=None),
    )
    mine, soon = [row for row in post.rows() if row.patient_id == patient], post.rows()[0]
    assert [row.template for row in mine] == ["visit_next", "visit_called"]
    post.send()
    assert "Before you: 3. Your number is D-034" in post.bodies()[0]
    assert any("Number D-034, room 3." in body for body in post.bodies())
    late = VisitNext(**house, visit_id=new_id(), patient_id=patient, ticket="D-036", before=2)
    post.tell(late)
    post.wait(timedelta(minutes=21))
    post.send()
    assert soon.status == "SENT" and (post.rows()[-1].status, post.rows()[-1].failure) == ("FAILED", "PAST")


def wish(post: Post, patient_id: Any, **wishes: Any) -> None:
    with transaction():
        db.session.add(
            NotificationPreference(organization_id=post.cast.organization_id, patient_id=patient_id, **wishes)
        )


def test_who_does_not_want_to_hear_of_money_does_not(post: Post) -> None:
    patient = post.patient()
    wish(post, patient, off=["MONEY"])
    house = {"organization_id": post.cast.organization_id, "patient_id": patient, "payment_id": new_id()}
    cash = {"amount": Decimal(20), "currency": "EGP", "method": "CASH"}
    post.tell(PaymentReceived(**house, **cash, transaction_id=new_id()))
    post.tell(NotificationRequested(**post.of_order(patient)))
    post.send()
    assert [(row.status, row.failure) for row in post.rows()] == [("FAILED", "UNWANTED"), ("SENT", None)]


def test_who_sleeps_is_told_in_the_morning(post: Post) -> None:
    patient = post.patient()
    now = clock.local(clock.now(), "Africa/Cairo")
    until = (now + timedelta(hours=2)).time().replace(second=0, microsecond=0)
    wish(post, patient, quiet_from=(now - timedelta(hours=2)).time(), quiet_until=until)
    post.tell(NotificationRequested(**post.of_order(patient)))
    post.send()
    row = post.row()
    assert row.status == "PENDING" and row.due_at > clock.now() + timedelta(minutes=100)
    post.wait(timedelta(hours=2, minutes=1))
    post.send()
    assert post.row().status == "SENT"
