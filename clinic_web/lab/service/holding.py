"""Hold a slot for each test of an order, all or none, and let them go again: what the saga asks for.

An order has one row (``lab.heard_orders``), made by whichever request comes first. Every step locks it; it
keeps the answer, and is the tombstone of an order that was called off before anybody asked for its slots.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from clinic_web.catalog import api as catalog
from clinic_web.events.lab import LabReleased, LabScheduled, LabSchedulingFailed
from clinic_web.events.orders import CompensationRequested, OrderCreated, OrderLine
from clinic_web.kernel import bus, clock, push
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.errors import Busy
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab import live, planning
from clinic_web.lab.models import (
    ASKED,
    CALLED_OFF,
    FULL,
    HELD,
    INACTIVE,
    NOT_OFFERED,
    PRIORITIES,
    RELEASED,
    ROUTINE,
    STAT,
    HeardOrder,
)
from clinic_web.lab.planning import DEFAULT_HOURS, Plan, Way
from clinic_web.lab.service import joining
from clinic_web.lab.service.ground import HORIZON, Offers, hours_of, offers_of, taken_of, way_of
from clinic_web.lab.service.hours import make_default_hours
from clinic_web.lab.service.statements import (
    FREE_ORDER,
    GIVE_BACK_PLACES,
    HEAR,
    HOLD_ORDER,
    LOOK_AGAIN,
    REFUSE,
    RELEASE,
)
from clinic_web.organization import api as organization

SOON = 2  # days in which a time is looked for at first
TRIES = 60  # each is lost to somebody who got a place


class Refused(Exception):
    """No slot can be held: the reason as the event tells it, and the line, where there is one."""

    def __init__(self, reason: str, line_id: UUID | None = None) -> None:
        super().__init__(reason)
        self.reason, self.line_id = reason, line_id


def hold(event: OrderCreated) -> None:
    """Hold a slot for each test and tell when; asked again, tell the same again and hold nothing more."""
    actor = system_actor(event.organization_id, facility_id=event.facility_id, name="laboratory")
    with transaction():
        now = clock.now()
        preferred = None if event.priority == STAT else event.preferred_at
        since = max(preferred or now, now)
        values = _values(event, since, now)
        heard = HEAR.first(values)
        if heard.answer != ASKED:
            _answer_again(actor, event, heard)
            return
        try:
            starts_at = _hold_all(actor, event, heard, values)
        except Refused as refused:
            _refuse(actor, event, refused)
            return
        _tell_held(actor, event, starts_at)
        if event.visit_id is not None:
            joining.follow_up(actor, event.facility_id, event.visit_id, starts_at)
        push.changed(live.lab_topic(event.facility_id))
        push.changed(live.order_topic(event.order_id))


def release(event: CompensationRequested) -> None:
    """Let go of what is still to be taken; what was taken stays. Answered in any case, and for good."""
    actor = system_actor(event.organization_id, facility_id=event.facility_id, name="laboratory")
    with transaction():
        values = {
            "order_id": event.order_id,
            "organization_id": event.organization_id,
            "facility_id": event.facility_id,
            "patient_id": event.patient_id,
            "now": clock.now(),
        }
        RELEASE.run(values)
        FREE_ORDER.run(values)
        tell_released(actor, event)
        push.changed(live.lab_topic(event.facility_id))
        push.changed(live.order_topic(event.order_id))


def tell_released(actor: Actor, order: CompensationRequested | HeardOrder) -> None:
    bus.publish(LabReleased(**_of(order)), actor)


def _values(event: OrderCreated, since: datetime, now: datetime) -> dict[str, Any]:
    return {
        "order_id": event.order_id,
        "organization_id": event.organization_id,
        "facility_id": event.facility_id,
        "patient_id": event.patient_id,
        "clinic_id": event.clinic_id,
        "visit_id": event.visit_id,
        "doctor_id": event.doctor_id,
        "priority": event.priority if event.priority in PRIORITIES else ROUTINE,
        "lab_test_ids": [line.item_id for line in event.lines],
        "since": since,
        "until": since + timedelta(days=SOON + 1),  # whatever the local day has of it
        "now": now,
    }


def _hold_all(actor: Actor, event: OrderCreated, heard: Any, values: dict[str, Any]) -> datetime:
    """Return when the first test is. Raises Refused, or Busy when places went as fast as they were found."""
    ways = _ways(actor, event.lines, offers_of(heard.offers))
    hours = hours_of(heard.hours)
    if not hours:
        make_default_hours(actor, event.facility_id)
    plan = Plan(
        hours=hours or DEFAULT_HOURS,
        timezone=_timezone(event),
        since=values["since"],
        days=SOON,
        taken=taken_of(heard.taken),
    )
    for _ in range(TRIES):
        times = planning.choose(plan, ways, soonest=event.priority == STAT)
        if times is None and plan.days == HORIZON:
            raise Refused(FULL)
        if times is not None:
            held = HOLD_ORDER.first(values | _wanted(event.lines, ways, times))
            if held.is_whole:
                return min(times)
            if held.slot_ids:
                GIVE_BACK_PLACES.run({"slot_ids": held.slot_ids, "now": values["now"]})
        plan = _look_again(plan, values, days=plan.days if times else HORIZON)
    raise Busy


def _look_again(plan: Plan, values: Mapping[str, Any], *, days: int) -> Plan:
    until = plan.since + timedelta(days=days + 1)
    found = LOOK_AGAIN.first({**values, "until": until}).taken
    return Plan(hours=plan.hours, timezone=plan.timezone, since=plan.since, days=days, taken=taken_of(found))


def _timezone(event: OrderCreated) -> str:
    facility = organization.directory(event.organization_id).facilities.get(event.facility_id)
    if facility is None:
        raise Refused(NOT_OFFERED)
    return facility.timezone


def _ways(actor: Actor, lines: tuple[OrderLine, ...], offers: Offers) -> list[Way]:
    """Return how each line's test is done here. Raises Refused for one that is not."""
    tests = catalog.lab_tests(actor, {line.item_id for line in lines})
    found = []
    for line in lines:
        test = tests.get(line.item_id)
        if test is None or not offers.get(line.item_id, (True,))[0]:
            raise Refused(NOT_OFFERED, line.line_id)
        if not test.is_active:
            raise Refused(INACTIVE, line.line_id)
        found.append(way_of(test, offers))
    return found


def _wanted(lines: tuple[OrderLine, ...], ways: list[Way], times: list[datetime]) -> dict[str, Any]:
    return {
        "ids": [new_id() for _ in lines],
        "line_ids": [line.line_id for line in lines],
        "test_ids": [way.lab_test_id for way in ways],
        "starts": times,
        "minutes": [way.slot_minutes for way in ways],
        "capacities": [way.capacity for way in ways],
    }


def _answer_again(actor: Actor, event: OrderCreated, heard: Any) -> None:
    if heard.answer == HELD:
        _tell_held(actor, event, heard.starts_at)
    elif heard.answer == RELEASED:
        _tell_refused(actor, event, Refused(CALLED_OFF))
    else:
        _tell_refused(actor, event, Refused(heard.reason, heard.line_id))


def _tell_held(actor: Actor, event: OrderCreated, starts_at: datetime) -> None:
    bus.publish(LabScheduled(**_of(event), starts_at=starts_at), actor)


def _refuse(actor: Actor, event: OrderCreated, refused: Refused) -> None:
    REFUSE.run({"order_id": event.order_id, "reason": refused.reason, "line_id": refused.line_id})
    _tell_refused(actor, event, refused)


def _tell_refused(actor: Actor, event: OrderCreated, refused: Refused) -> None:
    told = LabSchedulingFailed(**_of(event), reason=refused.reason, line_id=refused.line_id)
    bus.publish(told, actor)


def _of(order: OrderCreated | CompensationRequested | HeardOrder) -> dict[str, UUID]:
    return {
        "organization_id": order.organization_id,
        "facility_id": order.facility_id,
        "order_id": order.order_id,
        "patient_id": order.patient_id,
    }
