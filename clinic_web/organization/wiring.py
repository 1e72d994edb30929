"""How organization is plugged in: no pages yet; it tells the shell where a person works."""

from __future__ import annotations

from flask import Flask

from clinic_web.kernel import unit_of_work
from clinic_web.kernel.actor import Actor
from clinic_web.organization import directory
from clinic_web.ui.ports import Place, ports


def wire(app: Flask) -> None:
    """Let a commit of this process renew the directory at once; name the place in the band."""
    unit_of_work.after_commit(directory.forget_changed)
    ports.place = place_of


def place_of(actor: Actor) -> Place | None:
    """Return where the actor works; None for somebody who is of no facility yet."""
    if actor.facility_id is None:
        return None
    here = directory.facility(actor)
    return Place(here.name, here.timezone, here.currency, tuple(here.languages), here.name_ar)
