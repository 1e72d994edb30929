"""What a bill says, by what its payment says and by what became of what was billed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal

from clinic_web.billing.models import (
    ISSUED,
    KEPT,
    PAID,
    PART,
    PARTIALLY_PAID,
    PARTIALLY_REFUNDED,
    REFUND_DUE,
    REFUNDED,
    VOIDED,
)
from clinic_web.kernel.money import CENT, ZERO
from clinic_web.payments.api import Settlement

AS_PAID = {
    "PENDING": ISSUED,
    "PARTIALLY_PAID": PARTIALLY_PAID,
    "PAID": PAID,
    "PARTIALLY_REFUNDED": PARTIALLY_REFUNDED,
    "REFUNDED": REFUNDED,
    "VOIDED": VOIDED,
}


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of what was billed: called off or undone, released, with the patient in part or whole; and
    whether a person decided that the money stays."""

    undone: str | None = None
    released: str | None = None
    served: str | None = None
    served_version: int = 0
    is_kept: bool = False

    def with_undone(self, reason: str | None) -> Fate:
        return replace(self, undone=reason)

    def with_released(self, reason: str) -> Fate:
        """The first reason stays."""
        return replace(self, released=self.released or reason)

    def with_served(self, served: str | None, version: int) -> Fate:
        """What the patient has of it, unless something later was heard already."""
        if version < self.served_version:
            return self
        return replace(self, served=served, served_version=version)

    @property
    def is_off(self) -> bool:
        """Nothing of it is or will be given. What the patient has when the rest is released is not off."""
        return self.undone is not None or (self.released is not None and self.served is None)

    @property
    def is_doubtful(self) -> bool:
        """Whether what was paid may have to go back: it is off, or the patient has only a part of it."""
        return self.is_off or (self.released is not None and self.served == PART)


def status_of(payment: Settlement, fate: Fate) -> str:
    """Return the state of the bill."""
    if payment.is_void:
        return VOIDED
    if fate.is_doubtful and payment.kept:
        return KEPT if fate.is_kept else REFUND_DUE
    if fate.is_off and not payment.amount_refunded:
        return VOIDED
    return AS_PAID[payment.status]


def line_total(quantity: Decimal, unit_price: Decimal) -> Decimal:
    """Return what a line costs, rounded half-even to the cent; the lines of a bill add up to it."""
    return (quantity * unit_price).quantize(CENT, ROUND_HALF_EVEN)


def total_of(lines: Iterable[Decimal]) -> Decimal:
    return sum(lines, ZERO)
