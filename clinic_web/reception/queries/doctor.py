"""What a doctor's console shows: the patient in the room, and my line in the order of the next calls.

The streams are read before the rows, so a part is never older than the version it says it was drawn from. Who
looked at whose rows is noted once for each part that names people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ServiceInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.reception.live import QUEUE, queue_topic
from clinic_web.reception.models.queues import TODAY, WHO_IS_NEXT
from clinic_web.reception.models.visits import CALLED, IN_PROGRESS, WAITING
from clinic_web.reception.queries.delays import delays_in
from clinic_web.reception.queries.desk import ROW, DeskRow, row_of, with_facts, with_names
from clinic_web.reception.service.rooms import room_of

HOLD, EXPECTED, SEEN = "hold", "expected", "seen"
LISTS = (HOLD, EXPECTED, SEEN)
MOST_EARLIER = 8

# The lines this doctor works in. As in the call itself (service/statements.py): where they have different
# policies, time is the only measure they share.
_Q = """
    SELECT id, wait_target_minutes,
           CASE WHEN min(policy) OVER () = max(policy) OVER () THEN policy ELSE 'APPOINTMENT_TIME' END
               AS policy
      FROM reception.queues
     WHERE clinic_id = ANY(:clinic_ids) AND kind = 'CLINIC' AND organization_id = :organization_id"""

# What belongs to each list, for alias ``v``.
_WAITING = "v.status = 'WAITING' AND (v.doctor_id = :doctor_id OR v.doctor_id IS NULL)"
_IN_LIST = {
    HOLD: "v.status = 'ON_HOLD' AND (v.doctor_id = :doctor_id OR v.doctor_id IS NULL)",
    EXPECTED: "v.status = 'SCHEDULED' AND v.doctor_id = :doctor_id",
    SEEN: "v.status IN ('PENDING_PAYMENT', 'COMPLETED') AND v.attending_id = :doctor_id",
}
_LIST_ORDER = {
    HOLD: "held_at, v.id",
    EXPECTED: "v.scheduled_time, v.id",
    SEEN: "v.end_time DESC, v.id",
}

QUEUES = text(
    f"""
    WITH q AS ({_Q})
    SELECT q.id, q.wait_target_minutes AS target, tally.*,
           (SELECT s.seq FROM kernel.streams s WHERE s.topic = 'queue:' || q.id) AS seq,
           (SELECT s.epoch FROM kernel.streams s WHERE s.topic = 'queue:' || q.id) AS epoch
      FROM q CROSS JOIN LATERAL (
           SELECT {", ".join(f"count(*) FILTER (WHERE {rule}) AS {name}" for name, rule in _IN_LIST.items())}
             FROM reception.visits v WHERE v.queue_id = q.id AND v.queue_day = {TODAY}
           ) AS tally
     ORDER BY q.id
    """  # noqa: S608 - the parts are constants of our own
)

# Who is with me comes first, whatever their day: midnight sends nobody out of the room.
MY_DAY = text(
    f"""
    WITH q AS ({_Q}
    ), v AS (
        SELECT * FROM reception.visits
         WHERE attending_id = :doctor_id AND organization_id = :organization_id
           AND status IN ('CALLED', 'IN_PROGRESS')
         UNION ALL
        SELECT v.* FROM reception.visits v JOIN q ON q.id = v.queue_id
         WHERE v.queue_day = {TODAY} AND {_WAITING}
    )
    SELECT {ROW}, v.times_called
      FROM v LEFT JOIN q ON q.id = v.queue_id
     ORDER BY v.status = 'WAITING', {WHO_IS_NEXT}
    """  # noqa: S608 - the parts are constants of our own
)

LIST = {
    name: text(
        f"""
        WITH q AS ({_Q})
        SELECT {ROW}, v.times_called FROM reception.visits v JOIN q ON q.id = v.queue_id
         WHERE v.queue_day = {TODAY} AND {rule} ORDER BY {_LIST_ORDER[name]}
        """  # noqa: S608 - the parts are constants of our own
    )
    for name, rule in _IN_LIST.items()
}

EARLIER = text(
    """
    SELECT v.queue_day, v.service_id, coalesce(v.attending_id, v.doctor_id) AS doctor_id,
           count(*) OVER () AS total
      FROM reception.visits v
     WHERE v.organization_id = :organization_id AND v.patient_id = ANY(:ids) AND v.id <> :visit_id
       AND v.status IN ('PENDING_PAYMENT', 'COMPLETED')
     ORDER BY v.queue_day DESC, v.end_time DESC NULLS LAST, v.id
     LIMIT :most
    """
)

MINE = text(
    f"""
    WITH q AS ({_Q})
    SELECT true FROM reception.visits v
     WHERE v.id = :visit_id AND v.organization_id = :organization_id
       AND (v.attending_id = :doctor_id
            OR (v.queue_id IN (SELECT id FROM q) AND (v.doctor_id = :doctor_id OR v.doctor_id IS NULL)))
    """  # noqa: S608 - the parts are constants of our own
)


@dataclass(frozen=True, kw_only=True)
class Patient:
    """One visit as its doctor sees it: the row, how often it was called."""

    row: DeskRow
    times_called: int


@dataclass(frozen=True, kw_only=True)
class MyDay:
    """My queues and who is in them for me. ``seq`` and ``epoch`` are None where several topics move them."""

    doctor: StaffInfo
    topics: tuple[str, ...]
    seq: int | None
    epoch: str | None
    target: int
    counts: dict[str, int]
    with_me: Patient | None
    line: tuple[Patient, ...]

    @property
    def next(self) -> Patient | None:
        """Whom the next call takes."""
        return self.line[0] if self.line else None

    @property
    def is_called(self) -> bool:
        return self.with_me is not None and self.with_me.row.status == CALLED

    @property
    def is_in_room(self) -> bool:
        return self.with_me is not None and self.with_me.row.status == IN_PROGRESS


@dataclass(frozen=True, kw_only=True)
class EarlierVisit:
    day: date
    service: ServiceInfo | None
    doctor: StaffInfo | None


@dataclass(frozen=True, kw_only=True)
class InRoom:
    """The patient who is called or in the room, with what the doctor needs to begin."""

    patient: Patient
    card: PatientCard
    room: str | None
    earlier: tuple[EarlierVisit, ...]
    earlier_total: int


def my_day(actor: Actor) -> MyDay:
    """Return the doctor's queues and line, without names; RuleBroken (422) for who is no member of staff."""
    doctor = doctor_of(actor)
    asked = _asked(actor, doctor)
    queues = db.session.execute(QUEUES, asked).mappings().all()
    found = [_patient(each) for each in db.session.execute(MY_DAY, asked).mappings()]
    one = queues[0] if len(queues) == 1 else None
    return MyDay(
        doctor=doctor,
        topics=tuple(queue_topic(each["id"]) for each in queues),
        seq=(one["seq"] or 0) if one else None,
        epoch=str(one["epoch"] or "") if one else None,
        target=min((each["target"] for each in queues), default=30),
        counts={name: sum(each[name] for each in queues) for name in LISTS},
        with_me=next((each for each in found if each.row.status != WAITING), None),
        line=tuple(each for each in found if each.row.status == WAITING),
    )


def doctor_of(actor: Actor) -> StaffInfo:
    """Return the actor as a member of staff; RuleBroken (422) for who sees no patients."""
    staff = organization.directory(actor.organization_id).staff
    if actor.staff_id is None or actor.staff_id not in staff:
        raise RuleBroken(N_("Only somebody who sees patients has a line of their own."))
    return staff[actor.staff_id]


def in_room(actor: Actor, day: MyDay) -> InRoom | None:
    """Return the patient with the doctor, or None; noted as seen."""
    if day.with_me is None:
        return None
    row = day.with_me.row
    with transaction():
        card = patients.card(actor, row.patient_id)
        earlier, total = _earlier(actor, row)
        audit.saw(actor, "doctor.view", "patient", row.patient_id)
        complete = with_facts(actor, [row])[0]
    patient = replace(day.with_me, row=replace(complete, name=card.name))
    return InRoom(
        patient=patient, card=card, room=_sign(actor, row.room_id), earlier=earlier, earlier_total=total
    )


def named(actor: Actor, people: tuple[Patient, ...]) -> tuple[Patient, ...]:
    """Return the rows with names, services and doctors; one access-log row for the list."""
    if not people:
        return ()
    rows = [each.row for each in people]
    with transaction():
        complete = with_names(actor, with_facts(actor, rows))
        audit.saw(actor, "doctor.view", "patient", ids=dict.fromkeys(row.patient_id for row in rows))
    return tuple(replace(each, row=row) for each, row in zip(people, complete, strict=True))


def listed(actor: Actor, of: str) -> tuple[Patient, ...]:
    """Return one of LISTS with names: who is on hold, expected or seen."""
    asked = _asked(actor, doctor_of(actor))
    return named(actor, tuple(_patient(each) for each in db.session.execute(LIST[of], asked).mappings()))


def my_delay(actor: Actor, day: MyDay) -> int:
    """Return about how many minutes this doctor runs late; 0 where it is not worth a word."""
    if not day.line:
        return 0
    queue_ids = [UUID(topic.removeprefix(QUEUE)) for topic in day.topics]
    today = clock.today(organization.facility(actor).timezone)
    late = delays_in(actor.organization_id, queue_ids, today)
    return next((each.minutes for each in late if each.doctor.id == day.doctor.id), 0)


def room_sign(actor: Actor, day: MyDay) -> str | None:
    """Return what the door says to which the next call leads."""
    if day.with_me and day.with_me.row.room_id:
        return _sign(actor, day.with_me.row.room_id)
    return _sign(actor, room_of(actor, day.doctor, organization.facility(actor).timezone))


def _sign(actor: Actor, room_id: UUID | None) -> str | None:
    room = organization.directory(actor.organization_id).rooms.get(room_id) if room_id else None
    return room.name if room else None


def require_mine(actor: Actor, visit_id: UUID) -> None:
    """Raise NotFound (404) unless the visit is with this doctor or may wait for them."""
    asked = _asked(actor, doctor_of(actor)) | {"visit_id": visit_id}
    if db.session.execute(MINE, asked).scalar() is None:
        raise NotFound(N_("This visit is not here (any more)."))


def _asked(actor: Actor, doctor: StaffInfo) -> dict[str, Any]:
    return {
        "organization_id": actor.organization_id,
        "clinic_ids": list(doctor.clinic_ids),
        "doctor_id": doctor.id,
        "timezone": organization.facility(actor).timezone,
    }


def _patient(found: Mapping[Any, Any]) -> Patient:
    return Patient(row=row_of(found), times_called=found["times_called"])


def _earlier(actor: Actor, row: DeskRow) -> tuple[tuple[EarlierVisit, ...], int]:
    asked = {
        "organization_id": actor.organization_id,
        "ids": patients.ids_of(row.patient_id),
        "visit_id": row.visit_id,
        "most": MOST_EARLIER,
    }
    found = db.session.execute(EARLIER, asked).all()
    directory = organization.directory(actor.organization_id)
    visits = tuple(
        EarlierVisit(
            day=each.queue_day,
            service=directory.services.get(each.service_id),
            doctor=directory.staff.get(each.doctor_id) if each.doctor_id else None,
        )
        for each in found
    )
    return visits, found[0].total if found else 0
