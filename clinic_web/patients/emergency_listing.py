"""The list of charts that were opened in an emergency: what its address may ask, its rows, one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic_web.audit import api as audit
from clinic_web.kernel import clock, keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import finding, links, queries
from clinic_web.patients.emergencies import emergency_for
from clinic_web.patients.live import emergencies_topic
from clinic_web.patients.models import FOLLOW_UP, JUSTIFIED, KINDS, NOT_JUSTIFIED, TO_REVIEW

STATES = {
    "to-review": TO_REVIEW,
    "follow-up": FOLLOW_UP,
    "justified": JUSTIFIED,
    "not-justified": NOT_JUSTIFIED,
}
KIND_OF = {kind.lower(): kind for kind in KINDS}
GRAMMAR = Grammar(
    filters={
        "q": listing.a_text,
        "state": listing.one_of(STATES),
        "kind": listing.one_of(KIND_OF),
        "person": UUID,
        "patient": UUID,
    },
    sorts={"when": Sort(("e.opened_at",), (listing.a_moment,))},
    order="-when",
    when="any",
)
COLUMNS = """e.id, e.patient_id, e.user_id, e.kind, e.reason, e.opened_at, e.closes_at, e.ended_at, e.verdict,
    e.reviewed_by, e.reviewed_at, e.note, e.version"""
EMERGENCIES = Table(columns=COLUMNS, source="patients.emergencies e", id="e.id", state="e.verdict")
MOST_FOUND = 300
BEGINS, ENDS = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

_stand = Stand(witness=audit.SAW_KNOWN_LIST)


@dataclass(frozen=True, kw_only=True)
class EmergencyRow:
    """One act. ``user_id`` opened the chart of ``patient_id``, which is the id it was opened under."""

    id: UUID
    patient_id: UUID
    user_id: UUID
    kind: str
    reason: str
    opened_at: datetime
    closes_at: datetime
    ended_at: datetime | None
    verdict: str
    reviewed_by: UUID | None
    reviewed_at: datetime | None
    note: str | None
    version: int

    @property
    def until(self) -> datetime:
        """When the chart was closed again, or will be."""
        return self.ended_at or self.closes_at

    @property
    def is_open_now(self) -> bool:
        return self.ended_at is None and self.closes_at > clock.now()

    @property
    def can_be_reviewed(self) -> bool:
        return self.verdict in (TO_REVIEW, FOLLOW_UP)


def stand(actor: Actor, view: View | None = None) -> Standing:
    return _stand([emergencies_topic(actor.organization_id)], view)


def page(actor: Actor, asked: Asked) -> Page[EmergencyRow]:
    return keyset.page(EMERGENCIES, _where(actor, asked), asked, _row, states=_states(asked))


def everything(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[EmergencyRow]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    where = _where(actor, asked)
    if ids:
        where.add("e.id = ANY(:only)", only=ids)
    return keyset.chunks(EMERGENCIES, where, asked, _row, states=_states(asked))


def one(actor: Actor, emergency_id: UUID) -> EmergencyRow:
    """Return one act; NotFound (404). The look is noted."""
    with transaction():
        row = _row(emergency_for(actor, emergency_id))
        audit.saw(actor, "emergency.view", "emergency", emergency_id)
    return row


def _row(row: Any) -> EmergencyRow:
    return EmergencyRow(**{name: getattr(row, name) for name in EmergencyRow.__dataclass_fields__})


def _states(asked: Asked) -> tuple[str, ...] | None:
    return (asked.get("state"),) if asked.get("state") else None


def _where(actor: Actor, asked: Asked) -> Where:
    where = Where()
    where.add("e.organization_id = :organization_id", organization_id=actor.organization_id)
    begins, ends = _moments(asked, organization.facility(actor).timezone)
    where.add("e.opened_at >= :begins AND e.opened_at < :ends", begins=begins, ends=ends)
    where.add_given("e.kind = :kind", asked, "kind")
    where.add_given("e.user_id = :person", asked, "person")
    if patient := asked.get("patient"):
        where.add("e.patient_id = ANY(:patients)", patients=links.ids_of(patient))
    if typed := asked.get("q"):
        found = queries.by_every_id(finding.find(actor, typed, limit=MOST_FOUND))
        where.add("e.patient_id = ANY(:found)", found=list(found))
    return where


def _moments(asked: Asked, timezone: str) -> tuple[datetime, datetime]:
    first, last = asked.period.first, asked.period.last
    begins = _midnight(first, timezone) if first else BEGINS
    return begins, _midnight(last + timedelta(days=1), timezone) if last else datetime(
        9999, 12, 30, tzinfo=UTC
    )


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
