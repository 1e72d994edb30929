"""Encounters: what one row says, and a first look at all of them to see what the clinics do and when."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from clinic_web.cli.synthea import wording
from clinic_web.cli.synthea.reading import Refused, Row
from clinic_web.kernel import clock

STEP, SHORTEST, LONGEST = 5, 5, 480  # minutes: what a service may last

LARGEST_PRICE = Decimal("999999.9999")  # of a service

# What a patient walks in for and out of again the same hour; the others are nights in hospital.
AT_A_DESK = {"wellness", "ambulatory", "outpatient", "urgentcare"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Encounter:
    """One row of encounters.csv; names as in the export, ids of the export. ``price`` is the list price."""

    external_id: str
    patient: str
    organization: str
    provider: str
    service: str
    code: str
    kind: str
    price: Decimal
    start: datetime
    stop: datetime

    @property
    def minutes(self) -> int:
        """Rounded to what can be booked."""
        minutes = (self.stop - self.start).total_seconds() / 60
        return min(max(STEP * round(minutes / STEP), SHORTEST), LONGEST)


@dataclass(frozen=True)
class Known:
    """Which ids of the export an encounter may name."""

    patients: Collection[str]
    organizations: Collection[str]
    providers: Collection[str]

    def encounter(self, row: Row) -> Encounter:
        """Return what the row says; Refused for a wrong value or an id that nobody has."""
        start, stop = row.moment("START"), row.moment("STOP")
        if stop < start:
            raise Refused("STOP is before START", row.text("STOP"))
        if stop > clock.now():
            raise Refused("STOP is in the future", row.text("STOP"))
        return Encounter(
            external_id=row.text("Id"),
            patient=_one_of(row, "PATIENT", self.patients, "patient"),
            organization=_one_of(row, "ORGANIZATION", self.organizations, "organization"),
            provider=_one_of(row, "PROVIDER", self.providers, "provider"),
            service=wording.service(row.text("DESCRIPTION")),
            code=row.text("CODE"),
            kind=row.text("ENCOUNTERCLASS"),
            price=row.amount("BASE_ENCOUNTER_COST", largest=LARGEST_PRICE),
            start=start,
            stop=stop,
        )


def _one_of(row: Row, column: str, known: Collection[str], what: str) -> str:
    value = row.text(column)
    if value not in known:
        raise Refused(f"unknown {what}", value)
    return sys.intern(value)  # kept once per patient and place, not once per encounter


@dataclass
class Kind:
    """A type of encounter: how long it usually takes and what it costs (the first row says so)."""

    code: str
    price: Decimal
    lasted: Counter[int] = field(default_factory=Counter)

    @property
    def minutes(self) -> int:
        """The most frequent, the shorter of two."""
        return min(self.lasted, key=lambda minutes: (-self.lasted[minutes], minutes))


@dataclass
class Survey:
    """What all encounters say together. It grows with clinics, doctors and patients, not with encounters."""

    kinds: dict[tuple[str, str], Kind] = field(default_factory=dict)  # by organization and service
    works_in: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_patient: Counter[str] = field(default_factory=Counter)
    latest: dict[str, Encounter] = field(default_factory=dict)  # by patient, of those at a desk

    def by_clinic(self) -> Counter[str]:
        """Return how many encounters each organization had."""
        return sum(self.works_in.values(), Counter())

    def busiest_doctors(self) -> list[tuple[str, str]]:
        """Return pairs of provider and organization, those with most encounters first."""
        pairs = Counter(
            {
                (provider, organization): count
                for provider, organizations in self.works_in.items()
                for organization, count in organizations.items()
            }
        )
        return sorted(pairs, key=lambda pair: (-pairs[pair], pair))


def survey(encounters: Iterable[Encounter]) -> Survey:
    found = Survey()
    for each in encounters:
        kind = found.kinds.setdefault((each.organization, each.service), Kind(each.code, each.price))
        kind.lasted[each.minutes] += 1
        found.works_in[each.provider][each.organization] += 1
        found.by_patient[each.patient] += 1
        latest = found.latest.get(each.patient)
        if each.kind in AT_A_DESK and (latest is None or latest.start <= each.start):
            found.latest[each.patient] = each
    return found
