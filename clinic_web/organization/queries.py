"""Reads that must be right now: when doctors work on a day, and on what terms a service is booked."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, or_, select
from sqlalchemy.sql import ColumnElement

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.money import CENT
from clinic_web.organization.models import (
    DOCTOR,
    Clinic,
    Facility,
    Organization,
    Service,
    Staff,
    StaffClinic,
    WorkingHours,
)

NO_SHARE = Decimal("0.00")


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A span in which a doctor sees patients: aware UTC times, the end is not part of it."""

    staff_id: UUID
    room_id: UUID | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a visit costs and who gets how much of it, as it is at this moment of the transaction."""

    price: Decimal
    currency: str
    duration_minutes: int
    share_percent: Decimal
    share_rule_version: int
    clinic_id: UUID
    facility_id: UUID


@dataclass(frozen=True, kw_only=True)
class KnownIds:
    """Ids of rows that came from another system, by their id there."""

    clinics: dict[str, UUID]
    staff: dict[str, UUID]


def shifts(actor: Actor, clinic_id: UUID, day: date) -> list[Shift]:
    """Return the clinic's shifts of a local day by start: aware UTC times, right also when clocks change.

    A start or end that the clocks skip is the first moment after the gap; of two equal ones it is the first.
    """
    rows = db.session.execute(
        select(
            WorkingHours.staff_id,
            func.coalesce(WorkingHours.room_id, Staff.room_id),
            WorkingHours.starts_at,
            WorkingHours.ends_at,
            Facility.timezone,
        )
        .join(Staff, Staff.id == WorkingHours.staff_id)
        .join(Clinic, Clinic.id == WorkingHours.clinic_id)
        .join(Facility, Facility.id == Clinic.facility_id)
        .where(
            WorkingHours.organization_id == actor.organization_id,
            WorkingHours.clinic_id == clinic_id,
            _valid_on(day),
            Staff.is_active,
            Staff.deleted_at.is_(None),
        )
    )
    found = [
        Shift(
            staff_id=staff_id,
            room_id=room_id,
            starts_at=moment_at(day, start, zone),
            ends_at=moment_at(day, end, zone),
        )
        for staff_id, room_id, start, end, zone in rows
    ]
    not_skipped = [each for each in found if each.starts_at < each.ends_at]
    return sorted(not_skipped, key=lambda each: (each.starts_at, each.staff_id))


def _valid_on(day: date) -> ColumnElement[bool]:
    return and_(
        WorkingHours.weekday == day.weekday(),
        or_(WorkingHours.valid_from.is_(None), WorkingHours.valid_from <= day),
        or_(WorkingHours.valid_until.is_(None), WorkingHours.valid_until >= day),
    )


def moment_at(day: date, at: time, timezone: str) -> datetime:
    """Return when the wall clock of ``timezone`` shows ``at`` on ``day``, in UTC.

    A time that the clocks skip is the first moment after the gap (so no span turns round); one that they show
    twice is the first of the two.
    """
    zone = ZoneInfo(timezone)
    wall = datetime.combine(day, at, zone)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    return _end_of_gap(wall.replace(fold=1).astimezone(UTC), moment, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment between ``before`` and ``after`` at which the offset of ``zone`` changes."""
    old = before.astimezone(zone).utcoffset()

    def is_after_change(seconds: int) -> bool:
        return (before + timedelta(seconds=seconds)).astimezone(zone).utcoffset() != old

    seconds = bisect_left(range(int((after - before).total_seconds())), True, key=is_after_change)
    return before + timedelta(seconds=seconds)


def terms(actor: Actor, service_id: UUID, doctor_id: UUID | None) -> Terms:
    """Return price (two decimals), duration and share rule, read fresh in the current transaction.

    The doctor's part is the service's rule, or else the doctor's own. Raises NotFound when the service is
    not offered (any more) or the doctor does not work in its clinic.
    """
    row = db.session.execute(
        select(Service, Clinic.facility_id, Facility.currency)
        .join(Clinic, Clinic.id == Service.clinic_id)
        .join(Facility, Facility.id == Clinic.facility_id)
        .where(
            Service.id == service_id,
            Service.organization_id == actor.organization_id,
            Service.is_active,
            Service.deleted_at.is_(None),
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFound(N_("This service is not offered (any more)."))
    service, facility_id, currency = row
    own_share = _share_of(actor, doctor_id, service.clinic_id) if doctor_id else NO_SHARE
    return Terms(
        price=service.price.quantize(CENT, ROUND_HALF_EVEN),
        currency=currency,
        duration_minutes=service.duration_minutes,
        share_percent=own_share if service.share_percent is None else service.share_percent,
        share_rule_version=service.share_rule_version,
        clinic_id=service.clinic_id,
        facility_id=facility_id,
    )


def _share_of(actor: Actor, doctor_id: UUID, clinic_id: UUID) -> Decimal:
    share = db.session.execute(
        select(Staff.share_percent)
        .join(StaffClinic, StaffClinic.staff_id == Staff.id)
        .where(
            Staff.id == doctor_id,
            Staff.organization_id == actor.organization_id,
            Staff.profession == DOCTOR,
            Staff.is_active,
            Staff.deleted_at.is_(None),
            StaffClinic.clinic_id == clinic_id,
        )
    ).scalar_one_or_none()
    if share is None:
        raise NotFound(N_("This doctor does not work in this clinic (any more)."))
    return Decimal(share)


def organization_by_external_id(external_id: str) -> UUID | None:
    """Return the organization that an import made for ``external_id``, if it did."""
    statement = select(Organization.id).where(Organization.external_id == external_id)
    return db.session.execute(statement).scalar_one_or_none()


def known_external_ids(actor: Actor) -> KnownIds:
    """Return which clinics and staff of other systems are known here, for imports that may run again."""
    return KnownIds(clinics=_by_external_id(actor, Clinic), staff=_by_external_id(actor, Staff))


def _by_external_id(actor: Actor, table: type[Clinic] | type[Staff]) -> dict[str, UUID]:
    rows = db.session.execute(
        select(table.external_id, table.id).where(
            table.organization_id == actor.organization_id, table.external_id.is_not(None)
        )
    )
    return {str(external_id): row_id for external_id, row_id in rows}
