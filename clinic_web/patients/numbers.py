"""The numbers that patients are called by, ``P-000123``, from a counter row: no two alike, none left out."""

from __future__ import annotations

from sqlalchemy import text

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db

PREFIX = "P-"

DRAW = text(
    """
    UPDATE patients.number_counters SET last_number = last_number + :count
     WHERE organization_id = :organization_id RETURNING last_number
    """
)
# The first draw of an organization goes on from the highest number it already uses.
BEGIN = text(
    r"""
    INSERT INTO patients.number_counters AS c (organization_id, last_number)
    SELECT :organization_id, :count + COALESCE(max(substr(patient_number, 3)::int), 0)
      FROM patients.patients WHERE organization_id = :organization_id AND patient_number ~ '^P-\d{1,9}$'
        ON CONFLICT (organization_id) DO UPDATE SET last_number = c.last_number + :count
    RETURNING last_number
    """
)


def draw(actor: Actor, count: int = 1) -> range:
    """Draw ``count`` numbers; the counter stays locked until the commit, so this comes last."""
    wanted = {"organization_id": actor.organization_id, "count": count}
    last = db.session.execute(DRAW, wanted).scalar() or db.session.execute(BEGIN, wanted).scalar_one()
    return range(last - count + 1, last + 1)


def patient_number(number: int) -> str:
    """Return the number as people read it: ``P-000123``."""
    return f"{PREFIX}{number:06d}"
