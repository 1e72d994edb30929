"""What identity needs to know of places and staff. Organization is above it, so ``app`` binds these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor


@dataclass(frozen=True)
class Offered:
    """A facility or a member of staff that a user may be of."""

    id: UUID
    name: str
    name_ar: str | None = None


def _none(actor: Actor) -> list[Offered]:
    return []


@dataclass
class Ports:
    """``facilities`` and ``staff``: the open ones of the actor's tenant, by name.

    ``public_url`` is where people open the program, ``can_mail`` whether letters leave the house.
    """

    facilities: Callable[[Actor], list[Offered]] = _none
    staff: Callable[[Actor], list[Offered]] = _none
    public_url: str = ""
    can_mail: bool = False


ports = Ports()
