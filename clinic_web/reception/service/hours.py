"""When doctors see patients: asked by every booking and every call.

What ``organization`` says of a day is kept in the process for as long as the organization is as it was
(``organization.api.directory`` gives another object after each change, at most a second later).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.organization import api as organization
from clinic_web.organization.api import Directory, Shift

MOST_KEPT = 500  # days of clinics, per organization

_kept: dict[UUID, tuple[Directory, dict[tuple[UUID, date], Sequence[Shift]]]] = {}


def shifts(actor: Actor, clinic_id: UUID, day: date) -> Sequence[Shift]:
    """Return the clinic's shifts of a local day, by start (see ``organization.api.shifts``)."""
    there = organization.directory(actor.organization_id)
    kept = _kept.get(actor.organization_id)
    if kept is None or kept[0] is not there or len(kept[1]) > MOST_KEPT:
        kept = _kept[actor.organization_id] = (there, {})
    found = kept[1].get((clinic_id, day))
    if found is None:
        found = kept[1][clinic_id, day] = organization.shifts(actor, clinic_id, day)
    return found
