"""The only way to load a row of the pharmacy for a person: tenant and facility decide; foreign is 404."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.pharmacy.models import Dispensing, DispensingLine, Prescription, Reservation

NO_PRESCRIPTION = N_("This prescription is not here (any more).")


def prescription_for(actor: Actor, order_id: UUID, *, lock: bool = False) -> Prescription:
    """Return the prescription (``lock``: FOR UPDATE, and fresh); NotFound (404) if it is not the actor's."""
    wanted = select(Prescription).where(Prescription.order_id == order_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row: Prescription | None = db.session.scalars(_here(actor, wanted, Prescription)).one_or_none()
    if row is None:
        raise NotFound(NO_PRESCRIPTION)
    return row


def dispensing_for(actor: Actor, dispensing_id: UUID) -> Dispensing:
    """Return a dispensing; NotFound (404) if it is not the actor's to see."""
    wanted = select(Dispensing).where(Dispensing.id == dispensing_id)
    row: Dispensing | None = db.session.scalars(_here(actor, wanted, Dispensing)).one_or_none()
    if row is None:
        raise NotFound(N_("This is not here (any more)."))
    return row


def reservations_of(prescription: Prescription) -> list[Reservation]:
    """Return what is or was held for it, as it is now, in the order in which batches are locked."""
    wanted = (
        select(Reservation)
        .where(
            Reservation.order_id == prescription.order_id,
            Reservation.organization_id == prescription.organization_id,
        )
        .order_by(Reservation.expiration_date, Reservation.batch_id, Reservation.id)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(wanted))


def lines_of(dispensing: Dispensing) -> list[DispensingLine]:
    wanted = select(DispensingLine).where(
        DispensingLine.dispensing_id == dispensing.id,
        DispensingLine.organization_id == dispensing.organization_id,
    )
    return list(db.session.scalars(wanted.order_by(DispensingLine.batch_id)))


def _here(actor: Actor, wanted: Select[Any], table: type[Prescription] | type[Dispensing]) -> Select[Any]:
    wanted = wanted.where(table.organization_id == actor.organization_id)
    if actor.facility_id is not None:
        wanted = wanted.where(table.facility_id == actor.facility_id)
    return wanted
