"""When a facility's laboratory takes specimens."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.lab.models import Hours
from clinic_web.lab.planning import DEFAULT_HOURS


def make_default_hours(actor: Actor, facility_id: UUID) -> None:
    """Open the laboratory every day from 8 to 16, where nobody has said anything yet."""
    rows = [
        {
            "id": new_id(),
            "organization_id": actor.organization_id,
            "facility_id": facility_id,
            "weekday": weekday,
            "starts_at": begins,
            "ends_at": ends,
        }
        for weekday, begins, ends in DEFAULT_HOURS
    ]
    db.session.execute(insert(Hours).values(rows).on_conflict_do_nothing())
