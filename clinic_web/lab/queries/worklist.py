"""The laboratory's day: who is expected, here, taken and done; and how full its times are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import text

from clinic_web.audit import api as audit
from clinic_web.billing import api as billing
from clinic_web.billing.api import AtStation as BillAtStation
from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import LabTestCard
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab import live
from clinic_web.lab.models import COLLECTED, RESULTED, SCHEDULED, VERIFIED, LabOrder
from clinic_web.lab.planning import spans_of, starts_in
from clinic_web.lab.service import ground
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, FacilityInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.reception import api as reception

EXPECTED, HERE, TAKEN, DONE, OFF, LATE = "expected", "here", "taken", "done", "off", "late"
LISTS = (EXPECTED, HERE, TAKEN, DONE, OFF, LATE)
KIND = "LAB"  # as bills call what is done here
LOOKS_BACK = timedelta(days=14)  # for specimens whose result nobody entered
MOST = 600

ROWS = text(
    """
    SELECT l.id, l.order_id, l.line_id, l.lab_test_id, l.patient_id, l.visit_id, l.doctor_id, l.clinic_id,
           l.scheduled_time, l.priority, l.status, l.version, l.reason, l.arrived_at, l.collected_at,
           l.resulted_at, l.verified_at,
           (SELECT s.specimen_number FROM lab.lab_specimens s WHERE s.id = l.specimen_id) AS specimen_number,
           ARRAY(SELECT r.flag FROM lab.lab_results r
                  WHERE r.entry_id = l.result_id AND r.flag IS NOT NULL) AS flags
      FROM lab.lab_orders l
     WHERE l.organization_id = :organization_id AND l.facility_id = :facility_id
       AND (l.scheduled_time >= :since AND l.scheduled_time < :until
            OR l.status = 'COLLECTED' AND l.scheduled_time >= :back AND l.scheduled_time < :since)
       AND (CAST(:lab_test_id AS uuid) IS NULL OR l.lab_test_id = :lab_test_id)
     ORDER BY l.scheduled_time, l.priority = 'STAT' DESC, l.priority = 'URGENT' DESC, l.order_id, l.id
     LIMIT :most
    """
)


@dataclass(frozen=True, kw_only=True)
class TestRow:
    """One test of the day. ``stage`` is the list it stands in; ``is_first``: the first of its order's."""

    __test__ = False  # for pytest it is none

    id: UUID
    order_id: UUID
    line_id: UUID
    lab_test_id: UUID
    patient_id: UUID
    visit_id: UUID | None
    doctor_id: UUID
    clinic_id: UUID
    scheduled_time: datetime
    priority: str
    status: str
    version: int
    reason: str | None
    arrived_at: datetime | None
    collected_at: datetime | None
    resulted_at: datetime | None
    verified_at: datetime | None
    specimen_number: str | None
    flags: list[str]
    card: PatientCard | None = None
    test: LabTestCard | None = None
    doctor: StaffInfo | None = None
    clinic: ClinicInfo | None = None
    ticket: str | None = None
    bill: BillAtStation | None = None
    is_first: bool = True

    @property
    def stage(self) -> str:
        if self.status == SCHEDULED:
            return HERE if self.arrived_at else EXPECTED
        if self.status == COLLECTED:
            return TAKEN
        return DONE if self.status in (RESULTED, VERIFIED) else OFF

    @property
    def due_at(self) -> datetime | None:
        """When the next step should have happened; None where there is none."""
        if self.status == SCHEDULED:
            return self.scheduled_time
        if self.status == COLLECTED and self.collected_at and self.test and self.test.turnaround_minutes:
            return self.collected_at + timedelta(minutes=self.test.turnaround_minutes)
        return None

    @property
    def late_minutes(self) -> int:
        """Whole minutes past ``due_at``; 0 when it is not."""
        due = self.due_at
        return max(int((clock.now() - due).total_seconds() // 60), 0) if due else 0

    @property
    def is_late(self) -> bool:
        return self.late_minutes > 0

    @property
    def must_wait(self) -> bool:
        """It is to be paid before the specimen is taken, and is not."""
        return self.bill is not None and self.bill.must_wait

    @property
    def name(self) -> str:
        return self.card.name if self.card else ""

    @property
    def is_critical(self) -> bool:
        return any(flag.startswith("CRITICAL") for flag in self.flags)

    @property
    def is_abnormal(self) -> bool:
        return any(flag != "NORMAL" for flag in self.flags)


_OWN = tuple(TestRow.__dataclass_fields__)[: tuple(TestRow.__dataclass_fields__).index("card")]


@dataclass(frozen=True)
class Hour:
    """How full an hour is: places of the tests of the day, on the facility's wall."""

    starts_at: datetime
    taken: int
    capacity: int


@dataclass(frozen=True, kw_only=True)
class Day:
    """A laboratory's day. ``rows`` are those of the list that is shown, ``counts`` those of each list."""

    facility: FacilityInfo
    day: date
    today: date
    topic: str
    seq: int
    epoch: str
    rows: tuple[TestRow, ...]
    counts: dict[str, int]
    tests: tuple[LabTestCard, ...]
    hours: tuple[Hour, ...]
    shown: str | None
    lab_test_id: UUID | None

    @property
    def before(self) -> date:
        return self.day - timedelta(days=1)

    @property
    def after(self) -> date:
        return self.day + timedelta(days=1)

    @property
    def begins(self) -> datetime:
        return bounds(self.facility, self.day)[0]

    @property
    def in_all(self) -> int:
        return sum(number for name, number in self.counts.items() if name != LATE)


def day_of(
    actor: Actor, day: date | None = None, *, shown: str | None = None, lab_test_id: UUID | None = None
) -> Day:
    """Return a laboratory's day (without one today), its list and its load; noted as one look."""
    facility = organization.facility(actor)
    today = clock.today(facility.timezone)
    day = day or today
    topic = live.lab_topic(facility.id)
    stream = push.versions([topic]).get(topic)  # before the rows: nothing shown is older than it says
    with transaction():
        rows = _complete(actor, _rows(actor, facility, day, today, lab_test_id))
        seen = [row for row in rows if shown is None or _is_in(row, shown)]
        if seen:
            audit.saw(actor, "lab.list", "lab_order", ids=[row.id for row in seen])
    tests = {row.test.id: row.test for row in rows if row.test}
    return Day(
        facility=facility,
        day=day,
        today=today,
        topic=topic,
        seq=stream.seq if stream else 0,
        epoch=stream.epoch if stream else "",
        rows=_marked(seen),
        counts={name: sum(_is_in(row, name) for row in rows) for name in LISTS},
        tests=tuple(sorted(tests.values(), key=lambda test: test.name)),
        hours=tuple(load(facility, day, tests)),
        shown=shown,
        lab_test_id=lab_test_id,
    )


def _is_in(row: TestRow, name: str) -> bool:
    return row.is_late if name == LATE else row.stage == name


def bounds(facility: FacilityInfo, day: date) -> tuple[datetime, datetime]:
    """Return when a local day begins and ends."""
    midnights = (day, day + timedelta(days=1))
    first, last = (organization.moment_at(each, time(0), facility.timezone) for each in midnights)
    return first, last


def _rows(
    actor: Actor, facility: FacilityInfo, day: date, today: date, lab_test_id: UUID | None
) -> list[TestRow]:
    since, until = bounds(facility, day)
    where = {
        "organization_id": actor.organization_id,
        "facility_id": facility.id,
        "since": since,
        "until": until,
        "back": since - LOOKS_BACK if day == today else since,
        "lab_test_id": lab_test_id,
        "most": MOST,
    }
    return [TestRow(**row) for row in db.session.execute(ROWS, where).mappings()]


def _complete(actor: Actor, rows: Sequence[TestRow]) -> list[TestRow]:
    """Ask the owners of names and tests, once each for the whole list."""
    if not rows:
        return []
    there = organization.directory(actor.organization_id)
    cards = patients.cards(actor, {row.patient_id for row in rows})
    tests = catalog.lab_tests(actor, {row.lab_test_id for row in rows})
    bills = billing.at_station(actor, {row.order_id for row in rows}, KIND)
    tickets = reception.tickets_of(actor, {row.visit_id for row in rows if row.visit_id})
    return [
        replace(
            row,
            card=cards.get(row.patient_id),
            test=tests.get(row.lab_test_id),
            doctor=there.staff.get(row.doctor_id),
            clinic=there.clinics.get(row.clinic_id),
            ticket=tickets.get(row.visit_id) if row.visit_id else None,
            bill=bills.get(row.order_id),
        )
        for row in rows
    ]


def _marked(rows: Iterable[TestRow]) -> tuple[TestRow, ...]:
    """Mark the first of those that stand together: the others need no second name."""
    found: list[TestRow] = []
    for row in rows:
        before = found[-1] if found else None
        is_first = (
            before is None or before.order_id != row.order_id or (before.scheduled_time != row.scheduled_time)
        )
        found.append(replace(row, is_first=is_first))
    return tuple(found)


def load(facility: FacilityInfo, day: date, tests: dict[UUID, LabTestCard]) -> list[Hour]:
    """Return hour by hour how many places of these tests are taken; the closed hours are left out."""
    if not tests:
        return []
    since, until = bounds(facility, day)
    found = ground.read(facility.id, facility.timezone, tests, since, days=1)
    spans = spans_of(found.plan.hours, facility.timezone, day)
    places: dict[datetime, list[int]] = {}
    for way in found.ways.values():
        for at in starts_in(spans, way.slot_minutes):
            known = found.plan.taken.get((way.lab_test_id, at))
            own = known.own_capacity if known else None
            _count(places, at, 0, way.capacity if own is None else own)
    for (_, at), known in found.plan.taken.items():
        if at < until:
            _count(places, at, known.taken, 0)
    return [Hour(at, taken, capacity) for at, (taken, capacity) in sorted(places.items())]


def _count(places: dict[datetime, list[int]], at: datetime, taken: int, capacity: int) -> None:
    hour = places.setdefault(at.astimezone(UTC).replace(minute=0, second=0, microsecond=0), [0, 0])
    hour[0] += taken
    hour[1] += capacity


def as_listed(actor: Actor, rows: Iterable[LabOrder]) -> list[TestRow]:
    """Return tests as the list shows them, from their rows."""
    plain = [name for name in _OWN if name not in ("specimen_number", "flags")]
    found = [
        TestRow(**{name: getattr(row, name) for name in plain}, specimen_number=None, flags=[])
        for row in rows
    ]
    return _complete(actor, found)
