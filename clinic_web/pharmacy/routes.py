"""The pharmacy's page: its worklist, the prescription in hand, handing over, releasing, labels."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from clinic_web.kernel.errors import BadRequest, InvalidForm, NotFound, RuleBroken, StaleScreen
from clinic_web.organization import api as organization
from clinic_web.pharmacy import forms, labels
from clinic_web.pharmacy.forms import Typed
from clinic_web.pharmacy.queries.in_hand import InHand, in_hand
from clinic_web.pharmacy.queries.worklist import LISTS, WAITING, worklist
from clinic_web.pharmacy.service import dispensing, releasing
from clinic_web.pharmacy.service.dispensing import Done
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs

bp = Blueprint("pharmacy", __name__, url_prefix="/pharmacy")

# Of the panel: whether it asks why stock is released, what was typed, what is wrong, what moved on meanwhile.
NOTHING_DONE: dict[str, Any] = {"is_releasing": False, "typed": Typed(), "errors": {}, "clash": None}


@bp.get("")
@needs("pharmacy.view")
def page() -> ResponseReturnValue:
    """The worklist; with ``order`` that prescription in hand beside it."""
    order_id = request.args.get("order", type=UUID)
    if is_htmx():
        return render_template("pharmacy/_list.html", **_listed())
    return _page(in_hand(actor(), order_id) if order_id else None)


@bp.get("/orders/<uuid:order_id>/panel")
@needs("pharmacy.view")
def panel(order_id: UUID) -> ResponseReturnValue:
    if not is_htmx():
        return redirect(url_for(".page", order=order_id))
    return _panel(in_hand(actor(), order_id))


@bp.post("/orders/<uuid:order_id>/dispense")
@needs("pharmacy.dispense")
def dispense(order_id: UUID) -> ResponseReturnValue:
    """Hand over what stands in the fields; a form without them hands over all that is held."""
    typed = Typed.of(request.form)
    try:
        done = dispensing.dispense(
            actor(),
            order_id,
            version=_version(),
            quantities=forms.read_quantities(typed),
            key=form_key(),
        )
    except (RuleBroken, InvalidForm) as error:
        return _refused(order_id, 422, typed=typed, errors=form_errors(error))
    except StaleScreen as error:
        return _refused(order_id, 409, typed=typed, clash=say(error))
    return _handed_over(done)


def _handed_over(done: Done) -> ResponseReturnValue:
    shown = in_hand(actor(), done.order_id)
    act = LastAct(
        text=_("Everything was handed over") if done.is_whole else _("A part was handed over"),
        ticket=shown.at.ticket if shown.at else None,
        ticket_state=_state(shown),
        who=shown.card.name if shown.card else None,
        undo_url=url_for(".undo", dispensing_id=done.dispensing_id),
        undo_fields={"version": done.version},
    )
    return acted(act, redirect=url_for(".page", order=done.order_id), panel=_panel(shown))


@bp.post("/dispensings/<uuid:dispensing_id>/undo")
@needs("pharmacy.dispense")
def undo(dispensing_id: UUID) -> ResponseReturnValue:
    done = dispensing.undo(actor(), dispensing_id, version=_version())
    act = LastAct(
        text=_("Put back on the shelf and held again") if done.is_held else _("Put back on the shelf")
    )
    return acted(act, redirect=url_for(".page", order=done.order_id))


@bp.get("/orders/<uuid:order_id>/release")
@needs("pharmacy.dispense")
def ask_release(order_id: UUID) -> ResponseReturnValue:
    """The panel, asking why."""
    shown = in_hand(actor(), order_id)
    return _panel(shown, is_releasing=True) if is_htmx() else _page(shown, is_releasing=True)


@bp.post("/orders/<uuid:order_id>/release")
@needs("pharmacy.dispense")
def release(order_id: UUID) -> ResponseReturnValue:
    typed = Typed.of(request.form)
    try:
        releasing.release(actor(), order_id, version=_version(), reason=typed.reason)
    except RuleBroken as error:
        return _refused(order_id, 422, is_releasing=True, typed=typed, errors=form_errors(error))
    except StaleScreen as error:
        return _refused(order_id, 409, typed=typed, clash=say(error))
    act = LastAct(text=_("The stock was released"))
    panel = _panel(in_hand(actor(), order_id)) if is_htmx() else None
    return acted(act, redirect=url_for(".page", order=order_id), panel=panel)


@bp.get("/orders/<uuid:order_id>/labels")
@needs("pharmacy.dispense")
def print_labels(order_id: UUID) -> ResponseReturnValue:
    """What is stuck on the boxes: of one dispensing, or of all that is held."""
    shown = in_hand(actor(), order_id)
    printed = labels.of(actor(), shown, request.args.get("dispensing", type=UUID))
    facility = organization.facility(actor())
    return render_template("pharmacy/labels.html", shown=shown, labels=printed, facility=facility)


def _page(shown: InHand | None, **context: Any) -> str:
    return render_template("pharmacy/page.html", **_listed(), **_in_hand(shown, **context))


def _listed() -> dict[str, Any]:
    which = request.args.get("show") or WAITING
    if which not in LISTS:
        raise NotFound
    return {"list": worklist(actor(), which)}


def _panel(shown: InHand, **context: Any) -> str:
    return render_template("pharmacy/_panel.html", **_in_hand(shown, **context))


def _in_hand(shown: InHand | None, **context: Any) -> dict[str, Any]:
    order_id = shown.prescription.order_id if shown else None
    return {
        **NOTHING_DONE,
        **context,
        "shown": shown,
        "user_id": actor().user_id,
        "order_panel": _others_panel(f"/orders/{order_id}/panel", "order.view") if order_id else None,
    }


def _others_panel(address: str, permission: str) -> str | None:
    """Return the address of another module's panel where there is one for who asks; it is fetched by the
    browser, under that module's own rules."""
    if not actor().can(permission):
        return None
    try:
        current_app.url_map.bind("").match(address, "GET")
    except HTTPException:
        return None
    return address


def _refused(order_id: UUID, status: int, **context: Any) -> ResponseReturnValue:
    """Show the panel again as it is now, with what was typed and what is wrong."""
    shown = in_hand(actor(), order_id)
    return (_panel(shown, **context) if is_htmx() else _page(shown, **context)), status


def _state(shown: InHand) -> str | None:
    """What the edge of the ticket says: where it stands in the pharmacy's line, or else in its visit."""
    return (shown.at.status or shown.at.visit_status) if shown.at else None


def _version() -> int:
    version = request.form.get("version", type=int)
    if version is None:
        raise BadRequest(_("This form is too old or incomplete. Please open the page again."))
    return version
