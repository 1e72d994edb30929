"""A patient who waits goes over to another clinic or doctor: choose, see what changes, move, take it back."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import N_, InvalidForm, NotFound, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.reception import forms
from clinic_web.reception.queries import hand, moving, offers
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.desk import show
from clinic_web.reception.routes.hand import facility_day, here, show_visit
from clinic_web.reception.service import moving_over
from clinic_web.reception.service.moving_over import Destination, MovedOver
from clinic_web.ui.texts import money
from clinic_web.ui.web import LastAct, acted, actor, form_errors, is_htmx, needs


@bp.get("/desk/hand/visit/<uuid:visit_id>/move")
@needs("visit.move")
def moving_visit(visit_id: UUID) -> str:
    return _show(visit_id, request.args)


@bp.post("/visits/<uuid:visit_id>/move")
@needs("visit.move")
def move_over(visit_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        to = Destination(
            service_id=forms.required_id(typed, "service", N_("Choose a service.")),
            doctor_id=forms.optional_id(typed, "doctor"),
            reason=forms.short_text(typed, "reason", forms.LONGEST_REASON),
        )
        done = moving_over.move(actor(), visit_id, to, version=forms.version_of(typed))
    except (InvalidForm, RuleBroken) as error:
        return make_response(_show(visit_id, typed, errors=form_errors(error)), error.status)
    return _moved(done, _said(done), undo="reception.undo_move_over")


@bp.post("/visits/<uuid:visit_id>/undo-move")
@needs("visit.move")
def undo_move_over(visit_id: UUID) -> ResponseReturnValue:
    done = moving_over.undo_move(actor(), visit_id, version=forms.version_of(request.form))
    return _moved(done, _("waits again where it was"))


def _said(done: MovedOver) -> str:
    text: str = _("moved, keeps the number")
    if done.from_ticket != done.visit.ticket:
        text = _("moved, was %(ticket)s", ticket=done.from_ticket or "–")
    if done.difference > 0:
        text += _("; what was paid stays, %(sum)s more to take", sum=money(done.difference))
    if done.difference < 0:
        text += _("; what was paid stays, %(sum)s to give back", sum=money(-done.difference))
    return text


def _moved(done: MovedOver, text: str, *, undo: str | None = None) -> ResponseReturnValue:
    visit = done.visit
    act = LastAct(
        text=text,
        ticket=visit.ticket,
        ticket_state=visit.status,
        who=hand.name_of(actor(), visit.patient_id) if is_htmx() else None,
        undo_url=url_for(undo, visit_id=visit.visit_id) if undo else None,
        undo_fields={"version": visit.version} if undo else {},
    )
    is_in_hand = is_htmx() and request.headers.get("HX-Target") == "hand"
    panel = show_visit(visit.visit_id) if is_in_hand else None
    return acted(act, redirect=url_for("reception.hand_visit", visit_id=visit.visit_id), panel=panel)


def _show(visit_id: UUID, typed: Mapping[str, str], errors: dict[str, str] | None = None) -> str:
    """Show where the visit can go and what that would change; a choice is a GET, so it needs no script."""
    who = actor()
    held = hand.visit(who, visit_id)
    if not moving.may_move(who, held, facility_day()):
        return show_visit(visit_id)
    clinic_id = forms.optional_id(typed, "to_clinic") or held.row.clinic_id
    is_same = clinic_id == held.row.clinic_id
    listed = organization.directory(who.organization_id).clinics_of(organization.facility(who).id)
    service_id, doctor_id = _chosen(typed, held if is_same else None)
    try:
        offer = offers.choices(who, clinic_id, service_id, doctor_id)
    except NotFound:  # chosen for the clinic before
        offer = offers.choices(who, clinic_id, None, None)
    chosen = offer.doctor.id if offer.doctor else None
    changes = (
        moving.preview(who, held, clinic_id, offer.service.id, chosen)
        if offer.service and (offer.service.id, chosen) != (held.row.service_id, held.row.doctor_id)
        else None
    )
    return show(
        "reception/desk/_move.html",
        held=held,
        offer=offer,
        clinics=listed,
        changes=changes,
        typed=typed,
        errors=errors or {},
        **here(held.row.clinic_id),
    )


def _chosen(typed: Mapping[str, str], held: hand.VisitInHand | None) -> tuple[UUID | None, UUID | None]:
    """What was chosen so far; until then, in the same clinic, what the visit has."""
    if "service" in typed or held is None:
        return forms.optional_id(typed, "service"), forms.optional_id(typed, "doctor")
    return held.row.service_id, held.row.doctor_id
