"""The list of bills, on a screen and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.billing.queries import lists as queries
from clinic_web.billing.queries.bills import TYPES, Bill
from clinic_web.billing.queries.lists import GRAMMAR, STATES
from clinic_web.billing.routes import bp
from clinic_web.billing.words import KINDS
from clinic_web.billing.words import STATES as STATE_WORDS
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.kernel.listing import Asked
from clinic_web.organization import api as organization
from clinic_web.patients.api import PatientCard
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import local_name, say
from clinic_web.ui.web import needs

TABS = {
    "to-pay": N_("To pay"),
    "part-paid": N_("Part paid"),
    "paid": N_("Paid"),
    "refund-due": N_("Refund due"),
    "refunded": N_("Refunds"),
    "kept": N_("Money kept"),
    "void": N_("Void"),
}
ALWAYS = ("to-pay", "part-paid", "refund-due")


@bp.get("/bills")
@needs("bill.view")
def bills_list() -> ResponseReturnValue:
    return lists.show(BILLS, _zone)


@bp.get("/bills.csv")
@needs("list.export", also="bill.view")
def bills_file() -> ResponseReturnValue:
    return lists.export(BILLS, _zone, request.args.getlist("id"))


def _zone(who: Actor) -> str:
    return organization.facility(who).timezone


def _look(who: Actor, asked: Asked) -> Looked:
    page = queries.page(who, asked)
    directory = organization.directory(who.organization_id)
    context = {
        "page": page,
        "cards": queries.cards_of(who, page.rows, asked.get("patient")),
        "clinics": directory.clinics_of(organization.facility(who).id),
        "clinic_of": directory.clinics,
        "tabs": [
            (name, say(word), page.number_in(STATES[name]), name in ALWAYS) for name, word in TABS.items()
        ],
        "kinds": [(name, say(KINDS[kind])) for name, kind in TYPES.items()],
        "kind_words": KINDS,
        "state_words": STATE_WORDS,
    }
    return Looked(ids=[row.id for row in page.rows], context=context)


def _heads() -> list[str]:
    return [
        _("Time"), _("Bill"), _("Patient"), _("Patient number"), _("What for"), _("Clinic"), _("Currency"),
        _("Total"), _("Paid"), _("Left"), _("State"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    zone, directory = _zone(who), organization.directory(who.organization_id)
    for rows in queries.everything(who, asked, ids):
        cards = queries.cards_of(who, rows)
        cells = []
        for row in rows:
            clinic = directory.clinics.get(row.clinic_id)
            name = local_name(clinic.name, clinic.name_ar) if clinic else ""
            cells.append(_cells(row, cards.get(row.patient_id), name, zone))
        yield Sheet(ids=[row.id for row in rows], cells=cells)


def _cells(row: Bill, card: PatientCard | None, clinic: str, zone: str) -> list[str]:
    return [
        f"{clock.local(row.issued_at, zone):%Y-%m-%d %H:%M}",
        row.invoice_number,
        card.name if card else "",
        card.patient_number if card else "",
        say(KINDS[row.invoice_type]),
        clinic,
        row.currency,
        str(row.total_amount),
        str(row.paid_amount),
        str(row.balance_due),
        say(STATE_WORDS[row.status]),
    ]


BILLS = Listing(
    name="bills",
    endpoint="billing.bills_list",
    export_endpoint="billing.bills_file",
    fragment="billing/_list.html",
    page="billing/list.html",
    permission="bill.view",
    action="bill.list",
    resource="invoice",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=GRAMMAR,
    stand=queries.stand,
    look=_look,
    heads=_heads,
    sheets=_sheets,
)
