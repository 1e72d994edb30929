"""Appointments and visits as other programs see them: ids, states, times and versions, and nobody's name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from clinic_web.kernel import keyset
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.keyset import Table
from clinic_web.kernel.listing import Asked, Cursor
from clinic_web.kernel.statement import Statement
from clinic_web.reception.access import NO_APPOINTMENT, NO_VISIT
from clinic_web.reception.queries.lists import appointments_where, asked_states, visits_where
from clinic_web.reception.queries.treating import reads_notes

OF_APPOINTMENT = """a.id, a.version, a.booking_id, a.status, a.booking_source, a.facility_id, a.clinic_id,
    a.doctor_id, a.service_id, a.patient_id, a.start_time, a.end_time, a.is_overbooking, v.id AS visit_id,
    v.ticket"""
OF_VISIT = """v.id, v.version, v.ticket, v.status, v.visit_type, v.queue_day AS day, v.facility_id,
    v.clinic_id, v.service_id, v.patient_id, COALESCE(v.attending_id, v.doctor_id) AS doctor_id,
    v.appointment_id, v.scheduled_time, v.check_in_time, v.called_at, v.start_time, v.end_time, v.priority"""
APPOINTMENTS = Table(
    columns=OF_APPOINTMENT,
    source="reception.appointments a LEFT JOIN reception.visits v ON v.appointment_id = a.id",
    id="a.id",
    state="a.status",
)
VISITS = Table(columns=OF_VISIT, source="reception.visits v", id="v.id", state="v.status")


def _one(table: Table, alias: str, also: str = "") -> Statement:
    return Statement(
        f"""SELECT {table.columns}{also} FROM {table.source}
             WHERE {alias}.id = :id AND {alias}.organization_id = :organization_id
               AND (CAST(:facility_id AS uuid) IS NULL OR {alias}.facility_id = :facility_id)"""  # noqa: S608
    )


ONE_APPOINTMENT = _one(APPOINTMENTS, "a", ", a.notes")
ONE_VISIT = _one(VISITS, "v")


@dataclass(frozen=True, kw_only=True)
class PlainAppointment:
    """``notes`` are read for one appointment only, and None in a list."""

    id: UUID
    version: int
    booking_id: str
    status: str
    booking_source: str
    facility_id: UUID
    clinic_id: UUID
    doctor_id: UUID
    service_id: UUID
    patient_id: UUID
    start_time: datetime
    end_time: datetime
    is_overbooking: bool
    visit_id: UUID | None
    ticket: str | None
    notes: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlainVisit:
    """``doctor_id`` is who called the patient, or else whom they came to see."""

    id: UUID
    version: int
    ticket: str | None
    status: str
    visit_type: str
    day: date
    facility_id: UUID
    clinic_id: UUID
    service_id: UUID
    patient_id: UUID
    doctor_id: UUID | None
    appointment_id: UUID | None
    scheduled_time: datetime | None
    check_in_time: datetime | None
    called_at: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    priority: str | None


def plain_appointments(actor: Actor, asked: Asked, size: int) -> tuple[list[PlainAppointment], Cursor | None]:
    """Return ``size`` of the facility's appointments, and where the next ones begin."""
    where, _ = appointments_where(actor, asked)
    return keyset.stretch(APPOINTMENTS, where, asked, _appointment, states=asked_states(asked), size=size)


def plain_visits(actor: Actor, asked: Asked, size: int) -> tuple[list[PlainVisit], Cursor | None]:
    """Return ``size`` of the facility's visits, and where the next ones begin."""
    where, _ = visits_where(actor, asked)
    return keyset.stretch(VISITS, where, asked, _visit, states=asked_states(asked), size=size)


def plain_appointment(actor: Actor, appointment_id: UUID) -> PlainAppointment:
    """Return the appointment as it is now; NotFound (404). Whoever shows it notes the look. The notes are
    read by whom they are read for on pages."""
    row = ONE_APPOINTMENT.first(_asks(actor, appointment_id))
    if row is None:
        raise NotFound(NO_APPOINTMENT)
    found = PlainAppointment(**row._asdict())
    return found if reads_notes(actor, found.clinic_id) else replace(found, notes=None)


def plain_visit(actor: Actor, visit_id: UUID) -> PlainVisit:
    """Return the visit as it is now; NotFound (404). Whoever shows it notes the look."""
    row = ONE_VISIT.first(_asks(actor, visit_id))
    if row is None:
        raise NotFound(NO_VISIT)
    return PlainVisit(**row._asdict())


def _asks(actor: Actor, row_id: UUID) -> dict[str, Any]:
    return {
        "id": row_id,
        "organization_id": actor.organization_id,
        "facility_id": actor.facility_id,
    }


def _appointment(row: Any) -> PlainAppointment:
    named = PlainAppointment.__dataclass_fields__.keys() - {"notes"}
    return PlainAppointment(**{name: getattr(row, name) for name in named})


def _visit(row: Any) -> PlainVisit:
    return PlainVisit(**{name: getattr(row, name) for name in PlainVisit.__dataclass_fields__})
