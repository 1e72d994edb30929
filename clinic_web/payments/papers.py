"""A receipt's words and figures, in the language of the paper: the same for the page and the PDF."""

from __future__ import annotations

from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _

from clinic_web.organization.api import FacilityInfo, ServiceInfo, StaffInfo
from clinic_web.payments.models import LAB, PRESCRIPTION
from clinic_web.payments.queries.receipts import Receipt
from clinic_web.payments.service.viewing import Panel
from clinic_web.ui.texts import clock_time, currency_sign, day, local_name, money

SLIP, A4 = "slip", "a4"
PAPERS = (SLIP, A4)
PLAIN, STRONG, QUIET = "plain", "strong", "quiet"


def paper_of(panel: Panel, *, paper: str, language: str, is_copy: bool) -> dict[str, Any]:
    """Return what ``templates/pdf/receipt.typ`` and ``payments/paper.html`` place, in ``language``."""
    receipt = panel.receipt_in_hand
    with force_locale(language):
        return {
            "title": str(_("Refund") if receipt.is_refund else _("Receipt")),
            "paper": paper,
            "issuer": local_name(panel.facility.name, panel.facility.name_ar) if panel.facility else "",
            "place": [local_name(panel.clinic.name, panel.clinic.name_ar)] if panel.clinic else [],
            **issued_by(panel.facility),
            "copy": str(_("Copy")) if is_copy else None,
            "number": receipt.number,
            "at": f"{day(receipt.taken_at, 'd MMM y')} {clock_time(receipt.taken_at)}",
            "ticket": receipt.ticket,
            "patient": panel.patient.name if panel.patient else "",
            "facts": _facts(panel),
            "lines": _lines(panel, receipt),
            "result": _result(receipt),
            "notes": _notes(receipt),
        }


def issued_by(facility: FacilityInfo | None) -> dict[str, str | None]:
    """Return where the facility is, its telephone and its tax line, in the language of the paper."""
    return {
        "address": local_name(facility.address or facility.address_ar or "", facility.address_ar)
        if facility
        else "",
        "phone": facility.phone if facility else None,
        "registration": local_name(
            facility.registration or facility.registration_ar or "", facility.registration_ar
        )
        if facility
        else "",
    }


def _facts(panel: Panel) -> list[list[str]]:
    facts = [[str(_("Patient number")), panel.patient.patient_number]] if panel.patient else []
    return facts + ([[str(_("Doctor")), doctor_name(panel.doctor)]] if panel.doctor else [])


def what_for(payable: str, service: ServiceInfo | None, reference: str | None) -> str:
    """Return what a payment is for: the visit's service, or an order with the number of its bill."""
    if payable == PRESCRIPTION:
        return str(_("Medicines, bill %(number)s", number=reference))
    if payable == LAB:
        return str(_("Laboratory, bill %(number)s", number=reference))
    return local_name(service.name, service.name_ar) if service else str(_("Visit"))


def doctor_name(doctor: StaffInfo) -> str:
    return local_name(doctor.short_name, doctor.short_name_ar)


def _lines(panel: Panel, receipt: Receipt) -> list[list[str]]:
    what = what_for(receipt.payable, panel.service, receipt.reference)
    lines = [[what, money(receipt.total_amount), PLAIN]]
    if receipt.is_refund:
        return [*lines, [paid_back(receipt.method), money(receipt.amount), STRONG]]
    before = receipt.total_amount - receipt.left_to_pay - receipt.amount + receipt.credit
    if before:
        lines.append([str(_("Paid before")), f"−{money(before)}", QUIET])
    lines.append([paid_by(receipt.method), f"−{money(receipt.amount - receipt.credit)}", STRONG])
    if receipt.credit:
        lines.append([str(_("Paid too much, kept as credit")), money(receipt.credit), QUIET])
    if receipt.handed_over is not None:
        lines.append([str(_("Handed over")), money(receipt.handed_over), QUIET])
        lines.append([str(_("Give back")), money(receipt.change), STRONG])
    return lines


def _result(receipt: Receipt) -> list[str]:
    sign = currency_sign(receipt.currency)
    if receipt.is_refund and not receipt.reverses_id:
        return [str(_("Given back")), f"{money(receipt.amount)} {sign}"]
    return [str(_("Left to pay")), f"{money(receipt.left_to_pay)} {sign}"]


def _notes(receipt: Receipt) -> list[str]:
    notes = [str(_("Reason: %(reason)s", reason=receipt.reason))] if receipt.reason else []
    if receipt.taken_by:
        by = _("Given back by %(name)s") if receipt.is_refund else _("Taken by %(name)s")
        notes.append(str(by) % {"name": receipt.taken_by})
    return [*notes, receipt.payment_number]


def paid_by(method: str) -> str:
    """Return how money came, as a receipt says it."""
    words = {
        "CASH": _("Paid in cash"),
        "VISA": _("Paid by card"),
        "BANK_TRANSFER": _("Paid by transfer"),
        "CREDIT_CARD": _("Paid by credit card"),
        "DEBIT_CARD": _("Paid by debit card"),
        "CHECK": _("Paid by cheque"),
        "INSURANCE": _("Paid by insurance"),
    }
    return str(words[method])


def paid_back(method: str) -> str:
    """Return how money went back."""
    words = {
        "CASH": _("Given back in cash"),
        "VISA": _("Given back to the card"),
        "BANK_TRANSFER": _("Given back by transfer"),
    }
    return str(words.get(method) or _("Given back"))
