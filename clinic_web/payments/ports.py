"""What the payments page would like to know of visits. Reception is above payments, so ``app`` binds it.

Without it the tickets on the page show what is owed instead of where the visit stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor


def _know_no_visit(actor: Actor, visit_ids: Collection[UUID]) -> dict[UUID, str]:
    return {}


def _know_no_topic(actor: Actor, clinic_ids: Collection[UUID]) -> list[str]:
    return []


@dataclass
class Ports:
    """``visit_states``: the state of each visit (``WAITING`` …), in one query.

    ``visit_topics``: the live topics that tell the moves of the clinics' visits; the page listens to them, so
    that a ticket's edge never lies.
    """

    visit_states: Callable[[Actor, Collection[UUID]], dict[UUID, str]] = _know_no_visit
    visit_topics: Callable[[Actor, Collection[UUID]], list[str]] = _know_no_topic


ports = Ports()
