"""The list of orders, on a screen and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.kernel.listing import Asked
from clinic_web.orders import words
from clinic_web.orders.queries import lists as queries
from clinic_web.orders.queries.shown import Shown
from clinic_web.orders.routes import bp, zone
from clinic_web.patients import api as patients
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import local_name, say
from clinic_web.ui.web import actor, needs

TABS = {
    "attention": N_("Needs attention"),
    "under-way": N_("Under way"),
    "complete": N_("Complete"),
    "failed": N_("Failed"),
    "cancelled": N_("Cancelled"),
}


@bp.get("/orders")
@needs("order.view")
def orders_list() -> ResponseReturnValue:
    _open_whose()
    return lists.show(ORDERS, zone)


@bp.get("/orders.csv")
@needs("list.export", also="order.view")
def orders_file() -> ResponseReturnValue:
    _open_whose()
    return lists.export(ORDERS, zone, request.args.getlist("id"))


def _open_whose() -> None:
    """One patient's orders are a part of the chart. Raises ChartClosed (403)."""
    patient_id = request.args.get("patient", type=UUID)
    if patient_id is not None:
        patients.enter_chart(actor(), patient_id)


def _look(who: Actor, asked: Asked) -> Looked:
    listed = queries.orders_page(who, asked)
    return Looked(
        ids=[each.id for each in listed.orders],
        context={
            "listed": listed,
            "page": listed.page,
            "tabs": TABS,
            "line_of": words.line_of,
            "type_words": words.TYPE_WORDS,
            "type_icons": words.TYPE_ICONS,
            "priority_words": words.PRIORITY_WORDS,
        },
    )


def _heads() -> list[str]:
    return [
        _("Ordered"), _("Number"), _("Type"), _("Priority"), _("Patient"), _("Patient number"), _("Doctor"),
        _("Clinic"), _("What"), _("State"), _("Why"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    here = zone(who)
    for orders in queries.all_orders(who, asked, ids):
        yield Sheet(ids=[each.id for each in orders], cells=[_cells(each, here) for each in orders])


def _cells(each: Shown, here: str) -> list[str]:
    patient, doctor, clinic = each.patient, each.doctor, each.clinic
    return [
        f"{clock.local(each.created_at, here):%Y-%m-%d %H:%M}",
        each.order_number,
        say(words.TYPE_WORDS[each.order_type]),
        say(words.PRIORITY_WORDS[each.priority]),
        patient.name if patient else "",
        patient.patient_number if patient else "",
        local_name(doctor.short_name, doctor.short_name_ar) if doctor else "",
        local_name(clinic.name, clinic.name_ar) if clinic else "",
        "; ".join(local_name(item.name, item.name_ar) for item in each.items),
        say(words.STATUS_WORDS[each.status]),
        words.line_of(each).why,
    ]


ORDERS = Listing(
    name="orders",
    endpoint="orders.orders_list",
    export_endpoint="orders.orders_file",
    fragment="orders/_list.html",
    page="orders/list.html",
    permission="order.view",
    action="order.list",
    resource="order",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=queries.ASK,
    stand=queries.stand,
    look=_look,
    heads=_heads,
    sheets=_sheets,
    # Which rows there are depends on the person, for who does not meet every patient.
    is_kept=False,
)
