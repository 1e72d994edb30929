"""What screens and other modules are told of the stock."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from clinic_web.events.inventory import StockLow
from clinic_web.inventory.live import stock_topic
from clinic_web.kernel import bus, push
from clinic_web.kernel.actor import Actor


def tell_moved(facility_id: UUID) -> None:
    """Let the screens of the facility's stock look again."""
    push.changed(stock_topic(facility_id))


def tell_low(
    actor: Actor, facility_id: UUID, item_id: UUID, *, available: Decimal, reorder_point: Decimal
) -> None:
    """Say that an item fell to its reorder point. The caller knows that it was above it before."""
    low = StockLow(
        organization_id=actor.organization_id,
        facility_id=facility_id,
        item_id=item_id,
        available=available,
        reorder_point=reorder_point,
    )
    bus.publish(low, actor)
