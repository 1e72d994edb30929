"""What payments would like to know of visits and orders. Who knows is above, so ``app`` and they bind it.

Without it the tickets on the page show what is owed instead of where the visit stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Stand, Standing, View


def _know_no_visit(actor: Actor, visit_ids: Collection[UUID]) -> dict[UUID, str]:
    return {}


_stand = Stand(witness=audit.SAW_KNOWN_LIST)


def _know_no_queue(actor: Actor, topics: list[str], view: View | None) -> Standing:
    return _stand(topics, view, organization_id=actor.organization_id)


def _is_wanted(actor: Actor, payment_id: UUID) -> bool:
    return False


@dataclass
class Ports:
    """``visit_states``: the state of each visit (``WAITING`` …), in one query.

    ``stand``: where the given topics stand and those that tell the moves of the facility's visits, in one
    query; the list is kept under them and listens to them, so that a ticket's edge never lies.
    ``is_given_up``: whether the order that a payment is for is off, so that it can't be claimed again.
    """

    visit_states: Callable[[Actor, Collection[UUID]], dict[UUID, str]] = _know_no_visit
    stand: Callable[[Actor, list[str], View | None], Standing] = _know_no_queue
    is_given_up: Callable[[Actor, UUID], bool] = _is_wanted


ports = Ports()
