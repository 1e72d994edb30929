"""The front door of the stock: promise, release, give out, put back; what there is; deliveries, counts.

Quantities are ``Decimal`` with two decimals in the item's unit. Whoever moves stock locks its items by id and
then batches by (expiry, id), inside the caller's transaction, and holds them until its end.
"""

from __future__ import annotations

from clinic_web.inventory.queries.on_shelf import OnShelf, on_shelf
from clinic_web.inventory.queries.plain import BATCHES_ASK, ITEMS_ASK, plain_batch, plain_batches, plain_items
from clinic_web.inventory.service.correcting import Correction, Counted, adjust, count, undo
from clinic_web.inventory.service.giving import Taken, issue, put_back, release
from clinic_web.inventory.service.holding import (
    INACTIVE,
    NOT_STOCKED,
    SHORT,
    Held,
    ShortOfStock,
    Wanted,
    hold,
)
from clinic_web.inventory.service.keeping import Kept, keep
from clinic_web.inventory.service.receiving import Delivery, receive, stock

__all__ = [
    "BATCHES_ASK",
    "INACTIVE",
    "ITEMS_ASK",
    "NOT_STOCKED",
    "SHORT",
    "Correction",
    "Counted",
    "Delivery",
    "Held",
    "Kept",
    "OnShelf",
    "ShortOfStock",
    "Taken",
    "Wanted",
    "adjust",
    "count",
    "hold",
    "issue",
    "keep",
    "on_shelf",
    "plain_batch",
    "plain_batches",
    "plain_items",
    "put_back",
    "receive",
    "release",
    "stock",
    "undo",
]
