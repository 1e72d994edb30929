"""One prescription as the pharmacist has it in hand: its lines and batches, what went over the counter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.billing import api as billing
from clinic_web.billing.api import AtStation as BillAtStation
from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import MedicationCard
from clinic_web.identity import api as identity
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.pharmacy.access import prescription_for, reservations_of
from clinic_web.pharmacy.live import worklist_topic
from clinic_web.pharmacy.models import (
    HANDED_OVER,
    RESERVED,
    Dispensing,
    DispensingLine,
    Prescription,
    Reservation,
)
from clinic_web.pharmacy.service.dispensing import PRESCRIPTION, plain_number
from clinic_web.pharmacy.service.joining import STATION
from clinic_web.reception import api as reception
from clinic_web.reception.api import AtStation, Station


@dataclass(frozen=True, kw_only=True)
class Line:
    """One medicine of a prescription with what is or was held of it, the batch that expires first first."""

    line_id: UUID
    medication: MedicationCard | None
    batches: tuple[Reservation, ...]

    @property
    def left(self) -> Decimal:
        return sum((each.left for each in self.batches), Decimal(0))

    @property
    def left_to_type(self) -> str:
        """What stands in its field before anybody types."""
        return plain_number(self.left)

    @property
    def dispensed(self) -> Decimal:
        return sum((each.dispensed_quantity for each in self.batches), Decimal(0))

    @property
    def unit(self) -> str:
        return self.medication.unit if self.medication else ""

    @property
    def held(self) -> tuple[Reservation, ...]:
        """The batches to take it from."""
        return tuple(each for each in self.batches if each.left)


@dataclass(frozen=True, kw_only=True)
class HandedOver:
    """One dispensing and its lines: what and how much. ``is_undoable``: on its own day, and not undone."""

    dispensing: Dispensing
    lines: tuple[tuple[MedicationCard | None, Decimal], ...]
    by: str | None
    is_undone: bool
    is_undoable: bool


@dataclass(frozen=True, kw_only=True)
class InHand:
    """A prescription, its patient, and where the ticket stands (``at``)."""

    prescription: Prescription
    lines: tuple[Line, ...]
    handed_over: tuple[HandedOver, ...]
    card: PatientCard | None
    clinic: ClinicInfo | None
    doctor: StaffInfo | None
    at: AtStation | None
    stations: tuple[Station, ...]
    bill: BillAtStation

    @property
    def topics(self) -> tuple[str, ...]:
        return (worklist_topic(self.prescription.facility_id), *(each.topic for each in self.stations))

    @property
    def is_held(self) -> bool:
        return self.prescription.status == RESERVED

    @property
    def is_late(self) -> bool:
        """Its time has run out, and the next run of the clock frees it."""
        return self.is_held and (self.prescription.expires_at or clock.now()) <= clock.now()


def in_hand(actor: Actor, order_id: UUID) -> InHand:
    """Return one prescription with all that its panel shows; NotFound (404)."""
    with transaction():
        prescription = prescription_for(actor, order_id)
        reservations = reservations_of(prescription)
        medications = catalog.medications(actor, {each.medication_id for each in reservations})
        there = organization.directory(actor.organization_id)
        visit_id = prescription.visit_id
        shown = InHand(
            prescription=prescription,
            lines=_lines(reservations, medications),
            handed_over=_handed_over(actor, prescription, medications),
            card=patients.cards(actor, {prescription.patient_id}).get(prescription.patient_id),
            clinic=there.clinics.get(prescription.clinic_id) if prescription.clinic_id else None,
            doctor=there.staff.get(prescription.doctor_id) if prescription.doctor_id else None,
            at=reception.at_station(actor, STATION, [visit_id]).get(visit_id) if visit_id else None,
            stations=tuple(reception.stations_here(actor, STATION)),
            bill=billing.at_station(actor, [order_id], PRESCRIPTION)[order_id],
        )
        audit.saw(actor, "prescription.view", "prescription", order_id)
    return shown


def _lines(reservations: Sequence[Reservation], medications: dict[UUID, MedicationCard]) -> tuple[Line, ...]:
    by_line: dict[UUID, list[Reservation]] = defaultdict(list)
    for each in sorted(reservations, key=lambda row: row.line_id):
        by_line[each.line_id].append(each)
    return tuple(
        Line(line_id=line_id, medication=medications.get(rows[0].medication_id), batches=tuple(rows))
        for line_id, rows in by_line.items()
    )


def _handed_over(
    actor: Actor, prescription: Prescription, medications: dict[UUID, MedicationCard]
) -> tuple[HandedOver, ...]:
    """What went over the counter, the last first; what was put back stays here, struck through."""
    wanted = (
        select(Dispensing, DispensingLine)
        .join(DispensingLine, DispensingLine.dispensing_id == Dispensing.id)
        .where(
            Dispensing.order_id == prescription.order_id,
            Dispensing.organization_id == prescription.organization_id,
        )
        .order_by(Dispensing.dispensed_at.desc(), Dispensing.id.desc(), DispensingLine.line_id)
    )
    rows = db.session.execute(wanted).all()
    found = {dispensing.id: dispensing for dispensing, _ in rows}
    undone = {each.undoes_id for each in found.values()}
    names = identity.names_of(actor, {each.dispensed_by for each in found.values()})
    zone = organization.facility(actor).timezone
    return tuple(
        HandedOver(
            dispensing=each,
            lines=_summed([line for of, line in rows if of.id == each.id], medications),
            by=names.get(each.dispensed_by) if each.dispensed_by else None,
            is_undone=each.id in undone,
            is_undoable=each.id not in undone and _is_today(each.dispensed_at, zone),
        )
        for each in found.values()
        if each.kind == HANDED_OVER
    )


def _summed(
    lines: Sequence[DispensingLine], medications: dict[UUID, MedicationCard]
) -> tuple[tuple[MedicationCard | None, Decimal], ...]:
    sums: dict[UUID, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.medication_id] += line.quantity
    return tuple((medications.get(medication_id), quantity) for medication_id, quantity in sums.items())


def _is_today(at: datetime, zone: str) -> bool:
    return clock.local(at, zone).date() == clock.today(zone)
