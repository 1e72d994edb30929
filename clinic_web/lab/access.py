"""The only way to load a row of the laboratory for a person: tenant and facility decide; foreign is 404."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.lab.models import SCHEDULED, HeardOrder, LabOrder

Row = TypeVar("Row", HeardOrder, LabOrder)

NO_TEST = N_("This test is not here (any more).")
NO_ORDER = N_("The laboratory knows nothing of this order.")


def lab_order_for(actor: Actor, lab_order_id: UUID, *, lock: bool = False) -> LabOrder:
    """Return one test of an order (``lock``: FOR UPDATE, and fresh); NotFound (404) if not the actor's."""
    wanted = _mine(actor, LabOrder, select(LabOrder).where(LabOrder.id == lab_order_id), lock=lock)
    row = db.session.execute(wanted).scalar_one_or_none()
    if row is None:
        raise NotFound(NO_TEST)
    return row


def heard_order_for(actor: Actor, order_id: UUID, *, lock: bool = False) -> HeardOrder:
    """Return the order as the laboratory heard of it; NotFound (404) if it is not the actor's to see.

    Whoever changes slots locks it first, so that nobody else's step of the same order comes between.
    """
    wanted = select(HeardOrder).where(HeardOrder.order_id == order_id)
    row = db.session.execute(_mine(actor, HeardOrder, wanted, lock=lock)).scalar_one_or_none()
    if row is None:
        raise NotFound(NO_ORDER)
    return row


def order_with_test(actor: Actor, lab_order_id: UUID) -> tuple[HeardOrder, LabOrder]:
    """Return, both locked, the order of a test and the test, in the order in which all lock them."""
    order_id = lab_order_for(actor, lab_order_id).order_id
    heard = heard_order_for(actor, order_id, lock=True)
    return heard, lab_order_for(actor, lab_order_id, lock=True)


def open_tests_of(heard: HeardOrder) -> list[LabOrder]:
    """Return, locked, the tests of an order whose specimens are still to be taken, by id."""
    wanted = (
        select(LabOrder)
        .where(LabOrder.order_id == heard.order_id, LabOrder.status == SCHEDULED)
        .order_by(LabOrder.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(wanted))


def _mine(actor: Actor, table: type[Row], wanted: Select[Row], *, lock: bool) -> Select[Row]:
    wanted = wanted.where(table.organization_id == actor.organization_id)
    if actor.facility_id is not None:
        wanted = wanted.where(table.facility_id == actor.facility_id)
    if lock:
        # A row that somebody else has just changed must be seen as it is now, not as this session knew it.
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return wanted
