"""The list of what is in stock, on a screen and as a file; and the sheet to count by."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import Response, request
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.inventory.queries import listing as queries
from clinic_web.inventory.queries.listing import ItemRow
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.kernel.listing import Asked
from clinic_web.organization import api as organization
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import say

STATE_WORDS = {
    "OK": N_("Enough"),
    "LOW": N_("Low"),
    "OUT": N_("Out of stock"),
    "SHUT": N_("Not kept any more"),
}


def show() -> Response:
    """Answer with the list."""
    return lists.show(STOCK, _zone)


def export() -> Response:
    """Answer with the list as a file."""
    return lists.export(STOCK, _zone, request.args.getlist("id"))


def _zone(who: Actor) -> str:
    return organization.facility(who).timezone


def _look(who: Actor, asked: Asked) -> Looked:
    page = queries.items_page(who, asked)
    return Looked(
        ids=[row.id for row in page.rows],
        context={
            "page": page,
            "states": {name: page.number_in(states) for name, states in queries.STATES.items()},
            "expiring": page.aside.get("expiring", 0),
        },
    )


def _heads() -> list[str]:
    return [
        _("Name"), _("Name in Arabic"), _("Product code"), _("Place"), _("On hand"), _("Reserved"),
        _("Free"), _("Counted in"), _("Reorder at"), _("Next expiry"), _("Cost of one"), _("State"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    for rows in queries.all_items(who, asked, ids):
        yield Sheet(ids=[row.id for row in rows], cells=[_cells(row) for row in rows])


def _cells(row: ItemRow) -> list[str]:
    return [
        row.item_name,
        row.item_name_ar or "",
        row.ndc_code or "",
        row.bin_location or "",
        str(row.quantity_on_hand),
        str(row.quantity_reserved),
        str(row.quantity_available),
        row.quantity_unit,
        str(row.reorder_point),
        row.next_expiry.isoformat() if row.next_expiry else "",
        str(row.unit_cost),
        say(STATE_WORDS[row.state]),
    ]


STOCK = Listing(
    name="stock",
    endpoint="inventory.page",
    export_endpoint="inventory.export",
    fragment="inventory/_items.html",
    page="inventory/items.html",
    permission="stock.view",
    action="stock.list",
    resource="inventory_item",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=queries.GRAMMAR,
    stand=queries.stand,
    look=_look,
    heads=_heads,
    sheets=_sheets,
)
