"""Who above keeps a copy of the catalogue's words. The stock does, to be listed and found by."""

from __future__ import annotations

from collections.abc import Callable

from clinic_web.catalog.queries import MedicationCard
from clinic_web.kernel.actor import Actor

Listener = Callable[[Actor, MedicationCard], None]

listeners: list[Listener] = []


def when_changed(listener: Listener) -> None:
    """Let ``listener`` hear of every medication that is changed, inside the transaction that changes it."""
    if listener not in listeners:
        listeners.append(listener)
