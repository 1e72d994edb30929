"""How many fit into a time, how a facility does a test, and when its laboratory takes specimens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from clinic_web.audit import api as audit
from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import LabTestCard
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab import live
from clinic_web.lab.models import Hours, Offer, Slot
from clinic_web.lab.planning import OpenHours
from clinic_web.lab.service import ground
from clinic_web.lab.service.statements import SET_CAPACITY
from clinic_web.organization import api as organization

MOST = 1000
SHORTEST, LONGEST = 5, 480  # minutes
NO_TEST = N_("This test is not here (any more).")


@dataclass(frozen=True, kw_only=True)
class OwnWay:
    """How a facility does a test; None: as the catalogue says."""

    slot_minutes: int | None
    capacity: int | None
    is_offered: bool


def set_slot(actor: Actor, lab_test_id: UUID, starts_at: datetime, capacity: int | None, *, was: int) -> None:
    """Give one time a capacity of its own, or with None the test's again. Nobody is thrown out by it.

    ``was`` is what the screen showed. Raises RuleBroken (422), StaleScreen (409), NotFound (404).
    """
    if capacity is not None and not 0 <= capacity <= MOST:
        raise RuleBroken(N_("Write a whole number from 0 to %(most)s."), field="capacity", most=MOST)
    facility = organization.facility(actor)
    with transaction():
        test = _test(actor, lab_test_id)
        found = ground.read(facility.id, facility.timezone, {test.id: test}, starts_at, days=1)
        way = found.ways[test.id]
        slot = _slot(facility.id, lab_test_id, starts_at)
        now_is = slot.capacity if slot and slot.has_own_capacity else way.capacity
        if now_is != was:
            raise StaleScreen(
                N_("Somebody else changed how many fit in here."), {N_("Places"): (was, now_is)}
            )
        row = SET_CAPACITY.first(
            {
                "organization_id": actor.organization_id,
                "facility_id": facility.id,
                "lab_test_id": lab_test_id,
                "starts_at": starts_at,
                "slot_minutes": slot.slot_minutes if slot else way.slot_minutes,
                "capacity": way.capacity if capacity is None else capacity,
                "is_own": capacity is not None,
                "user_id": actor.user_id,
                "now": clock.now(),
            }
        )
        new = {"starts_at": starts_at, "capacity": capacity, "taken": row.taken}
        audit.changed(actor, "lab.slot", "lab_slot", row.id, old={"capacity": was}, new=new)
        push.changed(live.lab_topic(facility.id))


def set_way(actor: Actor, lab_test_id: UUID, own: OwnWay, *, version: int) -> None:
    """Say how the facility does a test; ``version`` is 0 where nothing of its own was said before.

    Whoever has a time keeps it. Raises RuleBroken (422), StaleScreen (409), NotFound (404).
    """
    _require_sound(own)
    facility = organization.facility(actor)
    with transaction():
        _test(actor, lab_test_id)
        offer = db.session.scalar(
            select(Offer).filter_by(facility_id=facility.id, lab_test_id=lab_test_id).with_for_update()
        )
        if (offer.version if offer else 0) != version:
            raise StaleScreen(N_("Somebody else changed this just now. Please look again."))
        old = {name: getattr(offer, name) for name in vars(own)} if offer else None
        if offer is None:
            offer = Offer(
                id=new_id(),
                organization_id=actor.organization_id,
                facility_id=facility.id,
                lab_test_id=lab_test_id,
                created_by=actor.user_id,
            )
            db.session.add(offer)
        for name, value in vars(own).items():
            setattr(offer, name, value)
        offer.updated_by = actor.user_id
        db.session.flush()
        audit.changed(actor, "lab.way", "lab_test", lab_test_id, old=old, new=vars(own))
        push.changed(live.lab_topic(facility.id))


def save_hours(actor: Actor, hours: Sequence[OpenHours], *, stamp: str) -> None:
    """Let the laboratory take specimens at these hours from now on; whoever has a time keeps it.

    ``stamp`` says which hours the screen showed (``stamp_of``). Raises RuleBroken (422), StaleScreen (409).
    """
    _require_apart(hours)
    facility = organization.facility(actor)
    with transaction():
        old = hours_of(actor, lock=True)
        if stamp_of(old) != stamp:
            raise StaleScreen(N_("Somebody else changed these hours just now. Please look again."))
        db.session.execute(delete(Hours).where(Hours.facility_id == facility.id))
        db.session.add_all(
            Hours(
                id=new_id(),
                organization_id=actor.organization_id,
                facility_id=facility.id,
                weekday=weekday,
                starts_at=begins,
                ends_at=ends,
                created_by=actor.user_id,
                updated_by=actor.user_id,
            )
            for weekday, begins, ends in hours
        )
        db.session.flush()
        values = {"old": {"hours": stamp_of(old)}, "new": {"hours": stamp_of(hours)}}
        audit.changed(actor, "lab.hours", "lab_hours", facility.id, **values)
        push.changed(live.lab_topic(facility.id))


def hours_of(actor: Actor, *, lock: bool = False) -> list[OpenHours]:
    """Return the hours of the actor's laboratory by weekday and time; empty where nobody said any."""
    facility = organization.facility(actor)
    mine = (
        select(Hours)
        .where(Hours.facility_id == facility.id, Hours.organization_id == actor.organization_id)
        .order_by(Hours.weekday, Hours.starts_at)
    )
    rows = db.session.scalars(mine.with_for_update() if lock else mine)
    return [(row.weekday, row.starts_at, row.ends_at) for row in rows]


def stamp_of(hours: Sequence[OpenHours]) -> str:
    """Return the hours as one text: what a form carries along to notice that they changed meanwhile."""
    return ", ".join(f"{weekday} {begins:%H:%M}-{ends:%H:%M}" for weekday, begins, ends in sorted(hours))


def _require_sound(own: OwnWay) -> None:
    if own.capacity is not None and not 0 <= own.capacity <= MOST:
        raise RuleBroken(N_("Write a whole number from 0 to %(most)s."), field="capacity", most=MOST)
    if own.slot_minutes is not None and not SHORTEST <= own.slot_minutes <= LONGEST:
        sentence = N_("A slot takes %(least)s to %(most)s minutes.")
        raise RuleBroken(sentence, field="slot_minutes", least=SHORTEST, most=LONGEST)


def _require_apart(hours: Sequence[OpenHours]) -> None:
    """The hours of a day follow each other, and there are some: who closes for good stops offering tests."""
    if not hours:
        raise RuleBroken(N_("The laboratory needs at least one day on which it takes specimens."))
    for weekday, begins, ends in hours:
        if begins >= ends:
            raise RuleBroken(N_("The end comes after the beginning."), field=f"to_{weekday}_0")
    ordered = sorted(hours)
    for (day, _, ends), (next_day, begins, _) in pairwise(ordered):
        if day == next_day and begins < ends:
            raise RuleBroken(N_("These hours overlap."), field=f"from_{day}_1")


def _test(actor: Actor, lab_test_id: UUID) -> LabTestCard:
    found = catalog.lab_tests(actor, [lab_test_id]).get(lab_test_id)
    if found is None:
        raise NotFound(NO_TEST)
    return found


def _slot(facility_id: UUID, lab_test_id: UUID, starts_at: datetime) -> Any:
    wanted = select(Slot).filter_by(facility_id=facility_id, lab_test_id=lab_test_id, starts_at=starts_at)
    return db.session.scalar(wanted.with_for_update())
