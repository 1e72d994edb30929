"""What patients needs to know of visits. Reception lies above it, so ``app`` binds this."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor


def _nobody(actor: Actor, ids: Collection[UUID]) -> bool:
    return False


@dataclass
class Ports:
    """``is_treating``: whether a visit or an appointment brings the actor and the patient with these ids
    together."""

    is_treating: Callable[[Actor, Collection[UUID]], bool] = _nobody


ports = Ports()
