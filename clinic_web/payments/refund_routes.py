"""Giving money back, correcting receipts and voiding, in the payment's panel; the books."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import InvalidForm, RuleBroken, StaleScreen
from clinic_web.payments import forms
from clinic_web.payments.forms import TypedBack
from clinic_web.payments.models import BANK_TRANSFER, CASH, DESK_METHODS, VISA
from clinic_web.payments.queries.receipts import Receipt
from clinic_web.payments.routes import PENDING_PAYMENT, beside_list, bp, clash_of, panel_fragment
from clinic_web.payments.service import limits, refunding, viewing, voiding
from clinic_web.payments.service.viewing import Panel
from clinic_web.ui.texts import currency_sign, money
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs
from clinic_web.ui.who import require_fresh

REFUND, CORRECT, VOID, BOOKS = "refund", "correct", "void", "books"


@bp.get("/<uuid:payment_id>/refund")
@needs("payment.refund")
def refund_form(payment_id: UUID) -> ResponseReturnValue:
    shown = viewing.panel(actor(), payment_id)
    paid_by = [each.method for each in shown.bill.movements if each.method in DESK_METHODS]
    typed = TypedBack(money(shown.refund_limit), paid_by[-1] if paid_by else CASH)
    return _show(shown, act=REFUND, typed=typed)


@bp.post("/<uuid:payment_id>/refund")
@needs("payment.refund")
def refund(payment_id: UUID) -> ResponseReturnValue:
    typed = TypedBack.of(request.form)

    def give() -> Receipt:
        amount = forms.read_back(typed)
        if limits.is_above_everybodys(actor(), amount):
            require_fresh()
        return refunding.refund(
            actor(),
            payment_id=payment_id,
            amount=amount,
            method=typed.method,
            reason=typed.reason,
            key=form_key(),
        )

    return _act(give, lambda: viewing.panel(actor(), payment_id), REFUND, typed)


@bp.get("/<uuid:payment_id>/receipts/<uuid:receipt_id>/correct")
@needs("payment.refund")
def correct_form(payment_id: UUID, receipt_id: UUID) -> ResponseReturnValue:
    shown = viewing.panel(actor(), payment_id, receipt_id)
    wrong = shown.receipt_in_hand
    return _show(shown, act=CORRECT, typed=TypedBack(money(wrong.amount), wrong.method))


@bp.post("/<uuid:payment_id>/receipts/<uuid:receipt_id>/correct")
@needs("payment.refund")
def correct(payment_id: UUID, receipt_id: UUID) -> ResponseReturnValue:
    typed = TypedBack.of(request.form)

    def put_right() -> Receipt:
        return refunding.correct(
            actor(),
            transaction_id=receipt_id,
            amount=forms.read_back(typed),
            method=typed.method,
            reason=typed.reason,
            key=form_key(),
        )

    return _act(put_right, lambda: viewing.panel(actor(), payment_id, receipt_id), CORRECT, typed)


def _act(
    give: Callable[[], Receipt], panel: Callable[[], Panel], act: str, typed: TypedBack
) -> ResponseReturnValue:
    """Do it, and show the receipt; or the form again with what was typed and what is wrong."""
    try:
        receipt = give()
    except (RuleBroken, InvalidForm) as error:
        return _show(panel(), 422, act=act, typed=typed, errors=form_errors(error))
    except StaleScreen as error:
        return _show(panel(), 409, act=act, typed=typed, clash=clash_of(error))
    url = url_for(".page", payment=receipt.payment_id, receipt=receipt.transaction_id)
    if not is_htmx():
        return acted(_last_act(receipt, None), redirect=url)
    shown = viewing.panel(actor(), receipt.payment_id, receipt.transaction_id)
    fragment = panel_fragment(shown, at=request.form.get("at"))
    return acted(_last_act(receipt, shown), redirect=url, panel=fragment)


def _last_act(receipt: Receipt, shown: Panel | None) -> LastAct:
    values = {
        "amount": money(receipt.amount),
        "currency": currency_sign(receipt.currency),
        "number": receipt.number,
    }
    state = (shown.visit_state if shown else None) or (None if receipt.is_settled else PENDING_PAYMENT)
    return LastAct(
        text=_say_done(receipt) % values,
        ticket=receipt.ticket if state else None,
        ticket_state=state,
        who=shown.patient.name if shown and shown.patient else None,
    )


def _say_done(receipt: Receipt) -> str:
    if receipt.reverses_id:
        return str(_("Taken back as a mistake: %(amount)s %(currency)s, receipt %(number)s"))
    if receipt.replaces_id:
        return str(_("Corrected to %(amount)s %(currency)s, receipt %(number)s"))
    sentences = {
        CASH: _("Gave back %(amount)s %(currency)s in cash, receipt %(number)s"),
        VISA: _("Gave back %(amount)s %(currency)s to the card, receipt %(number)s"),
        BANK_TRANSFER: _("Gave back %(amount)s %(currency)s by transfer, receipt %(number)s"),
    }
    return str(sentences[receipt.method])


@bp.get("/<uuid:payment_id>/void")
@needs("payment.void")
def void_form(payment_id: UUID) -> ResponseReturnValue:
    return _show(viewing.panel(actor(), payment_id), act=VOID, typed=TypedBack())


@bp.post("/<uuid:payment_id>/void")
@needs("payment.void")
def void(payment_id: UUID) -> ResponseReturnValue:
    typed = TypedBack.of(request.form)
    try:
        voiding.void(actor(), payment_id, typed.reason)
    except RuleBroken as error:
        shown = viewing.panel(actor(), payment_id)
        return _show(shown, 422, act=VOID, typed=typed, errors=form_errors(error))
    except StaleScreen as error:
        shown = viewing.panel(actor(), payment_id)
        return _show(shown, 409, act=VOID, typed=typed, clash=clash_of(error))
    return _turned(payment_id, str(_("Payment voided")), undo_url=url_for(".reopen", payment_id=payment_id))


@bp.post("/<uuid:payment_id>/reopen")
@needs("payment.void")
def reopen(payment_id: UUID) -> ResponseReturnValue:
    """Undo a void: from the foot's last line, or from the panel of the void payment."""
    voiding.reopen(actor(), payment_id)
    return _turned(payment_id, str(_("Payment is owed again")))


def _turned(payment_id: UUID, text: str, *, undo_url: str | None = None) -> ResponseReturnValue:
    shown = viewing.panel(actor(), payment_id)
    act = LastAct(
        text=text,
        who=shown.patient.name if shown.patient and is_htmx() else None,
        undo_url=undo_url,
    )
    in_panel = request.headers.get("HX-Target") == "payment-panel"
    fragment = panel_fragment(shown, at=request.form.get("at")) if in_panel else None
    return acted(act, redirect=url_for(".page", payment=payment_id), panel=fragment)


@bp.get("/<uuid:payment_id>/books")
@needs("payment.view")
def books(payment_id: UUID) -> ResponseReturnValue:
    """What the ledger holds of the payment, movement by movement."""
    found = viewing.books_panel(actor(), payment_id)
    return _show(found.panel, act=BOOKS, books=found.books, doctors=found.doctors)


def _show(shown: Panel, status: int = 200, **context: Any) -> Response:
    """Render the panel for htmx; the whole page with it for a browser without JavaScript."""
    at = request.args.get("at") or request.form.get("at")
    page = panel_fragment(shown, at=at, **context) if is_htmx() else beside_list(shown, **context)
    response = make_response(page)
    response.status_code = status
    return response
