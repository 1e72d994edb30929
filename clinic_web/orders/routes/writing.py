"""Writing orders, changing and cancelling them, looking after those that need a human."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.catalog import api as catalog
from clinic_web.inventory import api as inventory
from clinic_web.inventory.api import OnShelf
from clinic_web.kernel.errors import N_, InvalidForm, RuleBroken, StaleScreen
from clinic_web.orders import forms
from clinic_web.orders.access import visit_for
from clinic_web.orders.forms import Typed
from clinic_web.orders.models import LAB, PRESCRIPTION
from clinic_web.orders.queries import shown
from clinic_web.orders.routes import bp, zone
from clinic_web.orders.service import ending, placing
from clinic_web.patients import api as patients
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs, new_key

NOTHING_LEFT = ""  # of the form that was sent, in its place
KINDS = {"prescription": PRESCRIPTION, "lab": LAB}


@bp.get("/orders/items")
@needs("order.write")
def items() -> str:
    """What can be ordered and matches what is typed."""
    kind = KINDS.get(request.args.get("kind", ""), PRESCRIPTION)
    typed = request.args.get("q", "")
    find: Any = catalog.find_lab_tests if kind == LAB else catalog.find_medications
    found = find(actor(), typed) if typed.strip() else []
    shelf = _shelf(actor().facility_id, kind, [each.id for each in found])
    return render_template("orders/_hits.html", found=found, kind=kind, typed=typed, shelf=shelf)


@bp.get("/orders/items/<uuid:item_id>/line")
@needs("order.write")
def line(item_id: UUID) -> ResponseReturnValue:
    """One line of the form, for what was chosen."""
    kind = KINDS.get(request.args.get("kind", ""), PRESCRIPTION)
    typed = forms.TypedLine(item_id=item_id, quantity="" if kind == PRESCRIPTION else "1")
    form = Typed(order_type=kind, lines=(typed,))
    cards = _cards(form)
    if item_id not in cards:
        return "", 404
    return render_template(
        "orders/_typed_line.html",
        typed=typed,
        card=cards[item_id],
        shelf=_shelf(actor().facility_id, kind, [item_id]),
        form=form,
        errors={},
        at=0,
        is_new=True,
    )


@bp.get("/visits/<uuid:visit_id>/orders/new")
@needs("order.write")
def new(visit_id: UUID) -> ResponseReturnValue:
    visit = visit_for(actor(), visit_id)
    patients.enter_chart(actor(), visit.patient_id)
    kind = KINDS.get(request.args.get("kind", ""), PRESCRIPTION)
    url = url_for("orders.place", visit_id=visit_id)
    return _form(url, Typed(order_type=kind), {"visit_id": visit_id}, visit.patient_id)


@bp.post("/visits/<uuid:visit_id>/orders")
@needs("order.write")
def place(visit_id: UUID) -> ResponseReturnValue:
    visit = visit_for(actor(), visit_id)
    patients.enter_chart(actor(), visit.patient_id)
    form = forms.typed(request.form)
    try:
        order = forms.new_order(form, visit_id, zone(actor()))
        placed = placing.place(actor(), order, key=form_key())
    except (RuleBroken, InvalidForm) as error:
        url = url_for("orders.place", visit_id=visit_id)
        return _form(url, form, {"visit_id": visit_id}, visit.patient_id, form_errors(error))
    return _ordered(placed, visit_id)


@bp.get("/orders/<uuid:order_id>/change")
@needs("order.write")
def changing(order_id: UUID) -> ResponseReturnValue:
    order = shown.one(actor(), order_id)
    form = forms.of_order(order, zone(actor()))
    return _form(url_for("orders.change", order_id=order_id), form, {"changes": order}, order.patient_id)


@bp.post("/orders/<uuid:order_id>/change")
@needs("order.write")
def change(order_id: UUID) -> ResponseReturnValue:
    before = shown.one(actor(), order_id)
    form = replace(forms.typed(request.form), order_type=before.order_type)
    try:
        order = forms.new_order(form, before.visit_id, zone(actor()))
        placed = placing.change(actor(), order_id, order, key=form_key())
    except (RuleBroken, InvalidForm) as error:
        url = url_for("orders.change", order_id=order_id)
        return _form(url, form, {"changes": before}, before.patient_id, form_errors(error))
    return _ordered(placed, before.visit_id)


@bp.post("/orders/<uuid:order_id>/retry")
@needs("order.write")
def retry(order_id: UUID) -> ResponseReturnValue:
    before = shown.one(actor(), order_id)
    return _ordered(placing.retry(actor(), order_id, key=form_key()), before.visit_id, panel=None)


@bp.get("/orders/<uuid:order_id>/cancel")
@needs("order.cancel")
def cancelling(order_id: UUID) -> ResponseReturnValue:
    return _ask(order_id, "cancel")


@bp.post("/orders/<uuid:order_id>/cancel")
@needs("order.cancel")
def cancel(order_id: UUID) -> ResponseReturnValue:
    try:
        order = ending.cancel(actor(), order_id, request.form.get("reason", ""))
    except RuleBroken as error:
        return _ask(order_id, "cancel", say(error))
    return _said(order_id, _("%(number)s is being cancelled", number=order.order_number))


@bp.get("/orders/<uuid:order_id>/close")
@needs("order.cancel")
def closing(order_id: UUID) -> ResponseReturnValue:
    return _ask(order_id, "close")


@bp.post("/orders/<uuid:order_id>/close")
@needs("order.cancel")
def close(order_id: UUID) -> ResponseReturnValue:
    try:
        order = ending.close(actor(), order_id, request.form.get("reason", ""))
    except RuleBroken as error:
        return _ask(order_id, "close", say(error))
    return _said(order_id, _("%(number)s is closed", number=order.order_number))


@bp.post("/orders/<uuid:order_id>/again")
@needs("order.cancel")
def again(order_id: UUID) -> ResponseReturnValue:
    order = ending.ask_again(actor(), order_id)
    return _said(order_id, _("%(number)s is asked for again", number=order.order_number), panel=None)


# What is written again and again; the field offers them as one types.
PHRASES = (
    N_("1 once a day"),
    N_("1 twice a day"),
    N_("1 three times a day"),
    N_("1 every 8 hours"),
    N_("1 at night"),
    N_("1 in the morning before food"),
    N_("1 three times a day after food"),
    N_("1 when needed, at most 4 a day"),
    N_("5 ml three times a day"),
    N_("Apply twice a day"),
    N_("2 drops in each eye four times a day"),
    N_("For 5 days"),
    N_("For 7 days"),
)


def _form(
    url: str,
    form: Typed,
    around: dict[str, Any],
    patient_id: UUID,
    errors: dict[str, str] | None = None,
) -> ResponseReturnValue:
    template = "orders/_form.html" if is_htmx() else "orders/form_page.html"
    body = render_template(
        template,
        url=url,
        form=form,
        cards=_cards(form),
        shelf=_shelf(actor().facility_id, form.order_type, [each.item_id for each in form.lines]),
        errors=errors or {},
        key=form_key() or new_key(),
        phrases=[say(each) for each in PHRASES] if form.order_type == PRESCRIPTION else [],
        allergies=patients.allergies_of(actor(), [patient_id]),
        **({"visit_id": None, "changes": None} | around),
    )
    return make_response(body, 422 if errors else 200)


def _shelf(facility_id: UUID | None, kind: str, ids: list[UUID]) -> dict[UUID, OnShelf]:
    """What is free on the shelf of the place where one works; of tests there is none."""
    if facility_id is None or kind == LAB:
        return {}
    return inventory.on_shelf(actor(), facility_id, ids)


def _cards(form: Typed) -> dict[UUID, Any]:
    ids = {each.item_id for each in form.lines}
    if form.order_type == LAB:
        return dict(catalog.lab_tests(actor(), ids))
    return dict(catalog.medications(actor(), ids))


def _ask(order_id: UUID, act: str, error: str | None = None) -> ResponseReturnValue:
    """The question why, in place; or the refusal, when the order has moved on."""
    order = shown.one(actor(), order_id)
    if act == "cancel" and not order.may_be_cancelled:
        raise StaleScreen(ending.IS_NOW[order.status], number=order.order_number)
    template = "orders/_ask.html" if is_htmx() else "orders/ask_page.html"
    typed = request.form.get("reason", "")
    body = render_template(template, order=order, act=act, error=error, reason=typed)
    return make_response(body, 422 if error else 200)


def _ordered(
    placed: placing.Placed, visit_id: UUID | None, *, panel: str | None = NOTHING_LEFT
) -> ResponseReturnValue:
    act = LastAct(text=_("%(number)s is ordered", number=placed.order_number))
    to = url_for("orders.order", order_id=placed.order_id)
    if visit_id is not None:
        to = url_for("orders.of_visit", visit_id=visit_id)
    return acted(act, redirect=to, panel=panel)


def _said(order_id: UUID, text: str, *, panel: str | None = NOTHING_LEFT) -> ResponseReturnValue:
    return acted(LastAct(text=text), redirect=url_for("orders.order", order_id=order_id), panel=panel)
