"""The thing in hand: the right pane of the desk. Each panel has a URL, and is a page of its own as well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from flask import render_template, request
from flask_babel import force_locale
from markupsafe import Markup

from clinic_web.kernel import clock
from clinic_web.kernel.errors import NotFound, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.reception import forms
from clinic_web.reception.models.visits import CANCELLED, NO_SHOW, SCHEDULED
from clinic_web.reception.queries import blocks, moving, offers, priorities, stations
from clinic_web.reception.queries import hand as queries
from clinic_web.reception.queries.hand import Slip, VisitInHand
from clinic_web.reception.queries.priorities import Priority
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.desk import asked_clinic, last_clinic, show
from clinic_web.reception.slots import Slot
from clinic_web.ui.web import actor, form_errors, needs

ASKS = ("prioritise", "hold", "cancel")


@bp.get("/desk/hand")
@needs("desk.view")
def hand_empty() -> str:
    return show("reception/desk/_empty.html")


@bp.get("/desk/hand/patient/<uuid:patient_id>")
@needs("patient.view")
def hand_patient(patient_id: UUID) -> str:
    held = queries.patient(actor(), patient_id)
    where = here()
    is_asked = where["clinic_id"] and actor().can("queue.reserve")
    on_paper = blocks.open_for_entry(actor(), where["clinic_id"]) if is_asked else []
    return show("reception/desk/_patient.html", held=held, on_paper=len(on_paper), **where)


@bp.get("/desk/hand/patient/<uuid:patient_id>/book")
@needs("appointment.book")
def booking(patient_id: UUID) -> str:
    return show_booking(patient_id, request.args)


@bp.get("/desk/hand/patient/<uuid:patient_id>/walk-in")
@needs("visit.walk_in")
def walking_in(patient_id: UUID) -> str:
    return show_walk_in(patient_id, request.args)


@bp.get("/desk/hand/visit/<uuid:visit_id>")
@needs("visit.view")
def hand_visit(visit_id: UUID) -> str:
    """With what was noted of it, which is a part of the chart: ChartClosed (403) to who does not treat."""
    return show_visit(visit_id, ask=request.args.get("ask"), typed=request.args, is_asked_for=True)


@bp.get("/desk/hand/done/<uuid:visit_id>")
@needs("visit.view")
def hand_done(visit_id: UUID) -> str:
    """What a booking or a walk-in came to: the ticket, the slip, the payment if it is taken now."""
    return show_done(visit_id, pays=request.args.get("pays", forms.PAYS_LATER))


@bp.get("/visits/<uuid:visit_id>/slip")
@needs("visit.view")
def slip(visit_id: UUID) -> str:
    found = queries.slip(actor(), visit_id)
    html = slip_html(found, is_copy=bool(request.args.get("copy")))
    return render_template(
        "reception/desk/slip.html", slip_html=html, ticket=found.row.ticket or "", visit_id=visit_id
    )


def show_booking(
    patient_id: UUID,
    typed: Mapping[str, str],
    *,
    errors: dict[str, str] | None = None,
    instead: list[Slot] | None = None,
) -> str:
    """Show the booking panel with all that was typed; ``instead`` are the nearest times of a refusal."""
    who, said = actor(), dict(errors or {})
    held = queries.patient(who, patient_id)
    offer = _choices(typed)
    today = held.today
    try:
        day = forms.day_of(typed.get("day"), today)
    except RuleBroken as error:
        day, said = today, {**form_errors(error), **said}
    times = offers.times(who, offer, day, instead=instead or ())
    return show(
        "reception/desk/_booking.html",
        held=held,
        offer=offer,
        times=times,
        typed=typed,
        errors=said,
        **here(offer.clinic.id),
    )


def show_walk_in(patient_id: UUID, typed: Mapping[str, str], *, errors: dict[str, str] | None = None) -> str:
    held = queries.patient(actor(), patient_id)
    offer = _choices(typed)
    offered = priorities.of_clinic(actor(), offer.clinic.id)
    return show(
        "reception/desk/_walk_in.html",
        held=held,
        offer=offer,
        priorities=offered,
        suggested=_suggested(held.card.age, offered),
        typed=typed,
        errors=errors or {},
        **here(offer.clinic.id),
    )


def show_visit(
    visit_id: UUID,
    *,
    ask: str | None = None,
    typed: Mapping[str, str] | None = None,
    errors: dict[str, str] | None = None,
    is_asked_for: bool = False,
) -> str:
    """Show a visit with what may be done now; ``ask`` opens the question that an act needs answered first."""
    held = queries.visit(actor(), visit_id, is_asked_for=is_asked_for)
    asking = ask if ask in ASKS and ask in held.acts else None
    offered = priorities.of_queue(actor(), held.queue_id) if "prioritise" in held.acts else []
    return show(
        "reception/desk/_visit.html",
        held=held,
        ask=asking,
        priorities=offered,
        may_move=moving.may_move(actor(), held, facility_day()),
        stations=stations.choices(actor(), visit_id) if _may_be_sent(held) else [],
        suggested=_suggested(held.card.age, offered),
        typed=typed or {},
        errors=errors or {},
        **here(held.row.clinic_id),
    )


def _may_be_sent(held: VisitInHand) -> bool:
    """Whether a visit can go to a station now: the patient is here, today."""
    is_here = held.row.ticket and held.row.status not in (SCHEDULED, CANCELLED, NO_SHOW)
    return bool(is_here and held.row.queue_day == facility_day() and actor().can("visit.send"))


def facility_day() -> date:
    return clock.today(organization.facility(actor()).timezone)


def _suggested(age: int | None, offered: list[Priority]) -> tuple[str, str] | None:
    """Return the priority that an age suggests, if the clinic has it."""
    found = forms.suggested_priority(age)
    return found if found and any(each.code == found[0] for each in offered) else None


def show_done(visit_id: UUID, *, pays: str) -> str:
    who = actor()
    found = queries.slip(who, visit_id)
    takes_money = pays in (forms.PAYS_NOW, forms.PAYS_PART) and who.can("payment.take")
    return show(
        "reception/desk/_done.html",
        held=found.held,
        slip_html=slip_html(found),
        takes_money=takes_money,
        **here(found.row.clinic_id),
    )


def slip_html(found: Slip, *, is_copy: bool = False) -> Markup:
    """Return the slip as the patient reads it, whatever language the desk works in."""
    with force_locale(found.language):
        html = render_template("reception/desk/_slip.html", slip=found, is_copy=is_copy)
    return Markup(html)  # noqa: S704 - our own template, which escapes


def here(clinic_id: UUID | None = None) -> dict[str, Any]:
    """Which clinic the panel works for: on a page of its own the desk around it shows the same."""
    return {"clinic_id": clinic_id or asked_clinic() or last_clinic() or _first_clinic()}


def _first_clinic() -> UUID | None:
    who = actor()
    listed = organization.directory(who.organization_id).clinics_of(organization.facility(who).id)
    return listed[0].id if listed else None


def _choices(typed: Mapping[str, str]) -> offers.Choices:
    """Return what the clinic offers, with the service and the doctor chosen so far."""
    clinic_id = forms.optional_id(typed, "clinic") or here()["clinic_id"]
    if clinic_id is None:
        raise NotFound
    service_id, doctor_id = forms.optional_id(typed, "service"), forms.optional_id(typed, "doctor")
    return offers.choices(actor(), clinic_id, service_id, doctor_id)
