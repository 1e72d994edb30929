"""The usual press is one statement; what it leaves is what the long way leaves (docs/adr/0010)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.organization.models import StaffClinic
from clinic_web.reception.models import Queue
from clinic_web.reception.models.queues import POLICIES
from clinic_web.reception.service import calling, checking_in, finishing
from tests.reception.conftest import keep_in_process
from tests.reception.desk import Desk

# What presses leave behind, without what differs from press to press: ids, moments, places in a sequence.
LEFT = (
    """SELECT status, attending_id, room_id, times_called, version, updated_by, created_by, doctor_id,
              visit_type, queue_day, queue_id, check_in_time IS NULL, called_at IS NULL, priority_rank
         FROM reception.visits WHERE id = :visit""",
    """SELECT from_status, to_status, room_id, by_user_id, finished_visit_id, reason
         FROM reception.visit_transitions WHERE visit_id = :visit ORDER BY sequence_number""",
    """SELECT organization_id, event_type, aggregate_type, aggregate_id = :visit, user_id,
              (SELECT array_agg(name ORDER BY name) FROM jsonb_object_keys(event_data) AS name),
              event_data - ARRAY['visit_id', 'patient_id', 'payment_id', 'ticket']
         FROM kernel.domain_events WHERE event_data->>'visit_id' = CAST(:visit AS text)
        ORDER BY sequence_number""",
    """SELECT d.consumer, d.queue, d.state
         FROM kernel.deliveries d JOIN kernel.domain_events e ON e.id = d.event_id
        WHERE event_data->>'visit_id' = CAST(:visit AS text) ORDER BY 1""",
    """SELECT organization_id, user_id, action, resource_type, result, ip_address, user_agent, metadata
         FROM audit.access_logs WHERE resource_id = :visit ORDER BY accessed_at, action""",
    """SELECT k.action, k.user_id, length(k.fingerprint),
              (SELECT array_agg(name ORDER BY name) FROM jsonb_each(k.answer) AS e(name, value)
                WHERE value <> 'null'::jsonb AND value <> 'false'::jsonb AND name <> 'version')
         FROM kernel.idempotency_keys k WHERE k.answer->>'visit_id' = CAST(:visit AS text) ORDER BY 1""",
    """SELECT clinic_id, doctor_id, service_id, currency, total_amount, share_percent, share_rule_version,
              status, ticket IS NULL, due_at = opened_at, created_by, paid_at IS NULL, patient_id IS NULL
         FROM payments.payments WHERE visit_id = :visit""",
    "SELECT state, queue_id, day FROM reception.queue_numbers WHERE visit_id = :visit",
)


def left_of(visit_id: UUID) -> list[list[Any]]:
    db.session.commit()
    return [list(map(tuple, db.session.execute(text(sql), {"visit": visit_id}))) for sql in LEFT]


@pytest.fixture
def pressing(
    pushed: list[str], count_queries: Any
) -> Callable[[Callable[[], Any]], tuple[Any, int, list[str]]]:
    """Press; return the answer, how many statements it took, and whom it told."""

    def press(act: Callable[[], Any]) -> tuple[Any, int, list[str]]:
        pushed.clear()
        with count_queries() as statements:
            answer = act()
        return answer, len(statements), sorted(pushed)

    return press


def works_in_another_clinic_too(desk: Desk, doctor_id: UUID) -> None:
    db.session.add(StaffClinic(staff_id=doctor_id, clinic_id=desk.cast.eye))
    db.session.commit()
    keep_in_process(desk.cast)


def a_change_elsewhere(desk: Desk) -> None:
    """Another process has changed the organization; this one has not looked again yet."""
    topic = organization.topic(desk.cast.organization_id)
    db.session.execute(text("UPDATE kernel.streams SET seq = seq + 1 WHERE topic = :topic"), {"topic": topic})
    db.session.commit()


def test_a_call_leaves_the_same_either_way(desk: Desk, pressing: Any) -> None:
    for _ in range(3):
        desk.walk_in()
    desk.next(desk.karim)  # the process knows the day's hours from here on
    usual, one, told = pressing(desk.next)
    left = left_of(usual.visit_id)
    opened = calling.open_visit(desk.salma, usual.visit_id, version=usual.version)
    finishing.finish(desk.salma, opened.visit_id, version=opened.version)
    works_in_another_clinic_too(desk, desk.cast.salma)
    long, many, told_too = pressing(desk.next)
    assert one == 1 < many
    assert told == told_too
    assert left == left_of(long.visit_id)


def test_a_walk_in_leaves_the_same_either_way(desk: Desk, pressing: Any) -> None:
    first, second = desk.patient(), desk.patient()
    desk.walk_in()  # the process knows the clinic from here on
    usual, one, told = pressing(lambda: desk.walk_in(patient_id=first, doctor_id=desk.cast.salma))
    left = left_of(usual.visit_id)
    a_change_elsewhere(desk)
    long, many, told_too = pressing(lambda: desk.walk_in(patient_id=second, doctor_id=desk.cast.salma))
    assert one == 1 < many
    assert told == told_too
    assert left == left_of(long.visit_id)


@pytest.mark.parametrize("policy", POLICIES)
def test_both_ways_agree_on_who_is_next(desk: Desk, policy: str) -> None:
    db.session.get_one(Queue, desk.cast.dental_queue).policy = policy
    db.session.commit()
    for number in range(6):
        opened = desk.walk_in(doctor_id=[None, desk.cast.salma, desk.cast.karim][number % 3])
        if number == 3:
            checking_in.prioritise(desk.amina, opened.visit_id, "CHILD", "a child", version=opened.version)
    soon = desk.book(at=desk.soon(5))
    checking_in.check_in(desk.amina, soon.visit_id, version=soon.version)
    usual = _order(desk)
    works_in_another_clinic_too(desk, desk.cast.salma)
    assert usual == _order(desk) and len(usual) == 5


def _order(desk: Desk) -> list[UUID]:
    """Call and hold until nobody waits for Salma; then let everybody wait again."""
    aside = text("UPDATE reception.visits SET status = 'ON_HOLD' WHERE id = :id")
    called = []
    while now := desk.next():
        called.append(now.visit_id)
        db.session.execute(aside, {"id": now.visit_id})
        db.session.commit()
    again = "UPDATE reception.visits SET status = 'WAITING', attending_id = NULL WHERE status = 'ON_HOLD'"
    db.session.execute(text(again))
    db.session.commit()
    return called
