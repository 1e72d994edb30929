"""Another time for tests whose specimens are still to be taken; the tests of an order stay together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from clinic_web.catalog import api as catalog
from clinic_web.events.lab import LabRescheduled
from clinic_web.kernel import bus, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab import planning
from clinic_web.lab.access import lab_order_for, open_tests_of, order_with_test
from clinic_web.lab.models import HeardOrder, LabOrder
from clinic_web.lab.planning import Way
from clinic_web.lab.service import ground
from clinic_web.lab.service.ground import Ground
from clinic_web.lab.service.statements import GIVE_BACK_PLACES, HOLD_PLACES, LOCK_SLOTS
from clinic_web.lab.service.working import acted
from clinic_web.organization import api as organization

IS_GONE = N_("This time is taken meanwhile. Choose another one.")


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Tests after a move: ``starts_at`` is when the first is now, ``former`` when it was."""

    lab_order_id: UUID
    order_id: UUID
    patient_id: UUID
    version: int
    starts_at: datetime
    former: datetime
    tests: int


class TimeGone(StaleScreen):
    """The chosen time does not take all of the tests any more (409)."""


def move(
    actor: Actor,
    lab_order_id: UUID,
    starts_at: datetime,
    *,
    version: int,
    key: str | None,
    alone: bool = False,
) -> Moved:
    """Let an order's open tests begin at ``starts_at``, each at its first free time from there on.

    ``alone``: this test only. Raises TimeGone and StaleTest (409), RuleBroken (422: past), NotFound (404).
    """
    with transaction(), db.session.no_autoflush:
        body = {"test": lab_order_id, "at": starts_at, "alone": alone}
        claim = idempotency.claim(actor, "lab.move", key, body)
        if claim.is_repetition:
            return _moved(lab_order_for(actor, lab_order_id), starts_at, 0)
        if starts_at < clock.now():
            raise RuleBroken(N_("This time is past."), field="slot")
        heard, row = order_with_test(actor, lab_order_id)
        row.require_version(version)
        row.require_open()
        rows = [row] if alone else open_tests_of(heard)
        former = min(each.scheduled_time for each in rows)
        _take(actor, rows, _times(actor, rows, starts_at))
        _tell(actor, heard, min(each.scheduled_time for each in open_tests_of(heard)))
        claim.keep({"lab_order_id": str(row.id)})
        return _moved(row, former, len(rows))


def ground_for(actor: Actor, rows: Sequence[LabOrder], since: datetime) -> tuple[Ground, list[Way]]:
    """Return the ground on which these tests can be given a time, and how each of them is done."""
    facility = organization.directory(actor.organization_id).facilities[rows[0].facility_id]
    tests = catalog.lab_tests(actor, {row.lab_test_id for row in rows})
    found = ground.read(facility.id, facility.timezone, tests, since)
    found = replace(found, plan=ground.without_own(found.plan, rows))
    return found, [found.ways[row.lab_test_id] for row in rows]


def _times(actor: Actor, rows: Sequence[LabOrder], starts_at: datetime) -> list[tuple[datetime, Way]]:
    found, ways = ground_for(actor, rows, starts_at)
    times = planning.choose(found.plan, ways, soonest=False)
    if times is None or min(times) != starts_at:
        raise TimeGone(IS_GONE)
    return list(zip(times, ways, strict=True))


def _take(actor: Actor, rows: Sequence[LabOrder], times: Sequence[tuple[datetime, Way]]) -> None:
    """Hold the new places and give the old ones back; a test that keeps its time keeps its place."""
    moves = [(row, at, way) for row, (at, way) in zip(rows, times, strict=True) if row.scheduled_time != at]
    given_up = [row.slot_id for row, _, _ in moves]
    now = clock.now()
    if moves:
        places = _wanted(rows[0], moves)
        LOCK_SLOTS.run(places | {"slot_ids": given_up})
        held = HOLD_PLACES.all(places | {"now": now})
        if not held or not held[0].is_whole:
            raise TimeGone(IS_GONE)
        GIVE_BACK_PLACES.run({"slot_ids": given_up, "now": now})
        slots = {(each.lab_test_id, each.starts_at): each.id for each in held}
        for row, at, _ in moves:
            row.slot_id = slots[row.lab_test_id, at]
    for row, (at, _) in zip(rows, times, strict=True):
        row.scheduled_time = at
        acted(actor, "lab.move", row)


def _wanted(row: LabOrder, moves: Sequence[tuple[LabOrder, datetime, Way]]) -> dict[str, Any]:
    return {
        "organization_id": row.organization_id,
        "facility_id": row.facility_id,
        "test_ids": [each.lab_test_id for each, _, _ in moves],
        "starts": [at for _, at, _ in moves],
        "minutes": [way.slot_minutes for _, _, way in moves],
        "capacities": [way.capacity for _, _, way in moves],
    }


def _tell(actor: Actor, heard: HeardOrder, starts_at: datetime) -> None:
    heard.starts_at = starts_at
    bus.publish(
        LabRescheduled(
            organization_id=heard.organization_id,
            facility_id=heard.facility_id,
            order_id=heard.order_id,
            patient_id=heard.patient_id,
            move_id=new_id(),
            starts_at=starts_at,
        ),
        actor,
    )


def _moved(row: LabOrder, former: datetime, tests: int) -> Moved:
    return Moved(
        lab_order_id=row.id,
        order_id=row.order_id,
        patient_id=row.patient_id,
        version=row.version,
        starts_at=row.scheduled_time,
        former=former,
        tests=tests,
    )
