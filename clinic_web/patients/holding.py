"""Hold a person while rows are written of which each person has one: no merge happens meanwhile.

A merge locks both records, and says on their rows that they are linked (a trigger of ``patient_links``). So
who has a record's lock and reads that it is not linked knows that until the commit nobody makes it so.
"""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.statement import Statement
from clinic_web.patients import links
from clinic_web.patients.queries import UNKNOWN_PATIENT

HOLD = Statement(
    """
    SELECT organization_id, deleted_at IS NULL AS is_known, is_linked
      FROM patients.patients WHERE id = :patient_id FOR NO KEY UPDATE
    """
)
# What ``hold`` asks of a patient with one record, as a condition inside a statement of the hot path. Who has
# several takes the long way. If a merge is under way, PostgreSQL looks again when it is done.
IS_KNOWN = """EXISTS (
    SELECT 1 FROM patients.patients p
     WHERE p.organization_id = :organization_id AND p.id = :patient_id AND p.deleted_at IS NULL
       AND NOT p.is_linked
       FOR SHARE)"""


def hold(actor: Actor, patient_id: UUID) -> UUID:
    """Return the id that new rows about the patient take, as ``require`` does; it stays so until the commit.

    Raises NotFound (404) unless the patient is on the books of the actor's organization.
    """
    row = HOLD.first({"patient_id": patient_id})
    if row is None or not row.is_known or row.organization_id != actor.organization_id:
        raise NotFound(UNKNOWN_PATIENT)
    return _top(patient_id)[0] if row.is_linked else patient_id


def hold_ids(patient_id: UUID) -> list[UUID]:
    """Return all ids of the person, as ``ids_of`` does; no merge adds one until the commit."""
    row = HOLD.first({"patient_id": patient_id})
    return _top(patient_id) if row is not None and row.is_linked else [patient_id]


def _top(patient_id: UUID) -> list[UUID]:
    """Hold the record that the person is shown as, too: two of their records may come at once."""
    ids, held = links.ids_of(patient_id), None
    while ids[0] != held:
        held = ids[0]
        HOLD.first({"patient_id": held})
        ids = links.ids_of(patient_id)
    return ids
