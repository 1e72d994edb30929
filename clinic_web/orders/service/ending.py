"""What people do to an order under way: cancel it; ask again, or close it by hand, when it needs a human."""

from __future__ import annotations

from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, Busy, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders import saga
from clinic_web.orders.access import order_for
from clinic_web.orders.saga import News
from clinic_web.orders.service import keeping
from clinic_web.orders.service.keeping import Known
from clinic_web.pharmacy import api as pharmacy

LONGEST_REASON = 300
CHANGED = "CHANGED"  # the reason of an order that another took the place of
BY_A_PERSON = "BY_A_PERSON"

IS_NOW: dict[str, str] = {
    saga.CREATED: N_("%(number)s is being reserved. It can be cancelled or changed."),
    saga.FULFILLING: N_("%(number)s is being billed. It can be cancelled or changed."),
    saga.BILLED: N_("%(number)s is billed, the patient is being told. It can be cancelled or changed."),
    saga.COMPLETED: N_(
        "%(number)s is complete. What is not fetched is released by the pharmacy or the laboratory,"
        " and the bill goes with it."
    ),
    saga.COMPENSATING: N_("%(number)s is being undone. Please wait a moment."),
    saga.FAILED: N_("%(number)s has failed and is undone. It can be tried again."),
    saga.CANCELLED: N_("%(number)s is cancelled. It can be ordered again."),
    saga.NEEDS_HUMAN: N_("%(number)s could not be undone by itself. Somebody has to look after it."),
}
HANDED_OVER = N_("The medicine of %(number)s was handed over. It can't be cancelled any more.")


def stale(order: Known) -> StaleScreen:
    """Return the refusal (409) that says how the order stands and what can be done."""
    return StaleScreen(IS_NOW[order.saga.status], number=order.order_number)


def cancel(actor: Actor, order_id: UUID, reason: str) -> Known:
    """Cancel an order that is not complete yet: what was done of it is undone. Return it as it was.

    Raises RuleBroken (422: no reason), StaleScreen (409: complete, being undone, ended), NotFound (404),
    NotAllowed (403). Two who cancel at once: the second is told that it is being undone (409).
    """
    actor.require("order.cancel")
    said = _reason(reason)
    with transaction():
        for _ in range(keeping.TRIES):
            keeping.hold(actor, order_id)
            order = order_for(actor, order_id)
            _require_cancellable(order)
            _require_nothing_handed_over(actor, order)
            news = News(kind=saga.CANCEL, reason=BY_A_PERSON)
            if keeping.carry_out(actor, order, news, said=said):
                _note(actor, "order.cancel", order, said)
                return order
        raise Busy


def cancel_for_change(actor: Actor, order: Known) -> None:
    """Cancel in the transaction under way, because another order takes its place."""
    keeping.hold(actor, order.id)
    _require_nothing_handed_over(actor, order)
    if not keeping.carry_out(actor, order, News(kind=saga.CANCEL, reason=CHANGED)):
        raise StaleScreen(N_("Somebody else changed this just now. Please look again."))
    _note(actor, "order.cancel", order, None)


def close(actor: Actor, order_id: UUID, reason: str) -> Known:
    """Close an order that needs a human, who has put things right by other means.

    Raises RuleBroken (422: no reason), StaleScreen (409: it needs nobody), NotFound (404), NotAllowed (403).
    """
    return _by_hand(actor, order_id, News(kind=saga.CLOSE, reason=_reason(reason)))


def ask_again(actor: Actor, order_id: UUID) -> Known:
    """Ask once more for the steps to be undone that could not be; for another day, if need be.

    Raises StaleScreen (409: it needs nobody), NotFound (404), NotAllowed (403).
    """
    return _by_hand(actor, order_id, News(kind=saga.AGAIN))


def _by_hand(actor: Actor, order_id: UUID, news: News) -> Known:
    actor.require("order.cancel")
    with transaction():
        for _ in range(keeping.TRIES):
            order = order_for(actor, order_id)
            if order.saga.status != saga.NEEDS_HUMAN:
                raise stale(order)
            said = news.reason
            if keeping.carry_out(actor, order, news, said=said):
                _note(actor, f"order.{news.kind}", order, said)
                return order
        raise Busy


def _require_cancellable(order: Known) -> None:
    if saga.may_be_cancelled(order.saga):
        return
    if saga.is_handed_over(order.saga):
        raise StaleScreen(HANDED_OVER, number=order.order_number)
    raise stale(order)


def _require_nothing_handed_over(actor: Actor, order: Known) -> None:
    """Of what was handed over just now the saga may not have heard; whoever hands over holds the order."""
    standing = pharmacy.standing_of(actor, [order.id]).get(order.id)
    if standing is not None and standing.dispensed:
        raise StaleScreen(HANDED_OVER, number=order.order_number)


def _reason(typed: str) -> str:
    said = typed.strip()
    if not said:
        raise RuleBroken(N_("Why? A few words, please."), field="reason")
    return said[:LONGEST_REASON]


def _note(actor: Actor, action: str, order: Known, said: str | None) -> None:
    audit.saw(actor, action, "patient", order.patient_id)
    audit.changed(
        actor,
        action,
        "order",
        order.id,
        old={"status": order.saga.status},
        new={"order_number": order.order_number, "reason": said},
    )
