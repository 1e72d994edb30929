"""The stock's pages: the list, one item with its batches and movements, deliveries, counts, corrections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.catalog import api as catalog
from clinic_web.inventory import forms, list_routes
from clinic_web.inventory.access import adjustment_for, item_for, item_of_batch, today
from clinic_web.inventory.live import stock_topic
from clinic_web.inventory.queries.item import count_sheet, item_page
from clinic_web.inventory.service import correcting, keeping, receiving, setting_aside
from clinic_web.inventory.words import CORRECTION_WORDS, MOVEMENT_WORDS, STATUS_WORDS
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.organization import api as organization
from clinic_web.ui.texts import say
from clinic_web.ui.web import (
    LastAct,
    acted,
    actor,
    form_errors,
    form_key,
    needs,
    new_key,
    page_or_fragment,
    see_other,
)

bp = Blueprint("inventory", __name__, url_prefix="/inventory")

# Which form stands open on an item's page, and the right it takes; the last two are of one batch.
ACTS = {
    "receive": "stock.receive",
    "keep": "stock.adjust",
    "count": "stock.adjust",
    "correct": "stock.adjust",
    "aside": "stock.adjust",
}


@bp.get("")
@needs("stock.view")
def page() -> ResponseReturnValue:
    return list_routes.show()


@bp.get("/list.csv")
@needs("list.export", also="stock.view")
def export() -> ResponseReturnValue:
    return list_routes.export()


@bp.get("/sheet")
@needs("stock.view")
def sheet() -> str:
    facility = organization.facility(actor())
    return render_template(
        "inventory/sheet.html",
        facility=facility,
        lines=count_sheet(actor(), facility.id),
        today=today(actor(), facility.id),
    )


@bp.get("/new")
@needs("stock.receive")
def new() -> str:
    """Medicines of the formulary, to be kept in stock from now on."""
    typed = request.args.get("q", "")
    found = catalog.find_medications(actor(), typed)
    return page_or_fragment("inventory/new.html", "inventory/_new.html", typed=typed, found=found)


@bp.post("/new")
@needs("stock.receive")
def add() -> ResponseReturnValue:
    medication_id = request.form.get("medication_id", type=UUID)
    if medication_id is None:
        return see_other(url_for(".new"))
    item_id = receiving.stock(actor(), organization.facility(actor()).id, medication_id)
    return see_other(url_for(".item", stock_item_id=item_id, act="receive"))


@bp.get("/<uuid:stock_item_id>")
@needs("stock.view")
def item(stock_item_id: UUID) -> str:
    act = request.args.get("act", "")
    is_open = act in ACTS and actor().can(ACTS[act])
    return _item(
        stock_item_id,
        act=act if is_open else "",
        batch_id=request.args.get("batch", type=UUID),
        before=request.args.get("before", type=int),
    )


@bp.post("/<uuid:stock_item_id>/receive")
@needs("stock.receive")
def receive(stock_item_id: UUID) -> ResponseReturnValue:
    kept = item_for(actor(), stock_item_id)

    def do() -> None:
        delivery = forms.read_delivery(request.form)
        receiving.receive(actor(), kept.facility_id, kept.medication_id, delivery, key=form_key() or "")

    return _do(stock_item_id, "receive", do, _("Delivery taken into stock"))


@bp.post("/<uuid:stock_item_id>/keep")
@needs("stock.adjust")
def keep(stock_item_id: UUID) -> ResponseReturnValue:
    def do() -> None:
        version = request.form.get("version", type=int, default=0)
        keeping.keep(actor(), stock_item_id, forms.read_kept(request.form), version=version)

    return _do(stock_item_id, "keep", do, _("Changed"))


@bp.post("/batches/<uuid:batch_id>/count")
@needs("stock.adjust")
def count(batch_id: UUID) -> ResponseReturnValue:
    return _correct(batch_id, "count", _("Count written down"))


@bp.post("/batches/<uuid:batch_id>/correct")
@needs("stock.adjust")
def correct(batch_id: UUID) -> ResponseReturnValue:
    return _correct(batch_id, "correct", _("Stock corrected"))


def _correct(batch_id: UUID, act: str, sentence: str) -> ResponseReturnValue:
    kept = item_of_batch(actor(), batch_id)
    made: list[UUID] = []

    def do() -> None:
        if act == "count":
            found = forms.read_count(request.form)
            made.append(correcting.count(actor(), batch_id, found, key=form_key() or ""))
        else:
            change = forms.read_correction(request.form)
            made.append(correcting.adjust(actor(), batch_id, change, key=form_key() or ""))

    def undo_url() -> str | None:
        is_changed = adjustment_for(actor(), made[0]).quantity_difference
        return url_for(".undo", adjustment_id=made[0]) if is_changed else None

    return _do(kept.id, act, do, sentence, batch_id=batch_id, undo_url=undo_url)


@bp.post("/adjustments/<uuid:adjustment_id>/undo")
@needs("stock.adjust")
def undo(adjustment_id: UUID) -> ResponseReturnValue:
    item_id = adjustment_for(actor(), adjustment_id).inventory_item_id
    correcting.undo(actor(), adjustment_id)
    told = LastAct(text=_("Undone"))
    here = url_for(".item", stock_item_id=item_id)
    if request.headers.get("HX-Target") == "last-act":  # from the foot: the page fetches itself
        return acted(told, redirect=here)
    return acted(told, redirect=here, panel=_item(item_id))


@bp.post("/batches/<uuid:batch_id>/aside")
@needs("stock.adjust")
def aside(batch_id: UUID) -> ResponseReturnValue:
    kept = item_of_batch(actor(), batch_id)
    return _do(
        kept.id,
        "aside",
        lambda: setting_aside.set_aside(actor(), batch_id, request.form.get("reason", "")[:200]),
        _("Batch set aside"),
        batch_id=batch_id,
        undo_url=lambda: url_for(".use", batch_id=batch_id),
    )


@bp.post("/batches/<uuid:batch_id>/use")
@needs("stock.adjust")
def use(batch_id: UUID) -> ResponseReturnValue:
    kept = item_of_batch(actor(), batch_id)
    setting_aside.put_into_use(actor(), batch_id)
    told, here = LastAct(text=_("Batch in use again")), url_for(".item", stock_item_id=kept.id)
    if request.headers.get("HX-Target") == "last-act":
        return acted(told, redirect=here)
    return acted(told, redirect=here, panel=_item(kept.id))


def _do(
    item_id: UUID,
    act: str,
    do: Callable[[], object],
    sentence: str,
    *,
    batch_id: UUID | None = None,
    undo_url: Callable[[], str | None] | None = None,
) -> ResponseReturnValue:
    """Do it, or show the form again as it was typed, with a sentence at the field."""
    try:
        do()
    except (InvalidForm, RuleBroken, StaleScreen) as error:
        return make_response(_refused(item_id, act, error, batch_id), error.status)
    told = LastAct(text=sentence, undo_url=undo_url() if undo_url else None)
    return acted(told, redirect=url_for(".item", stock_item_id=item_id), panel=_item(item_id))


def _refused(item_id: UUID, act: str, error: DomainError, batch_id: UUID | None) -> str:
    moved = error.changes if isinstance(error, StaleScreen) else {}
    clash = [(say(label), str(had), str(now)) for label, (had, now) in moved.items()]
    return _item(
        item_id,
        act=act,
        batch_id=batch_id,
        typed=forms.typed(request.form),
        errors=form_errors(error),
        clash=clash,
    )


def _item(
    item_id: UUID, *, act: str = "", batch_id: UUID | None = None, before: int | None = None, **form: Any
) -> str:
    shown = item_page(actor(), item_id, before=before)
    batch = shown.batch(batch_id)
    if act in ("count", "correct", "aside") and batch is None:
        act = ""
    context: Mapping[str, Any] = {"typed": {}, "errors": {}, "clash": []} | form
    return page_or_fragment(
        "inventory/item.html",
        "inventory/_item.html",
        shown=shown,
        item=shown.item,
        act=act,
        batch=batch,
        before=before,
        key=new_key(),
        topic=stock_topic(shown.item.facility_id),
        currency=organization.facility(actor()).currency,
        movements=MOVEMENT_WORDS,
        statuses=STATUS_WORDS,
        corrections=CORRECTION_WORDS,
        **context,
    )
