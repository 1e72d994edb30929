"""What identity needs to know of places and staff. Organization is above it, so ``app`` binds these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.unit_of_work import StreamMoved


@dataclass(frozen=True)
class Offered:
    """A facility or a member of staff that a user may be of."""

    id: UUID
    name: str
    name_ar: str | None = None


def _none(actor: Actor) -> list[Offered]:
    return []


def _keeps_nothing(at: StreamMoved) -> bool:
    return True


def _has_nothing(organization_id: UUID) -> StreamMoved | None:
    return None


@dataclass
class Ports:
    """``facilities`` and ``staff``: the open ones of the actor's tenant, by name.

    ``house_stands_at`` hears at each request where the stream of the person's house stands, so that nothing
    older of it is shown. ``house_at_hand`` returns where it stood when this process read of it what will be
    used without asking. ``public_url`` is where people open the program, ``can_mail`` whether letters leave
    the house. ``patients_start`` is the endpoint at which patients begin.
    """

    facilities: Callable[[Actor], list[Offered]] = _none
    staff: Callable[[Actor], list[Offered]] = _none
    house_stands_at: Callable[[StreamMoved], object] = _keeps_nothing
    house_at_hand: Callable[[UUID], StreamMoved | None] = _has_nothing
    public_url: str = ""
    can_mail: bool = False
    patients_start: str = "identity.login"


ports = Ports()


def names_of_house(actor: Actor) -> list[str]:
    """Return what the actor's places are called: nobody's password is made of that."""
    return [name for each in ports.facilities(actor) for name in (each.name, each.name_ar) if name]
