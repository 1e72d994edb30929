"""Reads that must be right now: when doctors work on a day, and on what terms a service is booked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Dialect, ScalarSelect, TypeDecorator, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.money import CENT
from clinic_web.kernel.statement import Statement
from clinic_web.organization.directory import directory
from clinic_web.organization.models import (
    DOCTOR,
    Clinic,
    Facility,
    Organization,
    Staff,
    StaffLeave,
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
    Leave and cancelled sessions are left out: what remains of a shift may be several. One statement.
    """
    return shifts_on(actor, clinic_id, [day])[day]


def shifts_on(actor: Actor, clinic_id: UUID, days: Sequence[date]) -> dict[date, list[Shift]]:
    """Return the shifts of several days that follow each other, by day; still one statement."""
    rows = db.session.execute(
        select(
            WorkingHours.staff_id,
            func.coalesce(WorkingHours.room_id, Staff.room_id),
            WorkingHours.weekday,
            WorkingHours.starts_at,
            WorkingHours.ends_at,
            WorkingHours.valid_from,
            WorkingHours.valid_until,
            Facility.timezone,
            _away(days[0], days[-1]),
        )
        .join(Staff, Staff.id == WorkingHours.staff_id)
        .join(Clinic, Clinic.id == WorkingHours.clinic_id)
        .join(Facility, Facility.id == Clinic.facility_id)
        .where(
            WorkingHours.organization_id == actor.organization_id,
            WorkingHours.clinic_id == clinic_id,
            WorkingHours.weekday.in_({day.weekday() for day in days}),
            or_(WorkingHours.valid_from.is_(None), WorkingHours.valid_from <= days[-1]),
            or_(WorkingHours.valid_until.is_(None), WorkingHours.valid_until >= days[0]),
            Staff.is_active,
            Staff.deleted_at.is_(None),
        )
    ).all()
    return {day: _shifts_of(day, rows) for day in days}


def _shifts_of(day: date, rows: Sequence[Any]) -> list[Shift]:
    found = [
        Shift(staff_id=staff_id, room_id=room_id, starts_at=starts_at, ends_at=ends_at)
        for staff_id, room_id, weekday, start, end, valid_from, valid_until, zone, away in rows
        if weekday == day.weekday() and (valid_from or day) <= day <= (valid_until or day)
        for starts_at, ends_at in without(moment_at(day, start, zone), moment_at(day, end, zone), away or ())
    ]
    return sorted(found, key=lambda each: (each.starts_at, each.staff_id))


def without(
    starts_at: datetime, ends_at: datetime, spans: Iterable[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Return what is left of [starts_at, ends_at) without ``spans``, in order of time."""
    for begins, ends in sorted(spans):
        if ends <= starts_at or begins >= ends_at:
            continue
        if starts_at < begins:
            yield starts_at, begins
        starts_at = max(starts_at, ends)
    if starts_at < ends_at:
        yield starts_at, ends_at


class _Spans(TypeDecorator[list[tuple[datetime, datetime]]]):
    """``[[begin, end], …]`` as JSON, to aware moments."""

    impl = JSONB
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> list[tuple[datetime, datetime]]:
        moment = datetime.fromisoformat
        return [(moment(begins), moment(ends)) for begins, ends in value or ()]


def _away(first: date, last: date) -> ScalarSelect[list[tuple[datetime, datetime]]]:
    """When the row's doctor is away, with a day to both sides: what is of which day, the zone decides."""
    span = func.jsonb_build_array(StaffLeave.starts_at, StaffLeave.ends_at)
    away = select(func.jsonb_agg(span, type_=_Spans())).where(
        StaffLeave.staff_id == WorkingHours.staff_id,
        StaffLeave.removed_at.is_(None),
        or_(StaffLeave.clinic_id.is_(None), StaffLeave.clinic_id == WorkingHours.clinic_id),
        StaffLeave.starts_at < datetime.combine(last, time(0), UTC) + timedelta(days=2),
        StaffLeave.ends_at > datetime.combine(first, time(0), UTC) - timedelta(days=1),
    )
    return away.correlate(WorkingHours).scalar_subquery()


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


TERMS = Statement(
    """
    SELECT s.clinic_id, s.price, s.duration_minutes, s.share_percent,
           CASE WHEN s.share_percent IS NULL THEN coalesce(d.share_rule_version, 1)
                ELSE s.share_rule_version END AS share_rule_version,
           c.facility_id, f.currency, d.share_percent AS own_share
      FROM organization.services s
      JOIN organization.clinics c ON c.id = s.clinic_id
      JOIN organization.facilities f ON f.id = c.facility_id
      LEFT JOIN (organization.staff d JOIN organization.staff_clinics w ON w.staff_id = d.id)
             ON d.id = CAST(:doctor_id AS uuid) AND w.clinic_id = s.clinic_id
            AND d.organization_id = :organization_id AND d.profession = :profession
            AND d.is_active AND d.deleted_at IS NULL
     WHERE s.id = :service_id AND s.organization_id = :organization_id
       AND s.is_active AND s.deleted_at IS NULL
    """
)


def terms(actor: Actor, service_id: UUID, doctor_id: UUID | None) -> Terms:
    """Return price (two decimals), duration and share rule, read fresh in the current transaction.

    The doctor's part is the service's rule, or else the doctor's own. Raises NotFound when the service is
    not offered (any more) or the doctor does not work in its clinic.
    """
    asked = {
        "service_id": service_id,
        "doctor_id": doctor_id,
        "profession": DOCTOR,
        "organization_id": actor.organization_id,
    }
    row = TERMS.first(asked)
    if row is None:
        raise NotFound(N_("This service is not offered (any more)."))
    if doctor_id and row.own_share is None:
        raise NotFound(N_("This doctor does not work in this clinic (any more)."))
    own_share = row.own_share or NO_SHARE
    return Terms(
        price=row.price.quantize(CENT, ROUND_HALF_EVEN),
        currency=row.currency,
        duration_minutes=row.duration_minutes,
        share_percent=own_share if row.share_percent is None else row.share_percent,
        share_rule_version=row.share_rule_version,
        clinic_id=row.clinic_id,
        facility_id=row.facility_id,
    )


def listed_terms(actor: Actor, service_id: UUID, doctor_id: UUID | None) -> Terms | None:
    """Return the terms as the directory lists them, or None for what it does not list as it is asked for.

    They hold only together with ``directory_as_of`` (see ``kernel.at_once.IS_STILL_SO``).
    """
    listed = directory(actor.organization_id)
    service = listed.services.get(service_id)
    if service is None or not service.is_active:
        return None
    doctor = listed.staff.get(doctor_id) if doctor_id else None
    if doctor_id and doctor not in listed.doctors_of(service.clinic_id):
        return None
    facility = listed.facilities[listed.clinics[service.clinic_id].facility_id]
    own_share = doctor.share_percent if doctor else NO_SHARE
    own_version = doctor.share_rule_version if doctor else 1
    is_own = service.share_percent is None
    return Terms(
        price=service.price.quantize(CENT, ROUND_HALF_EVEN),
        currency=facility.currency,
        duration_minutes=service.duration_minutes,
        share_percent=own_share if service.share_percent is None else service.share_percent,
        share_rule_version=own_version if is_own else service.share_rule_version,
        clinic_id=service.clinic_id,
        facility_id=facility.id,
    )


def organization_by_external_id(external_id: str) -> UUID | None:
    """Return the organization that an import made for ``external_id``, if it did."""
    statement = select(Organization.id).where(Organization.external_id == external_id)
    found = [db.session.scalar(statement) for _ in tenant.each()]
    return next(filter(None, found), None)


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
