"""Another time for the tests of an order: the nearest, or any of a day."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.errors import RuleBroken
from clinic_web.lab import forms
from clinic_web.lab.queries import one
from clinic_web.lab.routes import bp
from clinic_web.lab.routes.work import SCHEDULE, hand, name_of, show_page
from clinic_web.lab.service import moving
from clinic_web.lab.service.moving import Moved, TimeGone
from clinic_web.organization import api as organization
from clinic_web.ui.texts import clock_time, day, say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs, new_key


@bp.get("/tests/<uuid:lab_order_id>/move", endpoint="move_form")
@needs(SCHEDULE)
def move_form(lab_order_id: UUID) -> ResponseReturnValue:
    return _form(lab_order_id, request.args)


@bp.post("/tests/<uuid:lab_order_id>/move")
@needs(SCHEDULE)
def move(lab_order_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        moved = moving.move(
            actor(),
            lab_order_id,
            forms.moment_of(typed.get("slot")),
            version=forms.version_of(typed),
            key=form_key(),
            alone=_is_alone(typed),
        )
    except TimeGone as error:
        shown = _form(lab_order_id, typed, {"slot": say(error)})
        return make_response(shown, error.status)
    except RuleBroken as error:
        return make_response(_form(lab_order_id, typed, form_errors(error)), error.status)
    return _said(moved, typed)


def _said(moved: Moved, typed: Mapping[str, str]) -> ResponseReturnValue:
    is_undo = bool(typed.get("undo"))
    timezone = organization.facility(actor()).timezone
    when = f"{day(clock.local(moved.starts_at, timezone).date())} {clock_time(moved.starts_at)}"
    fields: dict[str, str | int] = {
        "version": moved.version,
        "slot": moved.former.isoformat(),
        "idempotency_key": new_key(),
        "undo": "1",
        "alone": "1" if _is_alone(typed) else "",
    }
    can_undo = not is_undo and moved.former > clock.now()
    act = LastAct(
        text=_("now on %(when)s", when=when),
        who=name_of(moved.patient_id) if is_htmx() else None,
        undo_url=url_for("lab.move", lab_order_id=moved.lab_order_id) if can_undo else None,
        undo_fields=fields if can_undo else {},
    )
    url = url_for("lab.page", test_in_hand=moved.lab_order_id)
    panel = None
    if request.headers.get("HX-Target") == "hand":
        panel = hand(one.in_hand(actor(), moved.lab_order_id))
    return acted(act, redirect=url, panel=panel)


def _is_alone(typed: Mapping[str, str]) -> bool:
    return typed.get("alone") == "1"


def _form(lab_order_id: UUID, typed: Mapping[str, str], errors: dict[str, str] | None = None) -> str:
    offered = one.offered(actor(), lab_order_id, forms.day_of(typed.get("day")), alone=_is_alone(typed))
    shown = render_template(
        "lab/_move.html", offered=offered, held=offered.held, typed=typed, errors=errors or {}
    )
    return shown if is_htmx() else show_page(hand=shown)
