"""What the desk holds in hand: a patient, a visit, a slip of paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import RowMapping, text

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, Directory, FacilityInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models.queues import WHO_IS_NEXT
from clinic_web.reception.models.visits import (
    CALLED,
    FROM_APPOINTMENT,
    NO_SHOW,
    ON_HOLD,
    PENDING_PAYMENT,
    SCHEDULED,
    WAITING,
)
from clinic_web.reception.queries.desk import ROW, DeskRow, row_of, with_facts

MOST_COMING = 5
A_YEAR = timedelta(days=365)

# Today's visits, those to come and those still to pay, with how often the patient did not come; one line
# without a visit where there are none.
VISITS_OF_PATIENT = text(
    f"""
    SELECT missed.*, {ROW}
      FROM (SELECT count(*) AS missed FROM reception.visits m
             WHERE m.organization_id = :organization_id AND m.patient_id = ANY(:ids)
               AND m.status = 'NO_SHOW' AND m.queue_day > :a_year_ago) AS missed
      LEFT JOIN reception.visits v
             ON v.organization_id = :organization_id AND v.patient_id = ANY(:ids)
            AND (CAST(:facility_id AS uuid) IS NULL OR v.facility_id = :facility_id)
            AND v.status <> 'CANCELLED' AND (v.queue_day >= :today OR v.status = 'PENDING_PAYMENT')
     ORDER BY v.queue_day, v.scheduled_time NULLS LAST, v.id
    """  # noqa: S608 - the parts are constants of our own
)

# A visit, its appointment, and its moves, the latest first; one line without a move where there are none.
VISIT = text(
    f"""
    SELECT {ROW}, v.queue_id, a.booking_id, a.notes, a.overbooking_reason, a.cancel_reason,
           t.at AS moved_at, t.from_status, t.to_status, t.reason, t.room_id AS moved_room_id,
           t.by_user_id AS moved_by,
           (SELECT s.seq FROM kernel.streams s WHERE s.topic = 'queue:' || v.queue_id) AS seq,
           (SELECT s.epoch FROM kernel.streams s WHERE s.topic = 'queue:' || v.queue_id) AS epoch
      FROM reception.visits v
      LEFT JOIN reception.appointments a ON a.id = v.appointment_id
      LEFT JOIN reception.visit_transitions t ON t.visit_id = v.id
     WHERE v.id = :visit_id AND v.organization_id = :organization_id
       AND (CAST(:facility_id AS uuid) IS NULL OR v.facility_id = :facility_id)
     ORDER BY t.sequence_number DESC
    """  # noqa: S608 - the parts are constants of our own
)


@dataclass(frozen=True, kw_only=True)
class PatientInHand:
    """A patient with what changes what one does now: appointments missed, money owed, today, what comes."""

    card: PatientCard
    guardian: PatientCard | None
    missed: int
    visits: list[DeskRow]
    today: date

    @property
    def here(self) -> list[DeskRow]:
        """The visits of today, whatever became of them."""
        return [row for row in self.visits if row.queue_day == self.today]

    @property
    def coming(self) -> list[DeskRow]:
        return [row for row in self.visits if row.queue_day > self.today][:MOST_COMING]

    @property
    def owing(self) -> list[DeskRow]:
        """Finished and not paid, also of earlier days."""
        return [row for row in self.visits if row.status == PENDING_PAYMENT]

    @property
    def owes(self) -> Decimal:
        return sum((row.owed.balance_due for row in self.owing if row.owed), ZERO)


@dataclass(frozen=True, kw_only=True)
class Move:
    """One line of a visit's history."""

    at: datetime
    to_status: str
    from_status: str | None
    reason: str | None
    room: str | None
    by: str | None


@dataclass(frozen=True, kw_only=True)
class VisitInHand:
    """A visit with its history and what may be done with it now."""

    row: DeskRow
    card: PatientCard
    clinic: ClinicInfo | None
    booking_id: str | None
    queue_id: UUID
    seq: int
    epoch: str
    notes: str | None
    overbooking_reason: str | None
    cancel_reason: str | None
    moves: list[Move]
    priority_by: str | None
    acts: frozenset[str]

    @property
    def topic(self) -> str:
        return queue_topic(self.queue_id)


def patient(actor: Actor, patient_id: UUID) -> PatientInHand:
    """Return the patient with the visits that matter now; NotFound (404), ChartClosed (403) to somebody who
    neither books nor treats them. The look is noted."""
    today = clock.today(organization.facility(actor).timezone)
    with transaction():
        opened = None if actor.can("appointment.book") else patients.enter_chart(actor, patient_id)
        card = patients.card(actor, patient_id)
        where = {
            "organization_id": actor.organization_id,
            "facility_id": actor.facility_id,
            "ids": patients.ids_of_card(card),
            "today": today,
            "a_year_ago": today - A_YEAR,
        }
        found = db.session.execute(VISITS_OF_PATIENT, where).mappings().all()
        rows = [row_of(each) for each in found if each["visit_id"] is not None]
        guardian = (
            patients.cards(actor, [card.guardian_id]).get(card.guardian_id) if card.guardian_id else None
        )
        audit.saw(actor, "patient.view", "patient", patient_id, emergency_id=opened.id if opened else None)
        return PatientInHand(
            card=card,
            guardian=guardian,
            missed=found[0]["missed"],
            visits=with_facts(actor, rows),
            today=today,
        )


def visit(actor: Actor, visit_id: UUID, *, is_asked_for: bool = False) -> VisitInHand:
    """Return a visit with its history; NotFound (404). The look is noted.

    ``is_asked_for``: nobody acted on it, so it is a look into the chart: ChartClosed (403) to somebody who
    neither books nor treats the patient.
    """
    with transaction():
        where = {
            "organization_id": actor.organization_id,
            "facility_id": actor.facility_id,
            "visit_id": visit_id,
        }
        found = db.session.execute(VISIT, where).mappings().all()
        if not found:
            raise NotFound
        head = found[0]
        (row,) = with_facts(actor, [row_of(head)])
        card = patients.cards(actor, [row.patient_id])[row.patient_id]
        is_chart = is_asked_for and not actor.can("appointment.book")
        opened = patients.enter_chart(actor, row.patient_id) if is_chart else None
        audit.saw(actor, "visit.view", "visit", visit_id, emergency_id=opened.id if opened else None)
    directory = organization.directory(actor.organization_id)
    names = identity.names_of(actor, {each["moved_by"] for each in found} | {row.priority_by})
    return VisitInHand(
        row=replace(row, name=card.name),
        card=card,
        clinic=directory.clinics.get(row.clinic_id),
        booking_id=head["booking_id"],
        queue_id=head["queue_id"],
        seq=head["seq"] or 0,
        epoch=str(head["epoch"] or ""),
        notes=head["notes"],
        overbooking_reason=head["overbooking_reason"],
        cancel_reason=head["cancel_reason"],
        moves=[_move(each, directory, names) for each in found if each["moved_at"] is not None],
        priority_by=names.get(row.priority_by) if row.priority_by else None,
        acts=acts_now(actor, row),
    )


def _move(found: RowMapping, directory: Directory, names: Mapping[UUID, str]) -> Move:
    room = directory.rooms.get(found["moved_room_id"])
    return Move(
        at=found["moved_at"],
        to_status=found["to_status"],
        from_status=found["from_status"],
        reason=found["reason"],
        room=room.name if room else None,
        by=names.get(found["moved_by"]),
    )


# What the desk may do with a visit in each state, and the right it needs.
ACTS: dict[str, dict[str, str]] = {
    SCHEDULED: {
        "check_in": "visit.check_in",
        "prioritise": "visit.prioritise",
        "miss": "visit.miss",
        "cancel": "visit.cancel",
    },
    WAITING: {
        "prioritise": "visit.prioritise",
        "hold": "visit.hold",
        "undo_check_in": "visit.check_in",
        "cancel": "visit.cancel",
    },
    ON_HOLD: {"resume": "visit.hold", "cancel": "visit.cancel"},
    CALLED: {"miss": "visit.miss", "send_back": "visit.send_back", "cancel": "visit.cancel"},
    NO_SHOW: {"came_after_all": "visit.miss"},
}


def acts_now(actor: Actor, row: DeskRow) -> frozenset[str]:
    """Return what ``actor`` may do with the visit as it stands; only today's visits can move in the line."""
    today = clock.today(organization.facility(actor).timezone)
    allowed = {name for name, right in ACTS.get(row.status, {}).items() if actor.can(right)}
    if row.queue_day != today:
        allowed &= {"cancel"}
    if row.visit_type != FROM_APPOINTMENT:
        allowed -= {"undo_check_in"}
    if row.status == SCHEDULED and not row.is_due:
        allowed -= {"miss"}
    if row.owed is not None and row.owed.balance_due > 0 and actor.can("payment.take"):
        allowed |= {"pay"}
    if row.ticket:
        allowed |= {"slip"}
    return frozenset(allowed)


def name_of(actor: Actor, patient_id: UUID) -> str | None:
    """Return whose visit it is, for the line that says what just happened."""
    card = patients.cards(actor, [patient_id]).get(patient_id)
    return card.name if card else None


@dataclass(frozen=True, kw_only=True)
class Slip:
    """What the paper says. ``before`` is who waits in front, None for somebody who does not wait yet."""

    held: VisitInHand
    facility: FacilityInfo
    language: str
    before: int | None

    @property
    def row(self) -> DeskRow:
        return self.held.row

    @property
    def clinic(self) -> ClinicInfo | None:
        return self.held.clinic


def slip(actor: Actor, visit_id: UUID) -> Slip:
    """Return the slip of a visit, in the patient's language; NotFound (404)."""
    held = visit(actor, visit_id)
    facility = organization.facility(actor)
    language = held.card.language if held.card.language in facility.languages else None
    return Slip(
        held=held,
        facility=facility,
        language=language or next(iter(facility.languages), "en"),
        before=_before(held.row),
    )


# Where a patient stands in the line, without reading whom it is made of.
PLACE = Statement(
    f"""
    SELECT place FROM (
        SELECT v.id, row_number() OVER (ORDER BY {WHO_IS_NEXT}) AS place
          FROM reception.visits v JOIN reception.queues q ON q.id = v.queue_id
         WHERE q.clinic_id = :clinic_id AND q.kind = 'CLINIC' AND v.queue_day = :day AND v.status = 'WAITING'
    ) AS line WHERE id = :visit_id
    """  # noqa: S608 - a constant
)


def _before(row: DeskRow) -> int | None:
    """Return how many stand in front of somebody who waits."""
    found = PLACE.first({"clinic_id": row.clinic_id, "day": row.queue_day, "visit_id": row.visit_id})
    return found.place - 1 if found else None
