"""What the payments page would like to know of visits. Reception is above payments, so ``app`` binds it.

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


@dataclass
class Ports:
    """``visit_states``: the state of each visit (``WAITING`` …), in one query.

    ``stand``: where the given topics stand and those that tell the moves of the facility's visits, in one
    query; the list is kept under them and listens to them, so that a ticket's edge never lies.
    """

    visit_states: Callable[[Actor, Collection[UUID]], dict[UUID, str]] = _know_no_visit
    stand: Callable[[Actor, list[str], View | None], Standing] = _know_no_queue


ports = Ports()
