"""The pages of orders: what a doctor writes, the order line, the list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from clinic_web.kernel.actor import Actor
from clinic_web.orders import words
from clinic_web.organization import api as organization

bp = Blueprint("orders", __name__)


@bp.context_processor
def order_words() -> dict[str, Any]:
    """What every template of orders may say."""
    return {
        "line_of": words.line_of,
        "happened": words.happened,
        "why_happened": words.why_happened,
        "type_words": words.TYPE_WORDS,
        "type_icons": words.TYPE_ICONS,
        "priority_words": words.PRIORITY_WORDS,
    }


def zone(who: Actor) -> str:
    return organization.facility(who).timezone


from clinic_web.orders.routes import lists, reading, writing  # noqa: E402

__all__ = ["bp", "lists", "reading", "writing", "zone"]
