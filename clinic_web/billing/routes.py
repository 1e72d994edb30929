"""One bill: on a page, on paper, and what becomes of money that was taken for something that is off."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from clinic_web.billing.live import bills_topic
from clinic_web.billing.papers import paper_of
from clinic_web.billing.queries.one import BillInHand, Together, bill_in_hand, bills_beside, bills_of_visit
from clinic_web.billing.service import deciding
from clinic_web.billing.words import KINDS, MOVED, STATES, WHY_OFF
from clinic_web.kernel.errors import DomainError, RuleBroken, StaleScreen
from clinic_web.ui import pdf
from clinic_web.ui.texts import LANGUAGES, language, unit_price
from clinic_web.ui.web import LastAct, acted, actor, form_errors, needs, page_or_fragment

bp = Blueprint("billing", __name__)
DESK = "desk"  # where the panel stands when it is not on the payments page
WORDS = {"states": STATES, "kinds": KINDS, "moved": MOVED, "why_off": WHY_OFF}


@bp.get("/bills/<uuid:invoice_id>")
@needs("bill.view")
def bill(invoice_id: UUID) -> str:
    return _bill(bill_in_hand(actor(), invoice_id))


@bp.get("/bills/<uuid:invoice_id>/paper")
@needs("bill.view")
def bill_paper(invoice_id: UUID) -> str:
    """The bill as it is printed by the browser."""
    shown = bill_in_hand(actor(), invoice_id, action="bill.print")
    spoken = _language()
    with force_locale(spoken):
        return render_template(
            "billing/paper.html", words=paper_of(shown, spoken), bill=shown.bill, language=spoken
        )


@bp.get("/bills/<uuid:invoice_id>.pdf")
@needs("bill.view")
def bill_pdf(invoice_id: UUID) -> ResponseReturnValue:
    shown = bill_in_hand(actor(), invoice_id, action="bill.print")
    spoken = _language()
    response = make_response(pdf.render("invoice", paper_of(shown, spoken), spoken))
    response.mimetype = pdf.MIMETYPE
    response.headers["Content-Disposition"] = f'inline; filename="{shown.bill.invoice_number}.pdf"'
    return response


def _language() -> str:
    spoken = request.args.get("language")
    return spoken if spoken in LANGUAGES else language()


@bp.post("/bills/<uuid:invoice_id>/keep")
@needs("payment.refund", also="bill.view")
def keep(invoice_id: UUID) -> ResponseReturnValue:
    """What was paid stays; the other choice, giving it back, is a refund of the payment."""
    reason = request.form.get("reason", "")
    try:
        deciding.keep(actor(), invoice_id, reason)
    except (RuleBroken, StaleScreen) as error:
        return _refused(invoice_id, error, reason)
    undo = url_for(".ask_again", invoice_id=invoice_id)
    return _turned(invoice_id, LastAct(text=str(_("The money stays")), undo_url=undo))


@bp.post("/bills/<uuid:invoice_id>/ask-again")
@needs("payment.refund", also="bill.view")
def ask_again(invoice_id: UUID) -> ResponseReturnValue:
    try:
        deciding.ask_again(actor(), invoice_id)
    except StaleScreen as error:
        return _refused(invoice_id, error, "")
    return _turned(invoice_id, LastAct(text=str(_("What becomes of the money is open again"))))


def _turned(invoice_id: UUID, act: LastAct) -> ResponseReturnValue:
    shown = bill_in_hand(actor(), invoice_id) if request.headers.get("HX-Target") == "bill" else None
    return acted(act, redirect=url_for(".bill", invoice_id=invoice_id), panel=_bill(shown) if shown else None)


def _refused(invoice_id: UUID, error: DomainError, reason: str) -> ResponseReturnValue:
    shown = bill_in_hand(actor(), invoice_id)
    return _bill(shown, errors=form_errors(error), reason=reason), error.status


def _bill(shown: BillInHand, **context: Any) -> str:
    defaults: dict[str, Any] = {"errors": {}, "reason": ""}
    return page_or_fragment(
        "billing/one.html",
        "billing/_one.html",
        shown=shown,
        bill=shown.bill,
        words=WORDS,
        unit_price=unit_price,
        topic=bills_topic(shown.bill.clinic_id),
        **(defaults | context),
    )


@bp.get("/bills/of-visit/<uuid:visit_id>")
@needs("bill.view")
def visit_bills(visit_id: UUID) -> str:
    """The bills of a visit and of what was ordered in it, for the desk's pane."""
    here = url_for(".visit_bills", visit_id=visit_id, at=request.args.get("at"))
    return _together(bills_of_visit(actor(), visit_id), here)


@bp.get("/bills/of-payment/<uuid:payment_id>")
@needs("bill.view")
def payment_bills(payment_id: UUID) -> str:
    """The bill of a payment with those that belong to the same visit, for the cashier's pane."""
    here = url_for(".payment_bills", payment_id=payment_id, at=request.args.get("at"))
    return _together(bills_beside(actor(), payment_id), here, payment_id)


def _together(found: Together, here: str, in_hand: UUID | None = None) -> str:
    return page_or_fragment(
        "billing/together.html",
        "billing/_together.html",
        found=found,
        here=here,
        in_hand=in_hand,
        at=DESK if request.args.get("at") == DESK else "",
        words=WORDS,
        topics=found.topics,
    )
