"""Numbers on paper: reserve and print them, enter what was written on each slip, void what nobody used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from clinic_web.identity import api as identity
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.reception import forms, line_forms
from clinic_web.reception.queries import blocks as queries
from clinic_web.reception.queries import hand, offers
from clinic_web.reception.queries.blocks import OpenNumber
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.desk import show
from clinic_web.reception.routes.hand import here, show_visit
from clinic_web.reception.service import blocks as service
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs


@bp.get("/queues/<uuid:queue_id>/paper")
@needs("queue.reserve")
def blocks(queue_id: UUID) -> str:
    return render_template("reception/lines/paper.html", **_blocks(queue_id))


@bp.get("/queues/<uuid:queue_id>/paper/list")
@needs("queue.reserve")
def blocks_list(queue_id: UUID) -> str:
    return render_template("reception/lines/_blocks.html", **_blocks(queue_id))


@bp.post("/queues/<uuid:queue_id>/paper")
@needs("queue.reserve")
def reserve(queue_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        count = line_forms.whole(typed, "count")
        reason = forms.reason_of(typed)
        service.reserve(actor(), queue_id, count, reason, key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return _page_again(queue_id, error)
    text = ngettext("%(num)s number is reserved", "%(num)s numbers are reserved", count)
    panel = render_template("reception/lines/_reserve.html", **_blocks(queue_id)) if is_htmx() else None
    return acted(LastAct(text=text), redirect=url_for("reception.blocks", queue_id=queue_id), panel=panel)


@bp.get("/paper/<uuid:block_id>/slips")
@needs("queue.reserve")
def paper_slips(block_id: UUID) -> str:
    sheet = queries.sheet(actor(), block_id)
    return render_template("reception/lines/slips.html", sheet=sheet, is_roll=bool(request.args.get("roll")))


@bp.post("/paper/<uuid:block_id>/void")
@needs("queue.reserve")
def void_unused(block_id: UUID) -> ResponseReturnValue:
    queue_id = forms.required_id(request.form, "queue", N_("Choose one from the list."))
    try:
        which = line_forms.whole(request.form, "number") if request.form.get("number") else None
        count = service.void_unused(actor(), block_id, forms.reason_of(request.form), number=which)
    except (InvalidForm, RuleBroken) as error:
        return _void_again(queue_id, block_id, error)
    text = ngettext("%(num)s number is void", "%(num)s numbers are void", count)
    return acted(LastAct(text=text), redirect=url_for("reception.blocks", queue_id=queue_id))


@bp.get("/desk/hand/patient/<uuid:patient_id>/paper")
@needs("queue.reserve")
def entering(patient_id: UUID) -> str:
    return _entry(patient_id, request.args)


@bp.post("/desk/hand/patient/<uuid:patient_id>/paper")
@needs("queue.reserve")
def enter(patient_id: UUID) -> ResponseReturnValue:
    typed = request.form
    zone = organization.facility(actor()).timezone
    try:
        slip = line_forms.slip(typed, patient_id, _open_numbers(typed), zone)
        entered = service.enter(actor(), slip.block_id, slip.written, key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return make_response(_entry(patient_id, typed, errors=form_errors(error)), error.status)
    act = LastAct(text=_("entered from paper"), ticket=entered.ticket, ticket_state=entered.status)
    next_page = url_for("reception.hand_visit", visit_id=entered.visit_id)
    panel = show_visit(entered.visit_id) if is_htmx() else None
    return acted(act, redirect=next_page, panel=panel)


def _blocks(queue_id: UUID) -> dict[str, Any]:
    found = queries.blocks(actor(), queue_id)
    by = identity.names_of(actor(), {each.created_by for each in found.blocks if each.created_by})
    return {"shown": found, "line": found.line, "names": by, "typed": {}, "errors": {}, "asked": None}


def _page_again(queue_id: UUID, error: DomainError) -> ResponseReturnValue:
    shown = _blocks(queue_id) | {"typed": request.form, "errors": form_errors(error)}
    template = "reception/lines/_reserve.html" if is_htmx() else "reception/lines/paper.html"
    return make_response(render_template(template, **shown), error.status)


def _void_again(queue_id: UUID, block_id: UUID, error: DomainError) -> ResponseReturnValue:
    """The question stays open; the whole list is drawn again around it."""
    shown = _blocks(queue_id) | {"errors": {"void": form_errors(error)}, "asked": block_id}
    template = "reception/lines/_blocks.html" if is_htmx() else "reception/lines/paper.html"
    response = make_response(render_template(template, **shown), error.status)
    response.headers |= {"HX-Retarget": "#blocks", "HX-Reswap": "outerHTML"}
    return response


def _open_numbers(typed: Mapping[str, str]) -> list[OpenNumber]:
    clinic_id = forms.optional_id(typed, "clinic") or here()["clinic_id"]
    return queries.open_for_entry(actor(), clinic_id) if clinic_id else []


def _entry(patient_id: UUID, typed: Mapping[str, str], errors: dict[str, str] | None = None) -> str:
    who = actor()
    clinic_id = forms.optional_id(typed, "clinic") or here()["clinic_id"]
    held = hand.patient(who, patient_id)
    return show(
        "reception/desk/_paper.html",
        held=held,
        offer=offers.choices(
            who, clinic_id, forms.optional_id(typed, "service"), forms.optional_id(typed, "doctor")
        ),
        numbers=_open_numbers(typed),
        typed=typed,
        errors=errors or {},
        **here(clinic_id),
    )
