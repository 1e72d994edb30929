"""The pharmacy's worklist: what is held and waits, the urgent first; and what has become of the others.

Names, tickets and places in the line come from their owners, once each for the whole list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import MedicationCard
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.pharmacy.live import worklist_topic
from clinic_web.pharmacy.service.joining import STATION
from clinic_web.reception import api as reception
from clinic_web.reception.api import AtStation, Station

WAITING, DONE, ENDED = "waiting", "done", "ended"
LISTS = (WAITING, DONE, ENDED)
MOST = 200

# What a list shows, and in which order. Each of the conditions is that of an index.
_SHOWN = {
    WAITING: ("p.status = 'RESERVED'", "p.priority_rank DESC, p.reserved_at, p.order_id"),
    DONE: ("p.status = 'DISPENSED' AND p.closed_at >= :day_start", "p.closed_at DESC, p.order_id"),
    ENDED: (
        "p.status IN ('RELEASED', 'EXPIRED', 'FAILED') AND p.closed_at >= :day_start"
        " AND p.clinic_id IS NOT NULL",
        "p.closed_at DESC, p.order_id",
    ),
}


def _list(which: str) -> Statement:
    condition, order = _SHOWN[which]
    return Statement(
        f"""
        SELECT p.order_id, p.patient_id, p.visit_id, p.clinic_id, p.doctor_id, p.priority, p.status, p.reason,
               p.reserved_at, p.expires_at, p.closed_at, r.medication_ids, r.dispensed
          FROM pharmacy.prescription_orders p
          LEFT JOIN LATERAL (
                SELECT array_agg(DISTINCT medication_id) AS medication_ids,
                       sum(dispensed_quantity) AS dispensed
                  FROM pharmacy.reservations WHERE order_id = p.order_id
               ) r ON true
         WHERE p.organization_id = :organization_id AND p.facility_id = :facility_id AND {condition}
         ORDER BY {order} LIMIT {MOST}
        """  # noqa: S608 - constants of this file
    )


_LIST = {which: _list(which) for which in LISTS}
COUNTS = Statement(
    f"""
    SELECT (SELECT count(*) FROM pharmacy.prescription_orders p
             WHERE p.organization_id = :organization_id AND p.facility_id = :facility_id
               AND {_SHOWN[WAITING][0]}) AS waiting,
           (SELECT count(*) FROM pharmacy.prescription_orders p
             WHERE p.organization_id = :organization_id AND p.facility_id = :facility_id
               AND {_SHOWN[DONE][0]}) AS done,
           (SELECT count(*) FROM pharmacy.prescription_orders p
             WHERE p.organization_id = :organization_id AND p.facility_id = :facility_id
               AND {_SHOWN[ENDED][0]}) AS ended
    """  # noqa: S608 - constants of this file
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One prescription of the list. ``at`` is where its ticket stands, None without a visit here."""

    order_id: UUID
    patient_id: UUID
    visit_id: UUID | None
    clinic_id: UUID | None
    doctor_id: UUID | None
    priority: str
    status: str
    reason: str | None
    reserved_at: datetime | None
    expires_at: datetime | None
    closed_at: datetime | None
    medication_ids: tuple[UUID, ...]
    dispensed: Decimal
    medications: tuple[MedicationCard, ...] = ()
    card: PatientCard | None = None
    clinic: ClinicInfo | None = None
    doctor: StaffInfo | None = None
    at: AtStation | None = None

    @property
    def name(self) -> str:
        return self.card.name if self.card else ""

    @property
    def is_part(self) -> bool:
        """A part was handed over already."""
        return self.dispensed > 0


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """One of the lists; ``counts`` of all three by name, and ``stations`` where the pharmacy calls people."""

    which: str
    rows: tuple[Row, ...]
    counts: dict[str, int]
    stations: tuple[Station, ...]
    topics: tuple[str, ...]

    @property
    def is_cut(self) -> bool:
        return self.counts[self.which] > len(self.rows)


def worklist(actor: Actor, which: str = WAITING) -> Worklist:
    """Return one of LISTS of the actor's facility, in seven statements whatever its length."""
    here = organization.facility(actor)
    where = {
        "organization_id": actor.organization_id,
        "facility_id": here.id,
        "day_start": clock.local(clock.now(), here.timezone).replace(
            hour=0, minute=0, second=0, microsecond=0
        ),
    }
    counts = COUNTS.first(where)
    stations = reception.stations_here(actor, STATION)
    with transaction():
        rows = _complete(actor, [_row(each) for each in _LIST[which].all(where)])
        if rows:
            seen = dict.fromkeys(row.patient_id for row in rows)
            audit.saw(actor, "prescription.list", "patient", ids=seen)
    return Worklist(
        which=which,
        rows=tuple(rows),
        counts={name: getattr(counts, name) for name in LISTS},
        stations=tuple(stations),
        topics=(worklist_topic(here.id), *(each.topic for each in stations)),
    )


_OWN = tuple(Row.__dataclass_fields__)[: tuple(Row.__dataclass_fields__).index("medication_ids")]


def _row(found: Any) -> Row:
    return Row(
        **{name: getattr(found, name) for name in _OWN},
        medication_ids=tuple(found.medication_ids or ()),
        dispensed=found.dispensed or Decimal(0),
    )


def _complete(actor: Actor, rows: list[Row]) -> list[Row]:
    """Ask the owners of names, tickets and medicines, once each for the whole list."""
    if not rows:
        return rows
    there = organization.directory(actor.organization_id)
    cards = patients.cards(actor, {row.patient_id for row in rows})
    stands = reception.at_station(actor, STATION, {row.visit_id for row in rows if row.visit_id})
    known = catalog.medications(actor, {each for row in rows for each in row.medication_ids})
    return [
        replace(
            row,
            card=cards.get(row.patient_id),
            clinic=there.clinics.get(row.clinic_id) if row.clinic_id else None,
            doctor=there.staff.get(row.doctor_id) if row.doctor_id else None,
            at=stands.get(row.visit_id) if row.visit_id else None,
            medications=tuple(known[each] for each in row.medication_ids if each in known),
        )
        for row in rows
    ]
