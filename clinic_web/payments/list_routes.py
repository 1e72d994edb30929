"""The cashier's list: on the payments page, and as a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response, request
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.kernel.listing import Asked
from clinic_web.organization import api as organization
from clinic_web.payments.models import PAID, PARTIALLY_PAID, PARTIALLY_REFUNDED, PENDING, REFUNDED, VOIDED
from clinic_web.payments.papers import what_for
from clinic_web.payments.queries import lists as queries
from clinic_web.payments.queries.lists import GRAMMAR, ListedPayment
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import local_name, say

STATE_WORDS = {
    PENDING: N_("To pay"),
    PARTIALLY_PAID: N_("Part paid"),
    PAID: N_("Paid"),
    PARTIALLY_REFUNDED: N_("Part refunded"),
    REFUNDED: N_("Refunded"),
    VOIDED: N_("Void"),
}
METHOD_WORDS = {
    "CASH": N_("Cash"),
    "VISA": N_("Card"),
    "BANK_TRANSFER": N_("Bank transfer"),
    "CREDIT_CARD": N_("Credit card"),
    "DEBIT_CARD": N_("Debit card"),
    "CHECK": N_("Cheque"),
    "INSURANCE": N_("Insurance"),
}


def show(around: Mapping[str, Any]) -> Response:
    """Answer with the list, on a page beside whatever ``around`` puts in hand."""
    return lists.show(PAYMENTS, _zone, **around)


def export() -> Response:
    return lists.export(PAYMENTS, _zone, request.args.getlist("id"))


def _zone(who: Actor) -> str:
    return organization.facility(who).timezone


def _look(who: Actor, asked: Asked) -> Looked:
    shown = queries.payments_page(who, asked)
    return Looked(
        ids=[row.id for row in shown.page.rows],
        context={"shown": shown, "page": shown.page, "methods": METHOD_WORDS, "day_long": timedelta(days=1)},
    )


def _heads() -> list[str]:
    return [
        _("Time"), _("Ticket"), _("Patient"), _("Patient number"), _("Clinic"), _("Doctor"), _("Service"),
        _("Method"), _("Currency"), _("Due"), _("Paid"), _("Left"), _("State"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    zone = _zone(who)
    for rows in queries.all_payments(who, asked, ids):
        yield Sheet(ids=[each.row.id for each in rows], cells=[_cells(each, zone) for each in rows])


def _cells(each: ListedPayment, zone: str) -> list[str]:
    row, patient, clinic, doctor = each.row, each.patient, each.clinic, each.doctor
    return [
        f"{clock.local(row.at, zone):%Y-%m-%d %H:%M}",
        row.ticket or "",
        patient.name if patient else "",
        patient.patient_number if patient else "",
        local_name(clinic.name, clinic.name_ar) if clinic else "",
        local_name(doctor.short_name, doctor.short_name_ar) if doctor else "",
        what_for(row.payable, each.service, row.reference),
        ", ".join(say(METHOD_WORDS[method]) for method in row.methods or ()),
        row.currency,
        str(row.total_amount),
        str(row.paid),
        str(row.balance_due),
        say(STATE_WORDS[row.status]),
    ]


PAYMENTS = Listing(
    name="payments",
    endpoint="payments.page",
    export_endpoint="payments.export",
    fragment="payments/_day.html",
    page="payments/page.html",
    permission="payment.view",
    action="payment.list",
    resource="payment",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=GRAMMAR,
    stand=queries.stand,
    look=_look,
    heads=_heads,
    sheets=_sheets,
    moment=lambda: queries.slot(clock.now()).isoformat(),
)
