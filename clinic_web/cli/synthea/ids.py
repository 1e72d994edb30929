"""Ids of what an import makes: derived from the ids in the export, so that every run finds them again."""

from __future__ import annotations

from uuid import UUID, uuid5

from clinic_web.kernel.actor import Actor


def id_of(actor: Actor, kind: str, external_id: str) -> UUID:
    """Return the id of a row of the tenant; the same export in another tenant gets others."""
    return uuid5(actor.organization_id, f"{kind}:{external_id}")
