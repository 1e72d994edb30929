"""The front door of reception, for the modules above it, imports and the demonstration.

What people do at the desk are services of this module, reached through its own routes; other systems book,
cancel and check in through here. Another tenant's row is NotFound (404).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import api as organization
from clinic_web.reception.models import Appointment, Visit
from clinic_web.reception.models.appointments import CONFIRMED
from clinic_web.reception.models.visits import PRESENT, SCHEDULED
from clinic_web.reception.queries.at_station import AtStation, Station, at_station, stations_here
from clinic_web.reception.queries.blocks import open_numbers
from clinic_web.reception.queries.lists import APPOINTMENTS_ASK, VISITS_ASK, stand_with
from clinic_web.reception.queries.ordering import VisitCard, visit_of
from clinic_web.reception.queries.own import OwnTurn, OwnVisits, own_turns, own_visits
from clinic_web.reception.queries.plain import (
    PlainAppointment,
    PlainVisit,
    plain_appointment,
    plain_appointments,
    plain_visit,
    plain_visits,
)
from clinic_web.reception.queries.treating import clinics_of, is_treating
from clinic_web.reception.service.booking import Booked, Booking, book
from clinic_web.reception.service.cancelling import cancel_appointment, cancel_visit
from clinic_web.reception.service.checking_in import check_in
from clinic_web.reception.service.holding import miss
from clinic_web.reception.service.importing import PastVisit, import_past_visits
from clinic_web.reception.service.noting import note
from clinic_web.reception.service.queues import ensure_queue, ensure_station
from clinic_web.reception.service.rescheduling import NewTime, Rescheduled, reschedule
from clinic_web.reception.service.visit_stops import join_station
from clinic_web.reception.service.walking_in import Opened, WalkIn, open_walk_in
from clinic_web.reception.slots import Lane, Slot, SlotRefused, SlotTaken, slots

__all__ = [
    "APPOINTMENTS_ASK",
    "VISITS_ASK",
    "AtStation",
    "Booked",
    "Booking",
    "Lane",
    "NewTime",
    "Opened",
    "OwnTurn",
    "OwnVisits",
    "PastVisit",
    "PlainAppointment",
    "PlainVisit",
    "Promise",
    "Rescheduled",
    "Slot",
    "SlotRefused",
    "SlotTaken",
    "Station",
    "VisitCard",
    "WalkIn",
    "at_station",
    "book",
    "cancel_appointment",
    "cancel_visit",
    "check_in",
    "clinics_of",
    "ensure_queue",
    "ensure_station",
    "has_visits_on",
    "import_past_visits",
    "is_promised",
    "is_treating",
    "join_station",
    "miss",
    "note",
    "open_numbers_on",
    "open_walk_in",
    "own_turns",
    "own_visits",
    "plain_appointment",
    "plain_appointments",
    "plain_visit",
    "plain_visits",
    "promises_of",
    "reschedule",
    "slots",
    "stand_with",
    "stations_here",
    "tickets_of",
    "upcoming",
    "visit_of",
    "visit_states",
]


@dataclass(frozen=True, kw_only=True)
class Promise:
    """An appointment to which the patient is still expected."""

    id: UUID
    patient_id: UUID
    start_time: datetime
    booking_id: str


def promises_of(
    actor: Actor, clinic_id: UUID, doctor_id: UUID, since: datetime, until: datetime
) -> list[Promise]:
    """Return the doctor's appointments in a clinic that reach into [since, until), by time."""
    wanted = select(
        Appointment.id, Appointment.patient_id, Appointment.start_time, Appointment.booking_id
    ).where(
        Appointment.organization_id == actor.organization_id,
        Appointment.clinic_id == clinic_id,
        Appointment.doctor_id == doctor_id,
        Appointment.status == CONFIRMED,
        Appointment.start_time < until,
        Appointment.end_time > since,
    )
    return [Promise(**row) for row in db.session.execute(wanted.order_by(Appointment.start_time)).mappings()]


def is_promised(actor: Actor, appointment_id: UUID, doctor_id: UUID, start_time: datetime) -> bool:
    """Return whether the patient is still expected, by this doctor and at this time."""
    found = select(Appointment.id).where(
        Appointment.id == appointment_id,
        Appointment.organization_id == actor.organization_id,
        Appointment.doctor_id == doctor_id,
        Appointment.start_time == start_time,
        Appointment.status == CONFIRMED,
    )
    return db.session.execute(found).first() is not None


def tickets_of(actor: Actor, visit_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the tickets of the given visits, by visit, in one query; one without a number is absent."""
    if not visit_ids:
        return {}
    rows = db.session.execute(
        select(Visit.id, Visit.ticket).where(
            Visit.organization_id == actor.organization_id, Visit.id.in_(visit_ids), Visit.ticket.is_not(None)
        )
    )
    return {visit_id: str(ticket) for visit_id, ticket in rows}


def has_visits_on(actor: Actor, day: date) -> bool:
    """Return whether the tenant has any visit on a local day."""
    found = select(Visit.id).where(Visit.organization_id == actor.organization_id, Visit.queue_day == day)
    return db.session.execute(found.limit(1)).first() is not None


def upcoming(actor: Actor, column: str, row_id: UUID) -> int:
    """Return how many visits from today on, not yet over, are of a ``clinic_id`` or a ``doctor_id``."""
    today = clock.today(organization.facility(actor).timezone)
    mine = select(func.count()).where(
        Visit.organization_id == actor.organization_id,
        getattr(Visit, column) == row_id,
        Visit.queue_day >= today,
        Visit.status.in_((*PRESENT, SCHEDULED)),
    )
    return db.session.scalar(mine) or 0


def open_numbers_on(actor: Actor, facility_id: UUID, day: date) -> dict[UUID, int]:
    """Return how many numbers of a day are still open on paper, by queue: what closing that day shows."""
    return open_numbers(actor, facility_id, day)


def visit_states(actor: Actor, visit_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return where the given visits stand (``WAITING`` …), by visit, in one query."""
    if not visit_ids:
        return {}
    mine = select(Visit.id, Visit.status).where(
        Visit.organization_id == actor.organization_id, Visit.id.in_(visit_ids)
    )
    return {visit_id: status for visit_id, status in db.session.execute(mine)}
