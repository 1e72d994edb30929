"""One test in hand: the patient, what was ordered with it, its results; an order's tests as a panel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab import live
from clinic_web.lab.access import heard_order_for, lab_order_for
from clinic_web.lab.models import LabOrder, Result, Specimen
from clinic_web.lab.planning import choose
from clinic_web.lab.queries.worklist import TestRow, as_listed, bounds
from clinic_web.lab.service import ground
from clinic_web.lab.service.moving import ground_for
from clinic_web.lab.service.results import Line
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo

NEAREST = 3


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What was entered at one time, by whom; ``is_current``: it counts, the others were corrected."""

    entry_id: UUID
    entered_at: datetime
    entered_by: str
    lines: tuple[Result, ...]
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class InHand:
    """A test with everything that one decides by. ``together`` are the tests of the same order."""

    row: TestRow
    together: tuple[TestRow, ...]
    entries: tuple[Entry, ...]
    specimen: Specimen | None
    facility: FacilityInfo
    topic: str
    seq: int
    epoch: str

    @property
    def current(self) -> Entry | None:
        return next((each for each in self.entries if each.is_current), None)


def in_hand(actor: Actor, lab_order_id: UUID) -> InHand:
    """Return one test; NotFound (404). Noted as a look at the patient's test."""
    topic = live.order_topic(lab_order_for(actor, lab_order_id).order_id)
    stream = push.versions([topic]).get(topic)
    with transaction():
        audit.saw(actor, "lab.view", "lab_order", lab_order_id)
        row = lab_order_for(actor, lab_order_id)
        others = db.session.scalars(
            select(LabOrder)
            .where(LabOrder.order_id == row.order_id)
            .order_by(LabOrder.scheduled_time, LabOrder.id)
        ).all()
        listed = {each.id: each for each in as_listed(actor, others)}
        specimen = db.session.get(Specimen, row.specimen_id) if row.specimen_id else None
        return InHand(
            row=replace(listed[row.id], specimen_number=specimen.specimen_number if specimen else None),
            together=tuple(listed.values()),
            entries=_entries(actor, [row]).get(row.id, ()),
            specimen=specimen,
            facility=organization.facility(actor),
            topic=topic,
            seq=stream.seq if stream else 0,
            epoch=stream.epoch if stream else "",
        )


def _entries(actor: Actor, rows: list[LabOrder]) -> dict[UUID, tuple[Entry, ...]]:
    """Return what was entered for the tests, the newest first; one statement, and one for the names."""
    current = {row.id: row.result_id for row in rows}
    wanted = select(Result).where(Result.lab_order_id.in_(current)).order_by(Result.entry_id.desc())
    lines: dict[tuple[UUID, UUID], list[Result]] = {}
    for line in db.session.scalars(wanted.order_by(Result.position)):
        lines.setdefault((line.lab_order_id, line.entry_id), []).append(line)
    people = {each.entered_by for found in lines.values() for each in found if each.entered_by}
    names = identity.names_of(actor, people) if people else {}
    found: dict[UUID, tuple[Entry, ...]] = {}
    for (lab_order_id, entry_id), each in lines.items():
        entry = Entry(
            entry_id=entry_id,
            entered_at=each[0].entered_at,
            entered_by=names.get(each[0].entered_by, "") if each[0].entered_by else "",
            lines=tuple(each),
            is_current=current[lab_order_id] == entry_id,
        )
        found[lab_order_id] = (*found.get(lab_order_id, ()), entry)
    return found


@dataclass(frozen=True, kw_only=True)
class OrderPanel:
    """An order in the laboratory, for its line: its tests with what came out of them."""

    order_id: UUID
    answer: str
    reason: str | None
    tests: tuple[tuple[TestRow, Entry | None], ...]
    topic: str
    seq: int
    epoch: str


def panel_of(actor: Actor, order_id: UUID) -> OrderPanel:
    """Return an order's tests with their results; NotFound (404). Noted as one look."""
    topic = live.order_topic(order_id)
    stream = push.versions([topic]).get(topic)
    heard = heard_order_for(actor, order_id)
    with transaction():
        rows = db.session.scalars(
            select(LabOrder)
            .where(LabOrder.order_id == order_id)
            .order_by(LabOrder.scheduled_time, LabOrder.id)
        ).all()
        audit.saw(actor, "lab.panel", "lab_order", ids=[row.id for row in rows])
        entries = _entries(actor, list(rows))
    tests = tuple(
        (row, next((each for each in entries.get(row.id, ()) if each.is_current), None))
        for row in as_listed(actor, rows)
    )
    return OrderPanel(
        order_id=order_id,
        answer=heard.answer,
        reason=heard.reason,
        tests=tests,
        topic=topic,
        seq=stream.seq if stream else 0,
        epoch=stream.epoch if stream else "",
    )


def lines_to_fill(actor: Actor, held: InHand) -> list[Line]:
    """Return the lines of the result form: those that are to be corrected, or those of the last result of
    the same test here, without their values; at least the test itself."""
    if held.current:
        return [_line(each, keeps_value=True) for each in held.current.lines]
    last = (
        select(Result.entry_id)
        .join(LabOrder, LabOrder.result_id == Result.entry_id)
        .where(
            LabOrder.organization_id == actor.organization_id,
            LabOrder.lab_test_id == held.row.lab_test_id,
        )
        .order_by(LabOrder.resulted_at.desc())
        .limit(1)
    )
    entry = db.session.scalar(last)
    if entry is None:
        return [Line(component=held.row.test.name if held.row.test else "", value="")]
    rows = db.session.scalars(select(Result).where(Result.entry_id == entry).order_by(Result.position))
    return [_line(each, keeps_value=False) for each in rows]


def _line(row: Result, *, keeps_value: bool) -> Line:
    return Line(
        component=row.component,
        value=row.value if keeps_value else "",
        unit=row.unit,
        reference_low=row.reference_low,
        reference_high=row.reference_high,
        reference_text=row.reference_text,
        flag=row.flag if keeps_value else None,
        comment=row.comment if keeps_value else None,
    )


@dataclass(frozen=True, kw_only=True)
class Offered:
    """Where tests can go: the nearest times, and all of a day."""

    held: InHand
    tests: int
    nearest: tuple[datetime, ...]
    times: tuple[datetime, ...]
    day: date
    today: date


def offered(actor: Actor, lab_order_id: UUID, day: date | None, *, alone: bool) -> Offered:
    """Return when the open tests of an order (``alone``: this one) can be, from now and on a day."""
    held = in_hand(actor, lab_order_id)
    today = clock.today(held.facility.timezone)
    wanted = max(day or today, today)
    rows = [row for row in _open(held) if not alone or row.id == lab_order_id]
    if not rows:
        return Offered(held=held, tests=0, nearest=(), times=(), day=wanted, today=today)
    found, ways = ground_for(actor, rows, clock.now())
    since = max(bounds(held.facility, wanted)[0], clock.now())
    of_day, _ = ground_for(actor, rows, since)
    plan = replace(of_day.plan, days=1)
    times = ground.nearest(plan, ways, 200) if choose(plan, ways, soonest=False) else []
    return Offered(
        held=held,
        tests=len(rows),
        nearest=tuple(ground.nearest(found.plan, ways, NEAREST)),
        times=tuple(times),
        day=wanted,
        today=today,
    )


def _open(held: InHand) -> list[LabOrder]:
    wanted = select(LabOrder).where(LabOrder.order_id == held.row.order_id, LabOrder.status == "SCHEDULED")
    return list(db.session.scalars(wanted.order_by(LabOrder.id)))
