"""Values in a sentence stand there as the reader writes them."""

from __future__ import annotations

from decimal import Decimal

from flask import Flask
from flask_babel import force_locale

from clinic_web.kernel.errors import RuleBroken
from clinic_web.kernel.money import Currency
from clinic_web.ui.texts import say


def test_a_sum_and_its_currency_take_the_readers_digits_and_sign(app: Flask) -> None:
    owes = RuleBroken("%(sum)s %(currency)s", sum=Decimal(600), currency=Currency("EGP"))
    with app.test_request_context():
        with force_locale("ar"):
            assert say(owes) == "٦٠٠٫٠٠ ج.م"
        with force_locale("en"):
            assert say(owes) == "600.00 EGP"
