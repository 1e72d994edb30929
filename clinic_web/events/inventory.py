"""What inventory tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class _OfItem:
    AGGREGATE: ClassVar[tuple[str, str]] = ("inventory_item", "item_id")
    organization_id: UUID
    facility_id: UUID
    item_id: UUID


@dataclass(frozen=True, kw_only=True)
class StockAdjusted(_OfItem):
    """A person corrected a batch by ``quantity_change`` (negative: less), for a reason that its row keeps."""

    TOPIC: ClassVar[str] = "stock.adjusted"
    batch_id: UUID
    adjustment_id: UUID
    quantity_change: Decimal


@dataclass(frozen=True, kw_only=True)
class StockLow(_OfItem):
    """What is free fell to the item's reorder point, or below; told once until it is above again."""

    TOPIC: ClassVar[str] = "stock.low"
    available: Decimal
    reorder_point: Decimal


@dataclass(frozen=True, kw_only=True)
class BatchExpiring(_OfItem):
    """A batch with stock expires soon, or today; told once."""

    TOPIC: ClassVar[str] = "batch.expiring"
    batch_id: UUID
    expires_on: date
