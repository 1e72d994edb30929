"""Cancel a test whose specimen is not taken, with a reason; and take that back while its place is free."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from clinic_web.catalog import api as catalog
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab.access import order_with_test
from clinic_web.lab.models import CANCELLED, RELEASED, HeardOrder, LabOrder
from clinic_web.lab.service import ground
from clinic_web.lab.service.holding import tell_released
from clinic_web.lab.service.statements import GIVE_BACK_PLACES, HOLD_PLACES, LOCK_SLOTS
from clinic_web.lab.service.working import CALLED_OFF, Done, acted
from clinic_web.organization import api as organization


def cancel(actor: Actor, lab_order_id: UUID, reason: str, *, version: int) -> Done:
    """SCHEDULED → CANCELLED, and its place is free. With an order's last test the whole order is released:
    that is told on, and final.

    Raises RuleBroken (422) without a reason, StaleTest (409) when the specimen is taken, NotFound (404).
    """
    with transaction(), db.session.no_autoflush:
        heard, row = order_with_test(actor, lab_order_id)
        row.require_version(version)
        row.cancel(reason, actor.user_id)
        GIVE_BACK_PLACES.run({"slot_ids": [row.slot_id], "now": clock.now()})
        done = acted(actor, "lab.cancel", row)
        if not _something_is_left(heard):
            heard.answer = RELEASED
            tell_released(actor, heard)
        return done


def undo(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """CANCELLED → SCHEDULED at the old time. StaleScreen (409) when it is taken, or the order is off."""
    with transaction(), db.session.no_autoflush:
        heard, row = order_with_test(actor, lab_order_id)
        row.require_version(version)
        if heard.answer == RELEASED:
            raise StaleScreen(CALLED_OFF)
        row.undo_cancel()
        _hold_again(actor, row)
        return acted(actor, "lab.undo_cancel", row)


def _something_is_left(heard: HeardOrder) -> bool:
    left = select(LabOrder.id).where(LabOrder.order_id == heard.order_id, LabOrder.status != CANCELLED)
    return db.session.scalars(left.limit(1)).first() is not None


def _hold_again(actor: Actor, row: LabOrder) -> None:
    facility = organization.directory(actor.organization_id).facilities[row.facility_id]
    tests = catalog.lab_tests(actor, [row.lab_test_id])
    found = ground.read(facility.id, facility.timezone, tests, row.scheduled_time, days=1)
    way = found.ways[row.lab_test_id]
    place = {
        "organization_id": row.organization_id,
        "facility_id": row.facility_id,
        "test_ids": [row.lab_test_id],
        "starts": [row.scheduled_time],
        "minutes": [way.slot_minutes],
        "capacities": [way.capacity],
    }
    LOCK_SLOTS.run(place | {"slot_ids": []})
    held = HOLD_PLACES.all(place | {"now": clock.now()})
    if not held:
        raise StaleScreen(N_("Its place is taken meanwhile. The doctor can write it again."))
    row.slot_id = held[0].id
