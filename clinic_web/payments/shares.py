"""How a sum is divided between the doctor and the centre."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from clinic_web.kernel import money


@dataclass(frozen=True)
class ShareRule:
    """The doctor's part of 100, and the version of the rule that says so."""

    percent: Decimal
    version: int


@dataclass(frozen=True)
class Shares:
    """How one sum is divided; the parts add up to it. ``unassigned`` waits for a doctor to become known."""

    doctor: Decimal
    center: Decimal
    unassigned: Decimal = money.ZERO


def split(amount: Decimal, *, paid_before: Decimal, doctor_before: Decimal, percent: Decimal) -> Shares:
    """Divide the next ``amount`` so that the doctor's part of everything paid is right to the cent.

    Rounding each part payment for itself would let the cents drift: the whole is divided, half-even, and what
    the doctor already has is taken off. What is given back is a negative amount: the parts are negative then,
    and the last of it takes the remainder.
    """
    doctor = money.share(paid_before + amount, percent) - doctor_before
    return Shares(doctor=doctor, center=amount - doctor)
