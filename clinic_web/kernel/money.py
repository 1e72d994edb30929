"""Money: exact decimals, parsed from what people type, split so that the parts add up to the whole."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from clinic_web.kernel.errors import N_, RuleBroken

CENT = Decimal("0.01")
ZERO = Decimal("0.00")
LARGEST = Decimal("9999999999.99")


# Arabic-Indic and Persian digits, and the Arabic decimal and thousands separators.
class Currency(str):
    """An ISO 4217 code among the values of a sentence: it is shown as the reader's sign of it."""

    __slots__ = ()


DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬", "01234567890123456789.,")
FORM = re.compile(r"\d{1,10}(\.\d+)?|\d{1,3}(,\d{3})+(\.\d+)?")


def parse(typed: str | None, *, field: str = "amount") -> Decimal:
    """Return the amount that a person typed, at most two decimals, zero or more.

    Raises RuleBroken (422) with a sentence for the field: empty, negative, NaN, too precise, too large.
    """
    plain = (typed or "").strip().translate(DIGITS).replace(" ", "").replace("\u00a0", "")
    if not plain:
        raise RuleBroken(N_("Enter an amount."), field=field)
    if plain.startswith("-"):
        raise RuleBroken(N_("An amount can't be negative."), field=field)
    if not FORM.fullmatch(plain):
        raise RuleBroken(N_("This is not an amount. Write it as 400 or 400.50."), field=field)
    amount = Decimal(plain.replace(",", ""))
    if amount != amount.quantize(CENT, ROUND_HALF_EVEN):
        raise RuleBroken(N_("An amount has two decimals at most."), field=field)
    if amount > LARGEST:
        raise RuleBroken(N_("This amount is too large."), field=field)
    return amount.quantize(CENT)


def share(amount: Decimal, percent: Decimal) -> Decimal:
    """Return ``percent`` of ``amount``, rounded half-even to the cent."""
    return (amount * percent / 100).quantize(CENT, ROUND_HALF_EVEN)
