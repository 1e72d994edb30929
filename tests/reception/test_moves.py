"""Every move of a visit: from each state the allowed ones happen, all others are refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.tables import DomainEvent
from clinic_web.reception.models import Appointment, VisitTransition
from clinic_web.reception.models.visits import IS_NOW, STATUSES
from clinic_web.reception.models.visits import MOVES as ALLOWED_MOVES
from clinic_web.reception.service import calling, cancelling, checking_in, finishing, holding
from tests.reception.desk import Desk

Move = Callable[[Desk, UUID, int], Any]

MOVES: dict[str, Move] = {
    "check_in": lambda desk, id, v: checking_in.check_in(desk.amina, id, version=v),
    "undo_check_in": lambda desk, id, v: checking_in.undo_check_in(desk.amina, id, version=v),
    "prioritise": lambda desk, id, v: checking_in.prioritise(desk.amina, id, "ELDERLY", "82", version=v),
    "call": lambda desk, id, v: calling.call(replace(desk.salma, staff_id=desk.cast.karim), id, version=v),
    "call_again": lambda desk, id, v: calling.call_again(desk.salma, id, version=v),
    "open": lambda desk, id, v: calling.open_visit(desk.salma, id, version=v),
    "send_back": lambda desk, id, v: calling.send_back(desk.salma, id, version=v),
    "undo_call": lambda desk, id, v: calling.undo_call(desk.salma, id, version=v),
    "hold": lambda desk, id, v: holding.hold(desk.amina, id, "X-ray", version=v),
    "resume": lambda desk, id, v: holding.resume(desk.amina, id, version=v),
    "miss": lambda desk, id, v: holding.miss(desk.amina, id, version=v),
    "came_after_all": lambda desk, id, v: holding.came_after_all(desk.amina, id, version=v),
    "finish": lambda desk, id, v: finishing.finish(desk.salma, id, version=v),
    "undo_finish": lambda desk, id, v: finishing.undo_finish(desk.salma, id, version=v),
    "cancel": lambda desk, id, v: cancelling.cancel_visit(desk.amina, id, "ill", version=v),
}

# What each move leads to, from each state in which it is allowed.
ALLOWED: dict[str, dict[str, str]] = {
    "check_in": {"SCHEDULED": "WAITING"},
    "undo_check_in": {"WAITING": "SCHEDULED"},
    "prioritise": {"SCHEDULED": "SCHEDULED", "WAITING": "WAITING", "ON_HOLD": "ON_HOLD"},
    "call": {"WAITING": "CALLED"},
    "call_again": {"CALLED": "CALLED"},
    "open": {"CALLED": "IN_PROGRESS"},
    "send_back": {"CALLED": "WAITING"},
    "undo_call": {"CALLED": "WAITING"},
    "hold": {"WAITING": "ON_HOLD", "CALLED": "ON_HOLD"},
    "resume": {"ON_HOLD": "WAITING"},
    "miss": {"SCHEDULED": "NO_SHOW", "CALLED": "NO_SHOW"},
    "came_after_all": {"NO_SHOW": "WAITING"},
    "finish": {"IN_PROGRESS": "PENDING_PAYMENT"},
    "undo_finish": {"PENDING_PAYMENT": "IN_PROGRESS"},
    "cancel": dict.fromkeys(("SCHEDULED", "WAITING", "CALLED", "ON_HOLD"), "CANCELLED"),
}


@pytest.mark.parametrize("state", STATUSES)
def test_from_each_state_only_the_allowed_moves_happen(desk: Desk, state: str) -> None:
    for name, move in MOVES.items():
        visit = desk.visit_in(state)
        visit_id, version = visit.id, visit.version
        if state in ALLOWED[name]:
            assert _status(move(desk, visit_id, version), desk, visit_id) == ALLOWED[name][state], name
        else:
            with pytest.raises(StaleScreen) as refused:
                move(desk, visit_id, version)
            assert refused.value.sentence == IS_NOW[state], name
            assert desk.visit(visit_id).version == version, name
        _leave(desk, visit_id)


def test_every_move_stands_in_the_table_of_moves_and_every_entry_has_its_move() -> None:
    """Also those that one SQL statement makes, without asking the table."""
    made = {(before, after) for ends in ALLOWED.values() for before, after in ends.items() if before != after}
    made -= {("CALLED", "ON_HOLD")}  # two moves: by way of WAITING
    made |= {("IN_PROGRESS", "COMPLETED"), ("PENDING_PAYMENT", "COMPLETED")}  # when it is paid
    assert made == {(before, after) for before, ends in ALLOWED_MOVES.items() for after in ends}


def test_a_screen_that_is_behind_is_refused_and_told_how_it_stands(desk: Desk) -> None:
    for name, move in MOVES.items():
        state = next(iter(ALLOWED[name]))
        visit = desk.visit_in(state)
        with pytest.raises(StaleScreen) as refused:
            move(desk, visit.id, visit.version - 1)
        assert refused.value.sentence == IS_NOW[state], name
        assert refused.value.values["at"] is not None
        _leave(desk, visit.id)


def test_for_another_tenant_the_visit_does_not_exist(desk: Desk) -> None:
    staff_elsewhere = replace(desk.omar, staff_id=desk.cast.salma)
    for name, move in MOVES.items():
        visit = desk.visit_in(next(iter(ALLOWED[name])))
        amina, salma, desk.amina, desk.salma = desk.amina, desk.salma, desk.omar, staff_elsewhere
        with pytest.raises(NotFound if name != "call" else (NotFound, RuleBroken)):
            move(desk, visit.id, visit.version)
        desk.amina, desk.salma = amina, salma
        assert desk.visit(visit.id).version == visit.version, name
        _leave(desk, visit.id)


def test_each_move_leaves_one_witness_that_says_who_when_from_to(desk: Desk) -> None:
    visit = desk.visit_in("PENDING_PAYMENT")
    moves = db.session.scalars(
        select(VisitTransition)
        .where(VisitTransition.visit_id == visit.id)
        .order_by(VisitTransition.sequence_number)
    ).all()
    assert [(move.from_status, move.to_status) for move in moves] == [
        (None, "SCHEDULED"),
        ("SCHEDULED", "WAITING"),
        ("WAITING", "CALLED"),
        ("CALLED", "IN_PROGRESS"),
        ("IN_PROGRESS", "PENDING_PAYMENT"),
    ]
    assert [move.by_user_id for move in moves] == [desk.amina.user_id] * 2 + [desk.salma.user_id] * 3
    assert moves[2].room_id == desk.cast.room


def test_each_move_tells_the_desk_and_the_wall(desk: Desk, pushed: list[str]) -> None:
    visit = desk.visit_in("WAITING")
    pushed.clear()
    holding.hold(desk.amina, visit.id, "X-ray", version=visit.version)
    assert f"queue:{desk.cast.dental_queue}" in pushed


def test_a_hold_of_a_called_patient_is_two_moves(desk: Desk) -> None:
    visit = desk.visit_in("CALLED")
    holding.hold(desk.salma, visit.id, "needs an X-ray", version=visit.version)
    visit = desk.visit(visit.id)
    assert (visit.status, visit.hold_reason, visit.attending_id) == ("ON_HOLD", "needs an X-ray", None)
    assert _last_moves(visit.id, 2) == [("CALLED", "WAITING"), ("WAITING", "ON_HOLD")]


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_hold_and_a_cancellation_need_a_reason(desk: Desk, reason: str) -> None:
    visit = desk.visit_in("WAITING")
    for act in (holding.hold, cancelling.cancel_visit):
        with pytest.raises(RuleBroken) as refused:
            act(desk.amina, visit.id, reason, version=visit.version)
        assert refused.value.field == "reason"


def test_priority_needs_a_known_kind_and_a_reason(desk: Desk) -> None:
    visit = desk.visit_in("WAITING")
    for priority, reason, field in (("VIP", "rich", "priority"), ("EMERGENCY", " ", "priority_reason")):
        with pytest.raises(RuleBroken) as refused:
            checking_in.prioritise(desk.amina, visit.id, priority, reason, version=visit.version)
        assert refused.value.field == field


def test_priority_can_be_taken_away(desk: Desk) -> None:
    visit = desk.visit_in("WAITING")
    first = checking_in.prioritise(desk.amina, visit.id, "ELDERLY", "82 years", version=visit.version)
    assert desk.visit(visit.id).priority_rank == 30
    checking_in.prioritise(desk.amina, visit.id, None, None, version=first.version)
    visit = desk.visit(visit.id)
    assert (visit.priority, visit.priority_rank, visit.priority_reason) == (None, 0, None)


def test_moves_of_the_visit_are_told_to_the_other_modules(desk: Desk) -> None:
    visit = desk.visit_in("COMPLETED")
    told = db.session.scalars(
        select(DomainEvent.event_type)
        .where(DomainEvent.aggregate_id == visit.id)
        .order_by(DomainEvent.sequence_number)
    ).all()
    assert told == [
        "visit.checked_in",
        "visit.called",
        "visit.started",
        "visit.finished",
        "visit.completed",
    ]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("SCHEDULED", "CONFIRMED"),
        ("WAITING", "CHECKED_IN"),
        ("IN_PROGRESS", "CHECKED_IN"),
        ("PENDING_PAYMENT", "COMPLETED"),
        ("COMPLETED", "COMPLETED"),
        ("NO_SHOW", "NO_SHOW"),
        ("CANCELLED", "CANCELLED"),
    ],
)
def test_the_appointment_follows_its_visit(desk: Desk, state: str, expected: str) -> None:
    visit = desk.visit_in(state)
    assert db.session.get_one(Appointment, visit.appointment_id).status == expected


def _status(answer: Any, desk: Desk, visit_id: UUID) -> str:
    status = desk.visit(visit_id).status
    assert getattr(answer, "status", status) == status
    assert answer.version == desk.visit(visit_id).version
    return status


def _leave(desk: Desk, visit_id: UUID) -> None:
    """Make room for the next visit of the test: nobody is with the doctors and the slot is free again."""
    visit = desk.visit(visit_id)
    if visit.appointment_id:
        db.session.get_one(Appointment, visit.appointment_id).is_overbooking = True
        db.session.get_one(Appointment, visit.appointment_id).overbooking_reason = "test"
    visit.attending_id = None
    db.session.commit()


def _last_moves(visit_id: UUID, count: int) -> list[tuple[str | None, str]]:
    rows = db.session.execute(
        select(VisitTransition.from_status, VisitTransition.to_status)
        .where(VisitTransition.visit_id == visit_id)
        .order_by(VisitTransition.sequence_number.desc())
        .limit(count)
    )
    return [(before, after) for before, after in rows][::-1]
