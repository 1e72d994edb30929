"""Visits: who is in which line, who comes without an appointment, who has come, who is off."""

from __future__ import annotations

from uuid import UUID

from clinic_web.interop.endpoint import Answer, Call, endpoint
from clinic_web.interop.resources import lists
from clinic_web.interop.shapes import reception as shapes
from clinic_web.interop.shapes.common import Page
from clinic_web.kernel.actor import Actor
from clinic_web.reception import api as reception

TAG = "Visits"
STATES = {
    "SCHEDULED": "expected",
    "WAITING": "waiting",
    "ON_HOLD": "on-hold",
    "CALLED": "called",
    "IN_PROGRESS": "in-room",
    "PENDING_PAYMENT": "to-pay",
    "COMPLETED": "completed",
    "NO_SHOW": "no-show",
    "CANCELLED": "cancelled",
}
TYPES = {"SCHEDULED": "scheduled", "WALK_IN": "walk-in"}


def version_of(who: Actor, visit_id: UUID) -> int:
    return reception.plain_visit(who, visit_id).version


@endpoint(
    "GET",
    "/visits",
    tag=TAG,
    scope="visit.view",
    query=shapes.VisitsAsked,
    answers=Page[shapes.Visit],
)
def visits(call: Call) -> Answer:
    """List visits, the earliest first.

    Those of the token's facility. Who asks for one patient's needs to be let into that chart.
    """
    asked = lists.asked(call.who, call.query, reception.VISITS_ASK, {"status": STATES, "type": TYPES})
    found = reception.plain_visits(call.who, asked, call.query.limit)
    lists.saw(call.who, "visit.list", "visit", [row.id for row in found[0]])
    return lists.page(call, found, shapes.Visit.model_validate, Page[shapes.Visit])


@endpoint(
    "GET",
    "/visits/<uuid:visit_id>",
    tag=TAG,
    scope="visit.view",
    answers=shapes.Visit,
    shows=True,
    of=version_of,
)
def visit(call: Call, visit_id: UUID) -> Answer:
    """Read a visit."""
    lists.saw_one(call.who, "visit.view", "visit", visit_id)
    return _shown(call.who, visit_id)


@endpoint(
    "POST",
    "/visits",
    tag=TAG,
    scope="visit.walk_in",
    body=shapes.NewVisit,
    answers=shapes.Visit,
    creates=True,
    shows=True,
    refuses=(404, 409),
)
def walk_in(call: Call) -> Answer:
    """Let a patient in without an appointment: the number is drawn, they wait at once."""
    asked: shapes.NewVisit = call.body
    wanted = reception.WalkIn(
        patient_id=asked.patient_id,
        service_id=asked.service_id,
        doctor_id=asked.doctor_id,
        priority=asked.priority,
        priority_reason=asked.priority_reason,
    )
    opened = reception.open_walk_in(call.who, wanted, key=f"api:{call.key}")
    row = reception.plain_visit(call.who, opened.visit_id)
    return Answer(
        shape=shapes.Visit.model_validate(row), version=row.version, location=f"/api/v1/visits/{row.id}"
    )


@endpoint(
    "POST",
    "/visits/<uuid:visit_id>/check-in",
    tag=TAG,
    scope="visit.check_in",
    body=shapes.Nothing,
    answers=shapes.Visit,
    changes=True,
    shows=True,
    of=version_of,
)
def check_in(call: Call, visit_id: UUID) -> Answer:
    """Check a patient in who has an appointment today."""
    reception.check_in(call.who, visit_id, version=call.version)
    return _shown(call.who, visit_id)


@endpoint(
    "POST",
    "/visits/<uuid:visit_id>/cancel",
    tag=TAG,
    scope="visit.cancel",
    body=shapes.Because,
    answers=shapes.Visit,
    changes=True,
    shows=True,
    of=version_of,
)
def cancel_visit(call: Call, visit_id: UUID) -> Answer:
    """Cancel a visit that has not begun, with its appointment."""
    reception.cancel_visit(call.who, visit_id, call.body.reason, version=call.version)
    return _shown(call.who, visit_id)


@endpoint(
    "POST",
    "/visits/<uuid:visit_id>/miss",
    tag=TAG,
    scope="appointment.miss",
    body=shapes.Nothing,
    answers=shapes.Visit,
    changes=True,
    shows=True,
    of=version_of,
)
def miss_visit(call: Call, visit_id: UUID) -> Answer:
    """Note that the patient did not come."""
    reception.miss(call.who, visit_id, version=call.version)
    return _shown(call.who, visit_id)


def _shown(who: Actor, visit_id: UUID) -> Answer:
    row = reception.plain_visit(who, visit_id)
    return Answer(shape=shapes.Visit.model_validate(row), version=row.version)
