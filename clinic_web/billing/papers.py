"""A bill's words and figures in the language of the paper: the same for the page and the PDF."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from clinic_web.billing.queries.one import BillInHand, Line
from clinic_web.billing.words import KINDS, MOVED, STATES
from clinic_web.organization.api import FacilityInfo
from clinic_web.ui.texts import clock_time, currency_sign, day, local_name, money, number, say, unit_price


def paper_of(shown: BillInHand, language: str) -> dict[str, Any]:
    """Return what ``templates/pdf/invoice.typ`` and ``billing/paper.html`` place, in ``language``."""
    bill = shown.bill
    sign = currency_sign(bill.currency)
    with force_locale(language):
        sums = [[str(_("Total")), f"{money(bill.total_amount)} {sign}", "strong"]]
        if bill.discount_amount:
            sums = [
                [str(_("Sum")), money(bill.subtotal), "plain"],
                [str(_("Waived")), f"−{money(bill.discount_amount)}", "plain"],
                *sums,
            ]
        moved = [
            [
                f"{say(MOVED[each.allocation_type])}, {day(each.allocated_at, 'd MMM y')}",
                _signed(-each.allocated_amount),
                "quiet",
            ]
            for each in shown.settled
        ]
        return {
            "title": str(_("Bill")),
            "number": bill.invoice_number,
            "at": f"{day(bill.issued_at, 'd MMM y')} {clock_time(bill.issued_at)}",
            "issuer": _name(shown.facility),
            "place": [local_name(shown.clinic.name, shown.clinic.name_ar)] if shown.clinic else [],
            **_house(shown.facility),
            "patient": shown.patient.name if shown.patient else "",
            "facts": _facts(shown),
            "heads": [str(_("What")), str(_("Quantity")), str(_("One")), str(_("Sum"))],
            "lines": [_line(each) for each in shown.lines],
            "sums": [*sums, *moved],
            "result": [str(_("Left to pay")), f"{money(bill.balance_due)} {sign}"],
            "state": say(STATES[bill.status]),
        }


def _name(facility: FacilityInfo | None) -> str:
    return local_name(facility.name, facility.name_ar) if facility else ""


def _house(facility: FacilityInfo | None) -> dict[str, str | None]:
    if facility is None:
        return {"address": "", "phone": None, "registration": ""}
    address, registration = facility.address or facility.address_ar, facility.registration
    return {
        "address": local_name(address or "", facility.address_ar),
        "phone": facility.phone,
        "registration": local_name(registration or facility.registration_ar or "", facility.registration_ar),
    }


def _facts(shown: BillInHand) -> list[list[str]]:
    facts = [[str(_("What for")), say(KINDS[shown.bill.invoice_type])]]
    if shown.patient:
        facts.append([str(_("Patient number")), shown.patient.patient_number])
    if shown.doctor:
        doctor = shown.doctor
        facts.append([str(_("Doctor")), local_name(doctor.short_name, doctor.short_name_ar)])
    return facts


def _line(line: Line) -> list[str]:
    return [
        local_name(line.item_name, line.item_name_ar),
        number(line.quantity),
        unit_price(line.unit_price),
        money(line.line_total),
    ]


def _signed(amount: Decimal) -> str:
    return f"−{money(-amount)}" if amount < 0 else money(amount)
