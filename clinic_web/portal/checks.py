"""What speaks against a merge: one person has one account of their own."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.patients.api import Finding
from clinic_web.portal import access
from clinic_web.portal.models import SELF

BOTH = N_("Both have an account of the portal. First end one of the two.")


def check_accounts(actor: Actor, ours: Sequence[UUID], theirs: Sequence[UUID]) -> list[Finding]:
    """Say where two patients who become one would have two accounts of their own."""
    sides = (access.accounts_of(actor, ids) for ids in (ours, theirs))
    if all(any(each.relation == SELF for each in side) for side in sides):
        return [Finding(sentence=BOTH, is_in_the_way=True)]
    return []
