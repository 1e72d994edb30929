"""What a doctor writes in an order's form: text in, a NewOrder out, a sentence for each mistake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.kernel.money import DIGITS
from clinic_web.orders.models import LAB, PRESCRIPTION, ROUTINE, TYPES
from clinic_web.orders.queries.shown import Shown
from clinic_web.orders.service.placing import Line, NewOrder

NOT_A_NUMBER = Decimal("NaN")


@dataclass(frozen=True, kw_only=True)
class TypedLine:
    """One line as it was typed."""

    item_id: UUID
    quantity: str = ""
    directions: str = ""


@dataclass(frozen=True, kw_only=True)
class Typed:
    """The form as it was typed, so that nothing is lost when it is refused."""

    order_type: str = PRESCRIPTION
    lines: tuple[TypedLine, ...] = ()
    priority: str = ROUTINE
    preferred_at: str = ""
    note: str = ""


def typed(form: MultiDict[str, str]) -> Typed:
    """Return what was typed. Raises BadRequest-like RuleBroken (422) where a line names nothing."""
    items = [_an_id(each) for each in form.getlist("item")]
    quantities, directions = form.getlist("quantity"), form.getlist("directions")
    lines = [
        TypedLine(
            item_id=item,
            quantity=quantities[at] if at < len(quantities) else "",
            directions=directions[at] if at < len(directions) else "",
        )
        for at, item in enumerate(items)
    ]
    kind = form.get("order_type", PRESCRIPTION)
    return Typed(
        order_type=kind if kind in TYPES else PRESCRIPTION,
        lines=tuple(lines),
        priority=form.get("priority", ROUTINE),
        preferred_at=form.get("preferred_at", "").strip(),
        note=form.get("note", "").strip(),
    )


def of_order(order: Shown, timezone: str) -> Typed:
    """Return the form filled in with an order, to be changed."""
    at = order.preferred_at
    return Typed(
        order_type=order.order_type,
        lines=tuple(
            TypedLine(item_id=each.item_id, quantity=f"{each.quantity:f}", directions=each.directions or "")
            for each in order.items
        ),
        priority=order.priority,
        preferred_at=f"{at.astimezone(ZoneInfo(timezone)):%Y-%m-%dT%H:%M}" if at else "",
        note=order.note or "",
    )


def new_order(form: Typed, visit_id: UUID | None, timezone: str) -> NewOrder:
    """Return the order. Raises InvalidForm (422) where a day or a time can't be read."""
    wrong: dict[str, DomainError] = {}
    preferred_at: datetime | None = None
    if form.preferred_at and form.order_type == LAB:
        try:
            preferred_at = datetime.fromisoformat(form.preferred_at.translate(DIGITS))
        except ValueError:
            wrong["preferred_at"] = RuleBroken(N_("This is not a day and a time."))
        else:
            preferred_at = preferred_at.replace(tzinfo=preferred_at.tzinfo or ZoneInfo(timezone))
    if wrong:
        raise InvalidForm(wrong)
    is_lab = form.order_type == LAB
    return NewOrder(
        order_type=form.order_type,
        visit_id=visit_id,
        lines=tuple(
            Line(
                item_id=each.item_id,
                quantity=Decimal(1) if is_lab else _a_quantity(each.quantity),
                directions=each.directions.strip() or None,
            )
            for each in form.lines
        ),
        priority=form.priority,
        preferred_at=preferred_at,
        note=form.note or None,
    )


def _a_quantity(text: str) -> Decimal:
    """Return the number, or one that is none: the service refuses it at its field."""
    try:
        return Decimal(text.strip().translate(DIGITS))
    except InvalidOperation:
        return NOT_A_NUMBER


def _an_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise RuleBroken(N_("This is not in the catalogue."), field="lines") from error
