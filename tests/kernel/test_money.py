"""What a cashier may type, and how money is split."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_web.kernel import money
from clinic_web.kernel.errors import RuleBroken


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("400", "400.00"),
        (" 1,200.50 ", "1200.50"),
        ("٤٠٠٫٥", "400.50"),
        ("۱۲۰۰", "1200.00"),
        ("0", "0.00"),
        ("1 000", "1000.00"),
    ],
)
def test_an_amount_is_read_as_people_write_it(typed: str, amount: str) -> None:
    assert money.parse(typed) == Decimal(amount)


@pytest.mark.parametrize(
    "typed",
    ["", "-1", "NaN", "Infinity", "1e3", "0.001", "1.005", "12,34", "1..2", "abc", "99999999999", None],
)
def test_what_is_no_amount_is_refused_at_the_field(typed: str | None) -> None:
    with pytest.raises(RuleBroken) as refusal:
        money.parse(typed, field="amount")
    assert refusal.value.field == "amount"


@given(
    st.decimals(min_value=0, max_value=10**9, places=2, allow_nan=False),
    st.decimals(min_value=0, max_value=100, places=2, allow_nan=False),
)
def test_a_share_and_its_rest_are_the_whole(amount: Decimal, percent: Decimal) -> None:
    share = money.share(amount, percent)
    assert 0 <= share <= amount
    assert share + (amount - share) == amount
    assert share == share.quantize(money.CENT)
