"""Text in, typed values out: deliveries, counts, corrections, how an item is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from clinic_web.inventory.models import CORRECTED, ZERO
from clinic_web.inventory.service.correcting import Correction, Counted
from clinic_web.inventory.service.keeping import Kept
from clinic_web.inventory.service.receiving import Delivery
from clinic_web.kernel import money
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken

T = TypeVar("T")
COST_PLACES = Decimal("0.0001")
LARGEST_COST = Decimal(999_999)
LONGEST = 60


class Reader:
    """Reads fields, and keeps a sentence for each wrong one; ``done`` raises them (422)."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self.form = form
        self.errors: dict[str, DomainError] = {}

    def text(self, name: str, longest: int = LONGEST) -> str:
        return " ".join(self.form.get(name, "").split())[:longest]

    def read(self, name: str, reads: Callable[[str], T], otherwise: T) -> T:
        try:
            return reads(self.text(name))
        except RuleBroken as error:
            self.errors[name] = error
            return otherwise

    def needed(self, name: str) -> str:
        said = self.text(name)
        if not said:
            self.errors[name] = RuleBroken(N_("Please fill this in."))
        return said

    def done(self) -> None:
        if self.errors:
            raise InvalidForm(self.errors)


def quantity(typed: str) -> Decimal:
    """Return how much was typed, zero or more, two decimals at most; raise RuleBroken (422)."""
    if not typed:
        raise RuleBroken(N_("Write how much, such as 20."))
    try:
        return money.parse(typed)
    except RuleBroken as error:
        raise RuleBroken(N_("This is not a quantity. Write it as 20 or 2.5.")) from error


def change(typed: str) -> Decimal:
    """Return by how much more or, with a minus, less; raise RuleBroken (422)."""
    is_less = typed[:1] in {"-", "−", "–"}
    found = quantity(typed.lstrip("-+−– "))
    if not found:
        raise RuleBroken(N_("Write by how much, such as 5 or -5."))
    return -found if is_less else found


def cost(typed: str) -> Decimal:
    """Return what one unit costs, with four decimals; raise RuleBroken (422)."""
    plain = typed.translate(money.DIGITS).replace(",", "")
    if not plain.replace(".", "", 1).isdigit() or Decimal(plain) > LARGEST_COST:
        raise RuleBroken(N_("This is not an amount. Write it as 400 or 400.50."))
    return Decimal(plain).quantize(COST_PLACES)


def day(typed: str) -> date:
    """Return a day that was picked; raise RuleBroken (422)."""
    try:
        return date.fromisoformat(typed.translate(money.DIGITS))
    except ValueError as error:
        raise RuleBroken(N_("Give the day, such as 2027-05-31.")) from error


def read_delivery(form: Mapping[str, str]) -> Delivery:
    """Return what came; raise InvalidForm (422)."""
    reader = Reader(form)
    found = Delivery(
        batch_number=reader.needed("batch_number"),
        expiration_date=reader.read("expiration_date", day, date.max),
        quantity=reader.read("quantity", quantity, ZERO),
        unit_cost=reader.read("unit_cost", cost, ZERO),
    )
    reader.done()
    return found


def read_count(form: Mapping[str, str]) -> Counted:
    """Return what was counted, and what the screen said; raise InvalidForm (422)."""
    reader = Reader(form)
    found = Counted(
        expected=reader.read("expected", quantity, ZERO),
        actual=reader.read("actual", quantity, ZERO),
        reason=reader.text("reason", 200),
    )
    reader.done()
    return found


def read_correction(form: Mapping[str, str]) -> Correction:
    """Return by how much a batch is corrected and why; raise InvalidForm (422)."""
    reader = Reader(form)
    found = Correction(
        change=reader.read("change", change, ZERO),
        reason=reader.needed("reason"),
        kind=reader.text("kind") or CORRECTED,
    )
    reader.done()
    return found


def read_kept(form: Mapping[str, str]) -> Kept:
    """Return how an item is kept; raise InvalidForm (422)."""
    reader = Reader(form)
    found = Kept(
        reorder_point=reader.read("reorder_point", quantity, ZERO),
        reorder_quantity=reader.read("reorder_quantity", quantity, ZERO),
        bin_location=reader.text("bin_location") or None,
        requires_refrigeration=bool(form.get("requires_refrigeration")),
        is_active=bool(form.get("is_active")),
    )
    reader.done()
    return found


def typed(form: Mapping[str, str]) -> dict[str, Any]:
    """Return what stood in a form, to be shown again as it was typed."""
    return dict(form)
