"""The waiting list: who is on it, what is on offer, yes or no for the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.errors import InvalidForm, NotFound, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception import forms, wishes
from clinic_web.reception.access import queue_of_clinic
from clinic_web.reception.live import queue_topic
from clinic_web.reception.queries import waiting as queries
from clinic_web.reception.queries.hand import name_of
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.appointments import FOUND, done, when
from clinic_web.reception.routes.desk import choose_clinic, clinic_in_url, remember
from clinic_web.reception.service import offering, waiting
from clinic_web.reception.service.waiting import Listed
from clinic_web.reception.slots import SlotRefused, SlotTaken
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs


@bp.get("/appointments/waiting")
@needs("appointment.wait")
def waiting_list() -> str:
    return _page("reception/waiting/_nobody.html")


@bp.get("/appointments/waiting/rows")
@needs("appointment.wait")
def waiting_rows() -> str:
    return render_template("reception/waiting/_list.html", **_listed(clinic_in_url()))


@bp.get("/appointments/offers")
@needs("appointment.view")
def open_offers() -> str:
    clinic_id = clinic_in_url()
    return render_template("reception/calendar/_offers.html", **offers_of(clinic_id))


@bp.get("/appointments/waiting/new")
@needs("appointment.wait")
def new_wish() -> str:
    return _show_wish(request.args)


@bp.get("/appointments/waiting/patients")
@needs("patient.search")
def wish_patients() -> str:
    typed = request.args.get("q", "").strip()[:100]
    hits = patients.find(actor(), typed, limit=FOUND) if typed else []
    return render_template(
        "reception/waiting/_who.html", typed=typed, hits=hits, clinic_id=request.args.get("clinic")
    )


@bp.post("/appointments/waiting")
@needs("appointment.wait")
def put_on_list() -> ResponseReturnValue:
    typed = request.form
    try:
        today = clock.today(organization.facility(actor()).timezone)
        listed = waiting.put_on_list(actor(), wishes.wish(typed, today), key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return make_response(_show_wish(typed, errors=form_errors(error)), error.status)
    act = _act(listed, _("is on the waiting list"), undo="reception.take_off_list")
    return _answer(act, listed.clinic_id)


@bp.post("/appointments/waiting/<uuid:entry_id>/off")
@needs("appointment.wait")
def take_off_list(entry_id: UUID) -> ResponseReturnValue:
    listed = waiting.take_off_list(actor(), entry_id, version=forms.version_of(request.form))
    act = _act(listed, _("is off the waiting list"), undo="reception.put_back_on_list")
    return _answer(act, listed.clinic_id)


@bp.post("/appointments/waiting/<uuid:entry_id>/back")
@needs("appointment.wait")
def put_back_on_list(entry_id: UUID) -> ResponseReturnValue:
    listed = waiting.put_back_on_list(actor(), entry_id, version=forms.version_of(request.form))
    return _answer(_act(listed, _("is on the waiting list again")), listed.clinic_id)


@bp.post("/appointments/offers/<uuid:offer_id>/accept")
@needs("appointment.wait")
def accept_offer(offer_id: UUID) -> ResponseReturnValue:
    """Yes. Where the time is somebody else's by now, the offer closes and the refusal says so."""
    who = actor()
    try:
        accepted = offering.accept(who, offer_id, key=form_key())
    except (SlotTaken, SlotRefused):
        offering.gone(who, offer_id)
        raise
    act = LastAct(
        text=_("%(when)s is booked", when=when(accepted.start_time)),
        ticket=accepted.ticket,
        ticket_state="SCHEDULED",
        who=name_of(who, accepted.patient_id) if is_htmx() else None,
    )
    return done(act, accepted.appointment_id) if _is_in_hand() else acted(act, redirect=_back(None))


@bp.post("/appointments/offers/<uuid:offer_id>/decline")
@needs("appointment.wait")
def decline_offer(offer_id: UUID) -> ResponseReturnValue:
    entry = offering.decline(actor(), offer_id)
    act = LastAct(
        text=_("does not want this time; the next is asked"),
        who=name_of(actor(), entry.patient_id) if is_htmx() else None,
    )
    return acted(act, redirect=_back(entry.clinic_id))


def offers_of(clinic_id: UUID) -> dict[str, Any]:
    """What the strip of open offers shows, live with the clinic's queue."""
    who = actor()
    return {
        "offered": queries.open_offers(who, clinic_id),
        "offers_topic": queue_topic(queue_of_clinic(who, clinic_id).id),
        "clinic_id": clinic_id,
    }


def _listed(clinic_id: UUID) -> dict[str, Any]:
    who, is_all = actor(), bool(request.args.get("all"))
    return offers_of(clinic_id) | {
        "rows": queries.listed(who, clinic_id, is_all=is_all),
        "is_all": is_all,
        "today": clock.today(organization.facility(who).timezone),
    }


def _page(panel: str, *, clinic_id: UUID | None = None, **context: Any) -> str:
    if is_htmx():
        return render_template(panel, clinic_id=clinic_id, **context)
    chosen, tabs = choose_clinic(actor(), clinic_id)
    if chosen is None:
        raise NotFound
    remember(chosen)
    return render_template(
        "reception/waiting/page.html", panel=panel, tabs=tabs, **{**_listed(chosen), **context}
    )


def _show_wish(typed: Mapping[str, str], *, errors: dict[str, str] | None = None) -> str:
    who = actor()
    clinic_id, _tabs = choose_clinic(who, forms.optional_id(typed, "clinic"))
    if clinic_id is None:
        raise NotFound
    directory = organization.directory(who.organization_id)
    patient_id = forms.optional_id(typed, "patient")
    asked = typed.get("q", "").strip()[:100] if patient_id is None else ""
    return _page(
        "reception/waiting/_wish.html",
        clinic_id=clinic_id,
        card=patients.card(who, patient_id) if patient_id else None,
        hits=patients.find(who, asked, limit=FOUND) if asked else [],
        services=directory.services_of(clinic_id),
        doctors=directory.doctors_of(clinic_id),
        today=clock.today(organization.facility(who).timezone),
        typed=typed,
        errors=errors or {},
    )


def _answer(act: LastAct, clinic_id: UUID) -> ResponseReturnValue:
    panel = render_template("reception/waiting/_nobody.html") if _is_in_hand() else None
    return acted(act, redirect=_back(clinic_id), panel=panel)


def _act(listed: Listed, text: str, *, undo: str | None = None) -> LastAct:
    return LastAct(
        text=text,
        who=name_of(actor(), listed.patient_id) if is_htmx() else None,
        undo_url=url_for(undo, entry_id=listed.entry_id) if undo else None,
        undo_fields={"version": listed.version} if undo else {},
    )


def _is_in_hand() -> bool:
    return is_htmx() and request.headers.get("HX-Target") == "hand"


def _back(clinic_id: UUID | None) -> str:
    return url_for("reception.waiting_list", clinic=clinic_id)
