"""What the audit needs to know of people and places. They lie above it, so ``app`` binds these."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clinic_web.kernel.actor import Actor


def _no_tenants() -> list[UUID]:
    return []


def _no_people(actor: Actor, also: Collection[UUID | None]) -> dict[UUID, str]:
    return {}


def _no_cards(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, Any]:
    return {}


def _none_found(actor: Actor, typed: str) -> list[UUID]:
    return []


def _itself(patient_id: UUID) -> list[UUID]:
    return [patient_id]


def _utc(actor: Actor) -> str:
    return "UTC"


@dataclass
class Ports:
    """What ``app`` binds.

    ``tenants``: all of them, for the sealer. ``people``: the names of every colleague who ever had an
    account in the actor's tenant, by id, and of the others who are asked for. ``patients``: cards by the ids
    that were asked for. ``found``: all ids of the patients that what was typed may mean. ``ids_of``: all ids
    under which a patient's rows were written. ``timezone``: where the actor works.
    """

    tenants: Callable[[], list[UUID]] = _no_tenants
    people: Callable[[Actor, Collection[UUID | None]], dict[UUID, str]] = _no_people
    patients: Callable[[Actor, Iterable[UUID]], dict[UUID, Any]] = _no_cards
    found: Callable[[Actor, str], list[UUID]] = _none_found
    ids_of: Callable[[UUID], list[UUID]] = _itself
    timezone: Callable[[Actor], str] = _utc


ports = Ports()
