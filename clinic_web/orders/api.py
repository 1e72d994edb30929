"""The front door of orders: place and cancel them, and read them with their lines.

Another tenant's order is NotFound (404). Reads leave no access-log row, except ``whole``: who shows orders
notes it once for the whole view (``audit.api.saw``).
"""

from __future__ import annotations

from clinic_web.orders.access import order_for
from clinic_web.orders.live import clinic_topic, order_topic, visit_topic
from clinic_web.orders.queries.details import Item
from clinic_web.orders.queries.lists import ASK as ORDERS_ASK
from clinic_web.orders.queries.lists import plain_orders
from clinic_web.orders.queries.shown import Shown, one, orders_by_id, orders_of, orders_of_visit, whole
from clinic_web.orders.service.ending import cancel
from clinic_web.orders.service.keeping import hold_if_wanted
from clinic_web.orders.service.placing import Line, NewOrder, Placed, change, place, retry

__all__ = [
    "ORDERS_ASK",
    "Item",
    "Line",
    "NewOrder",
    "Placed",
    "Shown",
    "cancel",
    "change",
    "clinic_topic",
    "hold_if_wanted",
    "one",
    "order_for",
    "order_topic",
    "orders_by_id",
    "orders_of",
    "orders_of_visit",
    "place",
    "plain_orders",
    "retry",
    "visit_topic",
    "whole",
]
