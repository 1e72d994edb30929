"""The split of money between doctor and centre: whatever the percent and the parts, nothing is lost."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from clinic_web.kernel import money
from clinic_web.payments.models import split

cents = st.integers(min_value=1, max_value=10_000_000).map(lambda n: Decimal(n) / 100)
percents = st.integers(min_value=0, max_value=10_000).map(lambda n: Decimal(n) / 100)


@given(parts=st.lists(cents, min_size=1, max_size=12), percent=percents)
def test_parts_add_up_and_end_where_one_payment_would(parts: list[Decimal], percent: Decimal) -> None:
    paid, doctor, center = Decimal(0), Decimal(0), Decimal(0)
    for part in parts:
        shares = split(part, paid_before=paid, doctor_before=doctor, percent=percent)
        assert shares.doctor + shares.center == part
        assert shares.doctor >= 0 and shares.center >= 0
        paid, doctor, center = paid + part, doctor + shares.doctor, center + shares.center

    assert doctor == money.share(paid, percent)
    assert doctor + center == paid


@given(amount=cents)
def test_all_or_nothing_goes_to_one_side(amount: Decimal) -> None:
    everything = split(amount, paid_before=Decimal(0), doctor_before=Decimal(0), percent=Decimal(100))
    nothing = split(amount, paid_before=Decimal(0), doctor_before=Decimal(0), percent=Decimal(0))

    assert (everything.doctor, everything.center) == (amount, Decimal(0))
    assert (nothing.doctor, nothing.center) == (Decimal(0), amount)


def test_a_cent_is_rounded_to_the_even_one() -> None:
    def doctor(amount: str) -> Decimal:
        return split(
            Decimal(amount), paid_before=Decimal(0), doctor_before=Decimal(0), percent=Decimal(50)
        ).doctor

    assert [doctor("0.01"), doctor("0.03"), doctor("0.05")] == [
        Decimal("0.00"),
        Decimal("0.02"),
        Decimal("0.02"),
    ]
