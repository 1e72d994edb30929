"""The lists of visits and of appointments, on a screen and as files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.kernel.listing import Asked
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception.models import appointments as promise
from clinic_web.reception.models import visits as presence
from clinic_web.reception.queries import lists as queries
from clinic_web.reception.queries.lists import (
    APPOINTMENT_STATES,
    VISIT_STATES,
    AppointmentRow,
    Named,
    VisitRow,
)
from clinic_web.reception.routes import bp
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import local_name, say
from clinic_web.ui.web import actor, needs

VISIT_WORDS = {
    presence.SCHEDULED: N_("Expected"),
    presence.WAITING: N_("Waiting"),
    presence.CALLED: N_("Called"),
    presence.IN_PROGRESS: N_("In the room"),
    presence.ON_HOLD: N_("On hold"),
    presence.PENDING_PAYMENT: N_("To pay"),
    presence.COMPLETED: N_("Completed"),
    presence.NO_SHOW: N_("Did not come"),
    presence.CANCELLED: N_("Cancelled"),
}
APPOINTMENT_WORDS = {
    promise.CONFIRMED: N_("Confirmed"),
    promise.CHECKED_IN: N_("Checked in"),
    promise.COMPLETED: N_("Completed"),
    promise.CANCELLED: N_("Cancelled"),
    promise.NO_SHOW: N_("Did not come"),
}
TYPE_WORDS = {presence.FROM_APPOINTMENT: N_("Appointment"), presence.WALK_IN: N_("Walk-in")}
SOURCE_WORDS = {
    "PHONE": N_("Telephone"),
    "WALK_IN": N_("At the desk"),
    "ONLINE": N_("Online"),
    "SYSTEM": N_("By the system"),
}


@bp.get("/visits")
@needs("visit.view", remembers=True)
def visits_list() -> ResponseReturnValue:
    _open_whose()
    return lists.show(VISITS, _zone)


@bp.get("/visits.csv")
@needs("list.export", also="visit.view")
def visits_file() -> ResponseReturnValue:
    _open_whose()
    return lists.export(VISITS, _zone, request.args.getlist("id"))


@bp.get("/appointments/list")
@needs("appointment.view", remembers=True)
def appointments_list() -> ResponseReturnValue:
    _open_whose()
    return lists.show(APPOINTMENTS, _zone)


@bp.get("/appointments.csv")
@needs("list.export", also="appointment.view")
def appointments_file() -> ResponseReturnValue:
    _open_whose()
    return lists.export(APPOINTMENTS, _zone, request.args.getlist("id"))


def _open_whose() -> None:
    """One patient's rows are their history, which is a part of the chart. Raises ChartClosed (403)."""
    patient_id = request.args.get("patient", type=UUID)
    if patient_id is not None:
        patients.enter_chart(actor(), patient_id)


def _zone(who: Actor) -> str:
    return organization.facility(who).timezone


def _look_at_visits(who: Actor, asked: Asked) -> Looked:
    listed = queries.visits_page(who, asked)
    counts = listed.page.counts
    tabs = {name: counts.get(status, 0) for name, status in VISIT_STATES.items()}
    return Looked(
        ids=[row.id for row in listed.page.rows],
        context={
            "listed": listed,
            "page": listed.page,
            "tabs": tabs,
            "words": VISIT_WORDS,
            "states": VISIT_STATES,
        },
    )


def _look_at_appointments(who: Actor, asked: Asked) -> Looked:
    listed = queries.appointments_page(who, asked)
    counts = listed.page.counts
    tabs = {name: counts.get(status, 0) for name, status in APPOINTMENT_STATES.items()}
    return Looked(
        ids=[row.id for row in listed.page.rows],
        context={
            "listed": listed,
            "page": listed.page,
            "tabs": tabs,
            "words": APPOINTMENT_WORDS,
            "states": APPOINTMENT_STATES,
            "sources": SOURCE_WORDS,
        },
    )


def _visit_heads() -> list[str]:
    return [
        _("Day"), _("Ticket"), _("Patient"), _("Patient number"), _("Telephone"), _("Clinic"), _("Doctor"),
        _("Service"), _("Type"), _("State"), _("Appointment"), _("Arrived"), _("Called"), _("Began"),
        _("Ended"),
    ]  # fmt: skip


def _visit_sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    zone = _zone(who)
    for rows in queries.all_visits(who, asked, ids):
        yield Sheet(ids=[row.id for row, _named in rows], cells=[_visit_cells(*each, zone) for each in rows])


def _visit_cells(row: VisitRow, names: Named, zone: str) -> list[str]:
    return [
        row.queue_day.isoformat(),
        row.ticket or "",
        *_name_cells(names),
        say(TYPE_WORDS[row.visit_type]),
        say(VISIT_WORDS[row.status]),
        *(
            _moment(each, zone)
            for each in (row.scheduled_time, row.check_in_time, row.called_at, row.start_time, row.end_time)
        ),
    ]


def _appointment_heads() -> list[str]:
    return [
        _("Begins"), _("Ends"), _("Booking"), _("Ticket"), _("Patient"), _("Patient number"), _("Telephone"),
        _("Clinic"), _("Doctor"), _("Service"), _("Source"), _("State"), _("Booked"),
    ]  # fmt: skip


def _appointment_sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    zone = _zone(who)
    for rows in queries.all_appointments(who, asked, ids):
        cells = [_appointment_cells(*each, zone) for each in rows]
        yield Sheet(ids=[row.id for row, _named in rows], cells=cells)


def _appointment_cells(row: AppointmentRow, names: Named, zone: str) -> list[str]:
    return [
        _moment(row.start_time, zone),
        _moment(row.end_time, zone),
        row.booking_id,
        row.ticket or "",
        *_name_cells(names),
        say(SOURCE_WORDS[row.booking_source]),
        say(APPOINTMENT_WORDS[row.status]),
        _moment(row.created_at, zone),
    ]


def _name_cells(names: Named) -> list[str]:
    patient, clinic, doctor, service = names.patient, names.clinic, names.doctor, names.service
    return [
        patient.name if patient else "",
        patient.patient_number if patient else "",
        (patient.phone or "") if patient else "",
        local_name(clinic.name, clinic.name_ar) if clinic else "",
        local_name(doctor.short_name, doctor.short_name_ar) if doctor else "",
        local_name(service.name, service.name_ar) if service else "",
    ]


def _moment(moment: datetime | None, zone: str) -> str:
    """As spreadsheets read it: local time, Latin digits, no zone."""
    return f"{clock.local(moment, zone):%Y-%m-%d %H:%M}" if moment else ""


VISITS = Listing(
    name="visits",
    endpoint="reception.visits_list",
    export_endpoint="reception.visits_file",
    fragment="reception/lists/_visits.html",
    page="reception/lists/visits.html",
    permission="visit.view",
    action="visit.list",
    resource="visit",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=queries.VISITS_ASK,
    stand=queries.stand,
    look=_look_at_visits,
    heads=_visit_heads,
    sheets=_visit_sheets,
)
APPOINTMENTS = Listing(
    name="appointments",
    endpoint="reception.appointments_list",
    export_endpoint="reception.appointments_file",
    fragment="reception/lists/_appointments.html",
    page="reception/lists/appointments.html",
    permission="appointment.view",
    action="appointment.list",
    resource="appointment",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=queries.APPOINTMENTS_ASK,
    stand=queries.stand,
    look=_look_at_appointments,
    heads=_appointment_heads,
    sheets=_appointment_sheets,
)
