"""Where the facility wants it, medicine is handed over when it is paid; nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from clinic_web.billing.api import NotPaidYet
from clinic_web.catalog.models import Medication
from clinic_web.kernel.db import db
from clinic_web.pharmacy.service import dispensing
from tests.billing.paying_first import billed, pay, priced, want_paid_first
from tests.pharmacy.conftest import Shop
from tests.pharmacy.test_the_page import HTMX, form

WAITS = "Must be paid first"


def test_the_counter_waits_for_the_money_where_the_rule_says_so(
    shop: Shop, as_person: Callable[[str], FlaskClient], count_queries: Callable[[], Any]
) -> None:
    priced(db.session.get_one(Medication, shop.amoxicillin), "2.50")
    held = shop.reserved((shop.amoxicillin, 12))
    url, huda = f"/pharmacy/orders/{held.order_id}", as_person("huda")
    want_paid_first(shop.cast, "LAB")
    assert "left to pay" not in huda.get(f"{url}/panel", headers=HTMX).text
    owed = billed(shop.orders[held.order_id])
    shown = huda.get(f"{url}/panel", headers=HTMX)
    assert owed.invoice_number in shown.text and "30.00" in shown.text and WAITS not in shown.text

    want_paid_first(shop.cast, "PRESCRIPTION")
    with count_queries() as statements:
        waiting = huda.get(f"{url}/panel", headers=HTMX)
    assert len([each for each in statements if "billing." in each]) == 1
    assert f"{WAITS}: 30.00 EGP left" in waiting.text and "Is it paid now?" in waiting.text
    assert 'id="hand-over"' in waiting.text and " disabled>" in waiting.text
    refused = huda.post(f"{url}/dispense", data=form(shown.text), headers=HTMX)
    assert refused.status_code == 409
    assert f"This must be paid first: 30.00 EGP of bill {owed.invoice_number} are left." in refused.text
    assert shop.counts() == (20, 12)

    pay(shop.cast, owed)
    assert WAITS not in huda.get(f"{url}/panel", headers=HTMX).text
    assert huda.post(f"{url}/dispense", data=form(shown.text), headers=HTMX).status_code == 200
    assert shop.counts() == (8, 0)


def test_what_is_not_billed_yet_waits_too(shop: Shop) -> None:
    held = shop.reserved()
    want_paid_first(shop.cast, "PRESCRIPTION")
    with pytest.raises(NotPaidYet, match="not billed yet"):
        dispensing.dispense(shop.huda, held.order_id, version=held.version, key="early")
    want_paid_first(shop.cast)
    assert dispensing.dispense(shop.huda, held.order_id, version=held.version, key="early").is_whole
