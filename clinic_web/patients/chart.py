"""Who may see a patient's chart: whoever meets every patient, whoever treats this one, and for some hours
whoever opened it in an emergency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, DomainError
from clinic_web.kernel.statement import Statement
from clinic_web.patients import links, queries
from clinic_web.patients.ports import ports

ANY = "patient.view_any"
A_YEAR = timedelta(days=365)

# Whether the person registered the patient lately, and the chart that they opened and did not end.
OWN_WAY = Statement(
    """
    SELECT EXISTS (SELECT FROM patients.patients p
                    WHERE p.id = ANY(:ids) AND p.organization_id = :organization_id
                      AND p.created_by = :user_id AND p.created_at > :since) AS has_registered,
           e.id, e.opened_at, e.closes_at
      FROM (SELECT) AS one
      LEFT JOIN LATERAL (
           SELECT id, opened_at, closes_at FROM patients.emergencies
            WHERE user_id = :user_id AND organization_id = :organization_id AND patient_id = ANY(:ids)
              AND ended_at IS NULL AND closes_at > :now
            ORDER BY closes_at DESC LIMIT 1) AS e ON true
    """
)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A chart that its reader opened in an emergency and that is open now."""

    id: UUID
    opened_at: datetime
    closes_at: datetime


class ChartClosed(DomainError):
    """Who asks does not treat the patient, and has not opened the chart (403)."""

    status = 403

    def __init__(self, patient_id: UUID) -> None:
        super().__init__(N_("You don't treat this patient, so the chart is closed."))
        self.patient_id = patient_id


def enter(actor: Actor, patient_id: UUID) -> Opened | None:
    """Return under which emergency ``actor`` sees the chart: None where they need none.

    Raises ChartClosed (403), NotFound (404).
    """
    if actor.user_id is None or actor.can(ANY):
        return None
    ids = links.ids_of(queries.require(actor, patient_id))
    is_own, opened = _own_way(actor, ids)
    if is_own or ports.is_treating(actor, ids):
        return None
    if opened is None:
        raise ChartClosed(patient_id)
    return opened


def open_now(actor: Actor, patient_id: UUID) -> Opened | None:
    """Return the emergency under which ``actor`` has the chart open now, if they do."""
    return _own_way(actor, links.ids_of(patient_id))[1]


def _own_way(actor: Actor, ids: Sequence[UUID]) -> tuple[bool, Opened | None]:
    now = clock.now()
    row = OWN_WAY.first(
        {
            "organization_id": actor.organization_id,
            "user_id": actor.user_id,
            "ids": list(ids),
            "now": now,
            "since": now - A_YEAR,
        }
    )
    opened = Opened(id=row.id, opened_at=row.opened_at, closes_at=row.closes_at) if row.id else None
    return row.has_registered, opened
