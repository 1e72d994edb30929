"""A payment that completes, completes the visit that waited for it; early or twice is harmless."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from clinic_web.events.payments import PaymentCompleted
from clinic_web.kernel import delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.tables import Delivery
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.payments import api as payments
from clinic_web.reception.handlers import complete_paid_visit
from clinic_web.reception.models import Visit, VisitTransition
from clinic_web.reception.service import calling, finishing
from tests.reception.desk import Desk, pay


def deliver_all() -> None:
    for queue in db.session.scalars(select(Delivery.queue).distinct()).all():
        while delivery.deliver_next(queue):
            pass


def paid(desk: Desk, visit: Visit) -> PaymentCompleted:
    return PaymentCompleted(
        organization_id=desk.cast.organization_id,
        payment_id=uuid4(),
        patient_id=visit.patient_id,
        total_amount=Decimal("450.00"),
        currency="EGP",
        visit_id=visit.id,
    )


def test_who_pays_after_the_visit_completes_it(desk: Desk, pushed: list[str]) -> None:
    visit = desk.visit_in("PENDING_PAYMENT")
    pay(desk, visit)
    pushed.clear()
    deliver_all()
    assert desk.visit(visit.id).status == "COMPLETED"
    assert f"queue:{desk.cast.dental_queue}" in pushed


@pytest.mark.parametrize("way", ["refund", "void", "correct"])
def test_a_visit_that_waited_for_money_nobody_owes_any_more_completes(desk: Desk, way: str) -> None:
    visit = desk.visit_in("PENDING_PAYMENT")
    mona = desk.cast.people["mona"].actor
    owed = payments.owed_for_visits(mona, [visit.id])[visit.id]
    part = {"amount": Decimal(100), "method": "CASH"}
    if way == "void":
        payments.void(mona, owed.payment_id, "A colleague's child.")
    else:
        receipt = payments.take(mona, payment_id=owed.payment_id, key="part", **part)
        if way == "refund":
            payments.refund(mona, payment_id=owed.payment_id, reason="Not treated.", key="back", **part)
        else:
            wrong = {"transaction_id": receipt.transaction_id, "reason": "Wrong patient.", "key": "wrong"}
            payments.correct(mona, amount=Decimal(0), method="CASH", **wrong)
    deliver_all()

    assert desk.visit(visit.id).status == ("PENDING_PAYMENT" if way == "correct" else "COMPLETED")


def test_twice_told_is_once_done(desk: Desk) -> None:
    visit = desk.visit_in("PENDING_PAYMENT")
    for _ in range(2):
        with transaction():
            complete_paid_visit(paid(desk, visit))
    moves = select(func.count()).where(
        VisitTransition.visit_id == visit.id, VisitTransition.to_status == "COMPLETED"
    )
    assert db.session.scalar(moves) == 1


@pytest.mark.parametrize("state", ["SCHEDULED", "WAITING", "CALLED", "IN_PROGRESS", "ON_HOLD", "CANCELLED"])
def test_money_that_comes_before_the_finish_moves_nothing(desk: Desk, state: str) -> None:
    visit = desk.visit_in(state)
    with transaction():
        complete_paid_visit(paid(desk, visit))
    assert desk.visit(visit.id).version == visit.version


def test_a_payment_of_something_else_or_elsewhere_concerns_nobody_here(desk: Desk) -> None:
    visit = desk.visit_in("PENDING_PAYMENT")
    event = paid(desk, visit)
    with transaction():
        complete_paid_visit(replace(event, visit_id=None))
        complete_paid_visit(replace(event, visit_id=uuid4()))
        complete_paid_visit(replace(event, organization_id=desk.cast.other_organization_id))
    assert desk.visit(visit.id).status == "PENDING_PAYMENT"


def test_who_paid_before_a_doctor_was_known_leaves_the_share_to_the_one_who_saw_them(desk: Desk) -> None:
    visit = desk.visit(desk.walk_in(doctor_id=None).visit_id)
    pay(desk, visit)
    called = desk.next(desk.karim)
    assert called is not None
    calling.open_visit(desk.karim, visit.id, version=desk.visit(visit.id).version)
    finishing.finish(desk.karim, visit.id, version=desk.visit(visit.id).version)

    found = db.session.execute(
        text("SELECT doctor_id, doctor_share, unassigned_share FROM payments.payments WHERE visit_id = :id"),
        {"id": visit.id},
    ).one()
    assert tuple(found) == (desk.cast.karim, Decimal(270), Decimal(0))
    assert payments.disagreements(desk.cast.organization_id) == []
