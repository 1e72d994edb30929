"""What the pharmacy asks of orders. Who knows is above, so ``app`` binds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor


def _wanted(actor: Actor, order_id: UUID) -> bool:
    return True


@dataclass
class Ports:
    """``hold_if_wanted``: whether an order stands; until the commit nobody calls it off."""

    hold_if_wanted: Callable[[Actor, UUID], bool] = _wanted


ports = Ports()
