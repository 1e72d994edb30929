"""Call patients in: the next one, a particular one, again; and take a wrong call back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.reception import VisitCalled, VisitStarted
from clinic_web.kernel import at_once, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, Busy, RuleBroken, StaleScreen
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, single_statement, transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import StaffInfo
from clinic_web.reception.access import visit_for
from clinic_web.reception.models.visits import CALLED, ONE_WITH_THE_DOCTOR, WAITING, StaleVisit
from clinic_web.reception.service import answers
from clinic_web.reception.service.finishing import back_into_the_room, end_consultation
from clinic_web.reception.service.moves import Moved, moved, moving, publish, tell_line
from clinic_web.reception.service.rooms import room_of
from clinic_web.reception.service.statements import (
    CALL_NEXT,
    CALL_NEXT_AT_ONCE,
    CALL_THIS,
    FINISHED_BY_CALL,
    SOMEBODY_WAITS,
    WITH_ME,
)

T = TypeVar("T")

CALL = "visit.call_next"

# How long to leave the last of a line to a colleague before looking again, in seconds: 1.5 in all, less than
# a second press of the same key waits for this one's answer (`lock_timeout`).
PAUSES = (0.01, 0.02, 0.04, 0.08, 0.15, 0.2, 0.4, 0.6)


@dataclass(frozen=True, kw_only=True)
class Called:
    """Who is called now. ``finished_ticket`` is the patient whom the same press finished, if there was one.

    ``was_called_already``: nobody new was called, because this patient is called and not in yet.
    ``version`` is the called visit's.
    """

    visit_id: UUID
    ticket: str | None
    patient_id: UUID
    room_id: UUID | None
    queue_id: UUID
    version: int
    finished_ticket: str | None = None
    finished_visit_id: UUID | None = None
    was_called_already: bool = False


def call_next(actor: Actor, *, key: str) -> Called | None:
    """Finish the patient in my room and call exactly one next: priority first, then the queue's policy.

    None: nobody waits for me (the patient in the room is finished nevertheless; see ``finishing.finish``).
    Somebody whom I called and who is not in yet is returned again: a nervous thumb skips nobody.
    Raises RuleBroken (422) when the actor is not a member of staff, BadRequest (400: no key).
    """
    doctor = _doctor(actor)
    return _despite_another_tab(lambda: _call_next(actor, doctor, key))


def call(actor: Actor, visit_id: UUID, *, version: int) -> Called:
    """Call a particular WAITING patient; the one in my room is finished first, as with ``call_next``.

    Raises StaleScreen (409), also when somebody else whom I called is not in yet; NotFound, RuleBroken.
    """
    doctor = _doctor(actor)
    return _despite_another_tab(lambda: _call_this(actor, doctor, visit_id, version))


def call_again(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """Announce a CALLED patient once more (``times_called``); the board shows it as new."""
    with moving(actor, visit_id, version) as visit:
        visit.announce_again()
        publish(actor, VisitCalled, visit)
        return moved(actor, "visit.call_again", visit)


def open_visit(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """CALLED → IN_PROGRESS: the patient is in the room."""
    with moving(actor, visit_id, version) as visit:
        witness = visit.open()
        publish(actor, VisitStarted, visit)
        return moved(actor, "visit.open", visit, witness)


def send_back(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """CALLED → WAITING, at the old place in the line."""
    with moving(actor, visit_id, version) as visit:
        return moved(actor, "visit.send_back", visit, visit.send_back())


def undo_call(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """CALLED → WAITING, and the patient whom that call finished (PENDING_PAYMENT) is IN_PROGRESS again.

    One who was COMPLETED by that call (paid) stays completed.
    """
    with moving(actor, visit_id, version) as visit:
        finished_id = _finished_by_call(visit.id)
        back = moved(actor, "visit.undo_call", visit, visit.take_back_call())
        if finished_id is not None:  # only now: a doctor has one patient at a time
            back_into_the_room(actor, finished_id)
        return back


def _call_next(actor: Actor, doctor: StaffInfo, key: str) -> Called | None:
    called = _call_at_once(actor, doctor, key)
    if called is not None:
        return called
    with transaction():
        claim = idempotency.claim(actor, CALL, key, {})
        if claim.is_repetition:
            return answers.again(Called, claim) if claim.answer else None
        called = _finish_and_take(actor, doctor)
        failpoint("call_next.before_commit")
        if called is None:
            claim.keep({})
        else:
            answers.keep(claim, called)
        return called


def _call_at_once(actor: Actor, doctor: StaffInfo, key: str) -> Called | None:
    """The usual call, in one statement; None when the press needs the long way, which also says why."""
    press = idempotency.press(actor, CALL, key, {})
    if len(doctor.clinic_ids) != 1:
        return None
    values = _values(actor, doctor, None)
    values |= {"clinic_id": next(iter(doctor.clinic_ids))}
    values |= at_once.values(actor, press, VisitCalled) | audit.witness_values(actor)
    with single_statement():
        row = CALL_NEXT_AT_ONCE.first(values)
        if row is None:
            return None
        at_once.recorded(row.moved, VisitCalled)
        return _called(row)


def _finish_and_take(actor: Actor, doctor: StaffInfo) -> Called | None:
    with_me = _with_me(actor)
    if with_me is not None and with_me.status == CALLED:
        return _called(with_me, was_called_already=True)
    if with_me is not None:
        end_consultation(actor, with_me)
    return _take_next(actor, doctor, finished=with_me)


def _call_this(actor: Actor, doctor: StaffInfo, visit_id: UUID, version: int) -> Called:
    with transaction():
        with_me = _with_me(actor)
        visit = visit_for(actor, visit_id, lock=True)
        visit.require_version(version)
        if visit.status != WAITING:
            raise StaleVisit(visit)
        if with_me is not None and with_me.status == CALLED:
            raise StaleScreen(N_("%(ticket)s is called and not in yet."), ticket=with_me.ticket or "–")
        if with_me is not None:
            end_consultation(actor, with_me)
        values = _values(actor, doctor, with_me, clinic_id=visit.clinic_id)
        row = CALL_THIS.first(values | {"visit_id": visit.id})
        return _tell_called(actor, row, with_me)


def _despite_another_tab(use_case: Callable[[], T]) -> T:
    """Run it once more if another tab of the same doctor called somebody at the same instant.

    A unique index decides such a race; the one who lost looks again and finds that patient called.
    """
    try:
        return use_case()
    except IntegrityError as error:
        if constraint_of(error) not in (ONE_WITH_THE_DOCTOR, idempotency.ALREADY_PRESSED):
            raise
    return use_case()


def _finished_by_call(visit_id: UUID) -> UUID | None:
    row = FINISHED_BY_CALL.first({"visit_id": visit_id})
    return row.finished_visit_id if row else None


def _doctor(actor: Actor) -> StaffInfo:
    staff = organization.directory(actor.organization_id).staff
    if actor.staff_id is None or actor.staff_id not in staff:
        raise RuleBroken(N_("Only somebody who sees patients can call them in."))
    return staff[actor.staff_id]


def _with_me(actor: Actor) -> Any:
    """Return, locked, the patient whom the actor has called or has in the room."""
    return WITH_ME.first({"doctor_id": actor.staff_id, "organization_id": actor.organization_id})


def _take_next(actor: Actor, doctor: StaffInfo, *, finished: Any) -> Called | None:
    """Call whose turn it is. Those whom colleagues are taking this instant are passed over; only when nobody
    else is left do we look again, because a colleague may yet let one go."""
    values = _values(actor, doctor, finished) | {"rooms": _rooms(actor, doctor)}
    row = CALL_NEXT.first(values) or _look_again(values)
    return None if row is None else _tell_called(actor, row, finished)


def _look_again(values: dict[str, Any]) -> Any:
    """Look for the last of the line until they are taken or free; never wait on their rows.

    A row that was called since our statement began stays locked by us until we commit, although we pass it
    over (PostgreSQL locks first and looks then). So whoever waited here for a row would deadlock with a
    colleague who opens the visit that we hold. Raises Busy (503) when somebody is still held after all that.
    """
    for pause in PAUSES:
        if SOMEBODY_WAITS.first(values) is None:
            return None
        time.sleep(pause)
        if row := CALL_NEXT.first(values):
            return row
    if SOMEBODY_WAITS.first(values) is None:
        return None
    raise Busy


def _rooms(actor: Actor, doctor: StaffInfo) -> str:
    """Return the doctor's room in each of their clinics, as JSON."""
    zone = organization.facility(actor).timezone
    rooms = {each: room_of(actor, doctor, zone, clinic_id=each) for each in doctor.clinic_ids}
    return json.dumps({str(each): str(room) for each, room in rooms.items() if room})


def _values(
    actor: Actor, doctor: StaffInfo, finished: Any, *, clinic_id: UUID | None = None
) -> dict[str, Any]:
    here = organization.facility(actor)
    return {
        "organization_id": actor.organization_id,
        "clinic_ids": list(doctor.clinic_ids),
        "timezone": here.timezone,
        "doctor_id": doctor.id,
        "room_id": room_of(actor, doctor, here.timezone, clinic_id=clinic_id),
        "finished_id": finished.id if finished is not None else None,
        "transition_id": new_id(),
        "user_id": actor.user_id,
        "now": clock.now(),
    }


def _tell_called(actor: Actor, row: Any, finished: Any) -> Called:
    audit.saw(actor, "visit.call", "visit", row.id)
    publish(actor, VisitCalled, row)
    tell_line(row.queue_id)
    return _called(row, finished=finished)


def _called(row: Any, *, finished: Any = None, was_called_already: bool = False) -> Called:
    return Called(
        visit_id=row.id,
        ticket=row.ticket,
        patient_id=row.patient_id,
        room_id=row.room_id,
        queue_id=row.queue_id,
        version=row.version,
        finished_ticket=finished.ticket if finished is not None else None,
        finished_visit_id=finished.id if finished is not None else None,
        was_called_already=was_called_already,
    )
