"""The split of money between doctor and centre: whatever the percent and the parts, nothing is lost."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from clinic_web.kernel import clock, money
from clinic_web.kernel.ids import new_id
from clinic_web.payments.models import (
    Payment,
)
from clinic_web.payments.service.ledger import legs_of
from clinic_web.payments.shares import (
    ShareRule,
    Shares,
    split,
)

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


def owing(total: Decimal) -> Payment:
    sums = ("amount_paid", "amount_refunded", "doctor_share", "center_share", "unassigned_share")
    zeros = dict.fromkeys(sums, Decimal("0.00"))
    return Payment(total_amount=total, status="PENDING", share_percent=Decimal(0), **zeros)


def legs_balance(kind: str, amount: Decimal, shares: Shares) -> bool:
    movement = {
        "id": new_id(),
        "kind": kind,
        "payment_method": "CASH",
        "amount": amount,
        "credit_amount": Decimal(0),
        "doctor_share": shares.doctor,
        "center_share": shares.center,
        "unassigned_share": shares.unassigned,
        "payment_date": clock.now(),
    } | dict.fromkeys(("organization_id", "facility_id", "patient_id", "currency"))
    return sum(leg["amount"] for leg in legs_of(movement, new_id())) == 0


@given(
    parts=st.lists(cents, min_size=1, max_size=8),
    backs=st.lists(cents, min_size=1, max_size=8),
    percent=percents,
    is_known=st.booleans(),
)
def test_what_comes_in_parts_and_goes_back_in_parts_leaves_no_cent(
    parts: list[Decimal], backs: list[Decimal], percent: Decimal, is_known: bool
) -> None:
    payment, rule = owing(sum(parts, Decimal(0))), ShareRule(percent, 1)
    for part in parts:
        shares = payment.receive(part, rule=rule if is_known else None, at=clock.now())
        assert legs_balance("RECEIPT", part, shares)
    if not is_known:
        assert (payment.doctor_share, payment.unassigned_share) == (0, payment.total_amount)
        payment.assign(new_id(), rule, at=clock.now())
    for back in [*backs, payment.total_amount]:  # the last takes what is left
        amount = min(back, payment.kept)
        if not amount:
            continue
        shares = payment.give_back(amount, at=clock.now())
        assert shares.doctor + shares.center == -amount and max(shares.doctor, shares.center) <= 0
        assert legs_balance("REFUND", amount, shares)
        assert payment.doctor_share == money.share(payment.kept, percent)
        assert payment.doctor_share + payment.center_share == payment.kept
    assert (payment.status, payment.doctor_share, payment.center_share) == ("REFUNDED", 0, 0)
