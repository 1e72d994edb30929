"""The front door of billing: what visits, orders and patients owe, and whether a station may serve.

Money is a ``Decimal`` with two decimals, beside an ISO 4217 currency. Nothing here looks at rights: who asks
shows it to whom it may be shown (``bill.view``). Another tenant's rows do not exist.
"""

from __future__ import annotations

from clinic_web.billing.access import bill_for
from clinic_web.billing.live import bills_topic
from clinic_web.billing.queries.at_station import (
    AtStation,
    NotPaidYet,
    at_station,
    may_be_served,
    require_paid_first,
)
from clinic_web.billing.queries.bills import (
    Bill,
    bills_of_orders,
    bills_of_visits,
    unpaid_of,
)
from clinic_web.billing.queries.given_up import is_given_up
from clinic_web.billing.queries.lists import GRAMMAR as BILLS_ASK
from clinic_web.billing.queries.lists import stretch as plain_bills
from clinic_web.billing.queries.one import BillInHand, bill_in_hand

__all__ = [
    "BILLS_ASK",
    "AtStation",
    "Bill",
    "BillInHand",
    "NotPaidYet",
    "at_station",
    "bill_for",
    "bill_in_hand",
    "bills_of_orders",
    "bills_of_visits",
    "bills_topic",
    "is_given_up",
    "may_be_served",
    "plain_bills",
    "require_paid_first",
    "unpaid_of",
]
