"""The payments page and the panel that takes money, on that page or at the desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import InvalidForm, RuleBroken, StaleScreen
from clinic_web.payments import forms, list_routes
from clinic_web.payments.models import CASH, VISA
from clinic_web.payments.queries.receipts import Receipt
from clinic_web.payments.service import taking, viewing
from clinic_web.payments.service.viewing import Panel
from clinic_web.ui.texts import currency_sign, money, say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs

bp = Blueprint("payments", __name__, url_prefix="/payments")

PENDING_PAYMENT = (
    "PENDING_PAYMENT"  # the edge of a ticket whose visit nobody tells about, while money is owed
)
DESK = "desk"  # where the panel stands when it is not on the payments page
# Of the panel: which form stands in it, what was typed there, what is wrong, what changed meanwhile; the
# ledger, and the doctors in it; and for a receipt whether it is a copy, and goes to paper now.
NOTHING_DONE: dict[str, Any] = {
    "act": None,
    "typed": None,
    "errors": {},
    "clash": None,
    "books": None,
    "doctors": {},
    "is_copy": None,
    "print_now": False,
}


@bp.get("")
@needs("payment.view", remembers=True)
def page() -> ResponseReturnValue:
    in_hand = request.args.get("payment", type=UUID)
    panel = None
    if in_hand and not is_htmx():
        panel = viewing.panel(actor(), in_hand, request.args.get("receipt", type=UUID))
    return _day(panel)


@bp.get("/list.csv")
@needs("list.export", also="payment.view")
def export() -> ResponseReturnValue:
    return list_routes.export()


@bp.get("/<uuid:payment_id>/panel")
@needs("payment.view")
def panel(payment_id: UUID) -> ResponseReturnValue:
    """One bill, or one of its receipts again."""
    receipt_id = request.args.get("receipt", type=UUID)
    if not is_htmx():
        return redirect(url_for(".page", payment=payment_id, receipt=receipt_id))
    shown = viewing.panel(actor(), payment_id, receipt_id)
    return panel_fragment(shown, at=request.args.get("at"))


@bp.get("/visit/<uuid:visit_id>/panel")
@needs("payment.view")
def visit_panel(visit_id: UUID) -> ResponseReturnValue:
    """The bill of a visit, as the desk shows it in its own pane."""
    shown = viewing.panel_of_visit(actor(), visit_id)
    if not is_htmx():
        return redirect(url_for(".page", payment=shown.bill.id))
    return panel_fragment(shown, at=DESK)


@bp.post("/<uuid:payment_id>/take")
@needs("payment.take")
def take(payment_id: UUID) -> ResponseReturnValue:
    typed = forms.Typed.of(request.form)
    try:
        asked = forms.read_take(typed)
        receipt = taking.take(
            actor(),
            payment_id=payment_id,
            amount=asked.amount,
            method=asked.method,
            handed_over=asked.handed_over,
            key=form_key(),
        )
    except (RuleBroken, InvalidForm) as error:
        return _refused(payment_id, 422, typed, errors=form_errors(error))
    except StaleScreen as error:
        return _refused(payment_id, 409, typed, moved_on=error)
    return _taken(receipt)


def _taken(receipt: Receipt) -> ResponseReturnValue:
    url = url_for(".page", payment=receipt.payment_id, receipt=receipt.transaction_id)
    if not is_htmx():
        return acted(_act(receipt, None), redirect=url)
    shown = viewing.panel(actor(), receipt.payment_id, receipt.transaction_id)
    return acted(_act(receipt, shown), redirect=url, panel=panel_fragment(shown, at=request.form.get("at")))


def _act(receipt: Receipt, shown: Panel | None) -> LastAct:
    values = {
        "amount": money(receipt.amount),
        "currency": currency_sign(receipt.currency),
        "number": receipt.number,
    }
    state = (shown.visit_state if shown else None) or (None if receipt.is_settled else PENDING_PAYMENT)
    return LastAct(
        text=_say_taken(receipt.method) % values,
        ticket=receipt.ticket if state else None,
        ticket_state=state,
        who=shown.patient.name if shown and shown.patient else None,
    )


def _say_taken(method: str) -> str:
    if method == CASH:
        return str(_("Took %(amount)s %(currency)s in cash, receipt %(number)s"))
    if method == VISA:
        return str(_("Took %(amount)s %(currency)s by card, receipt %(number)s"))
    return str(_("Took %(amount)s %(currency)s by transfer, receipt %(number)s"))


def _refused(
    payment_id: UUID,
    status: int,
    typed: forms.Typed,
    *,
    errors: dict[str, str] | None = None,
    moved_on: StaleScreen | None = None,
) -> ResponseReturnValue:
    """Show the panel again, with everything that was typed and a sentence where it is wrong."""
    shown = viewing.panel(actor(), payment_id)
    context = {"typed": typed, "errors": errors or {}, "clash": clash_of(moved_on) if moved_on else None}
    if is_htmx():
        return panel_fragment(shown, at=request.form.get("at"), **context), status
    page = _day(shown, **context)
    page.status_code = status
    return page


def clash_of(error: StaleScreen) -> dict[str, Any]:
    """Return what the panel shows when the payment moved on: the sentence, and what changed."""
    rows = [(say(label), money(had), money(now)) for label, (had, now) in error.changes.items()]
    return {"sentence": say(error), "rows": rows}


def _day(panel: Panel | None, **context: Any) -> Response:
    """Render the list as a page or as its own fragment, with the payment in hand beside it."""
    return list_routes.show({"panel": panel, **_panel_context(**context)})


def beside_list(shown: Panel, **context: Any) -> ResponseReturnValue:
    """Render the whole page with this panel in hand, for a browser without JavaScript."""
    return _day(shown, **context)


def panel_fragment(shown: Panel, **context: Any) -> str:
    """Render the payment in hand; ``context`` as ``_panel_context`` takes it."""
    return render_template("payments/_panel.html", panel=shown, **_panel_context(**context))


def _panel_context(*, at: str | None = None, **context: Any) -> dict[str, Any]:
    """Return what the panel's template knows: ``context`` over what it is for a bill that is just shown."""
    return NOTHING_DONE | context | {"at": DESK if at == DESK else ""}
