"""What an organization consists of, kept in the process: every screen reads it and it rarely changes.

The copy is kept under the generation of the live topic ``organization:<id>``, which each change bumps in its
own transaction, and is read again only when that moved. Each request of a person brings the generation along
with who they are (``stands_at``); where nobody is signed in (walls, workers) a process looks at most once per
second. A change made by the process itself shows at once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, select

from clinic_web.kernel import push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.unit_of_work import StreamMoved, UnitOfWork, under_way
from clinic_web.organization.models import (
    DOCTOR,
    Clinic,
    Facility,
    Room,
    Service,
    Staff,
    StaffClinic,
)

TOPIC = "organization:"
LOOK_AGAIN_AFTER = 1.0  # seconds


@dataclass(frozen=True, kw_only=True)
class FacilityInfo:
    """A location: IANA ``timezone``, ISO 4217 ``currency``, ``languages`` with the leading one first."""

    id: UUID
    organization_id: UUID
    name: str
    name_ar: str | None
    timezone: str
    currency: str
    languages: tuple[str, ...]
    phone_country: str
    code: str = ""
    is_active: bool = True
    # What stands on papers. An address of which there is no Arabic form is the same in every language.
    phone: str | None = None
    address: str | None = None
    address_ar: str | None = None
    registration: str | None = None
    registration_ar: str | None = None


@dataclass(frozen=True, kw_only=True)
class ClinicInfo:
    id: UUID
    facility_id: UUID
    code: str
    name: str
    name_ar: str | None
    is_active: bool = True


@dataclass(frozen=True, kw_only=True)
class RoomInfo:
    """``name`` is what the door says."""

    id: UUID
    clinic_id: UUID | None
    name: str
    is_active: bool = True


@dataclass(frozen=True, kw_only=True)
class StaffInfo:
    """``short_name`` is how boards and lists call the person; ``share_percent`` is of 100."""

    id: UUID
    name: str
    name_ar: str | None
    short_name: str
    short_name_ar: str | None
    profession: str
    room_id: UUID | None
    share_percent: Decimal
    clinic_ids: frozenset[UUID]
    share_rule_version: int = 1
    is_active: bool = True


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """``price`` as listed, four decimals; what a visit costs is read by ``terms``."""

    id: UUID
    clinic_id: UUID
    code: str
    name: str
    name_ar: str | None
    duration_minutes: int
    price: Decimal
    share_percent: Decimal | None
    share_rule_version: int
    is_active: bool = True


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Everything by id, also what is closed now (old rows still name it); the methods leave that out."""

    facilities: dict[UUID, FacilityInfo]
    clinics: dict[UUID, ClinicInfo]
    rooms: dict[UUID, RoomInfo]
    staff: dict[UUID, StaffInfo]
    services: dict[UUID, ServiceInfo]

    def clinics_of(self, facility_id: UUID) -> list[ClinicInfo]:
        """Return the open clinics of a facility, in their order."""
        return [each for each in self.clinics.values() if each.facility_id == facility_id and each.is_active]

    def doctors_of(self, clinic_id: UUID) -> list[StaffInfo]:
        """Return the doctors who work in a clinic now, by name."""
        return [
            each
            for each in self.staff.values()
            if clinic_id in each.clinic_ids and each.profession == DOCTOR and each.is_active
        ]

    def services_of(self, clinic_id: UUID) -> list[ServiceInfo]:
        """Return what can be booked in a clinic, by name."""
        return [each for each in self.services.values() if each.clinic_id == clinic_id and each.is_active]

    def rooms_of(self, clinic_id: UUID) -> list[RoomInfo]:
        """Return the rooms of a clinic, by name."""
        return [each for each in self.rooms.values() if each.clinic_id == clinic_id and each.is_active]


def topic(organization_id: UUID) -> str:
    """Return the live topic that every change of the organization's make-up bumps."""
    return f"{TOPIC}{organization_id}"


@dataclass
class _Kept:
    at: StreamMoved
    looked_at: float
    directory: Directory


_kept: dict[UUID, _Kept] = {}


def directory(organization_id: UUID) -> Directory:
    """Return what the organization consists of; at most one look-up by key per call, and per second."""
    kept = _kept.get(organization_id)
    name = topic(organization_id)
    work = under_way()
    if work and name in work.topics:
        return load(organization_id)  # this transaction's own changes, which may yet be rolled back
    if kept and time.monotonic() - kept.looked_at < LOOK_AGAIN_AFTER:
        return kept.directory
    at = push.versions([name]).get(name)  # read before the tables: a change in between is noticed next time
    if kept and at == kept.at:
        kept.looked_at = time.monotonic()
        return kept.directory
    found = load(organization_id)
    if at:
        _kept[organization_id] = _Kept(at, time.monotonic(), found)
    return found


def as_of(organization_id: UUID) -> StreamMoved | None:
    """Return at which state of the organization's stream this process read its directory, if it keeps one."""
    kept, work = _kept.get(organization_id), under_way()
    return None if kept is None or (work and topic(organization_id) in work.topics) else kept.at


def stand_at_hand(organization_id: UUID) -> StreamMoved | None:
    """Return at which state of the stream the copy of this process was read, and let it be used: for those
    whose own statement then asks whether the stream still stands there, or who ask right after."""
    at = as_of(organization_id)
    if at:
        _kept[organization_id].looked_at = time.monotonic()
    return at


def forget_changed(work: UnitOfWork) -> None:
    """After a commit of this process: look again at once, so that people see what they just changed."""
    for stream in work.moved:
        if stream.topic.startswith(TOPIC):
            _kept.pop(UUID(stream.topic.removeprefix(TOPIC)), None)


def at_hand(organization_id: UUID) -> Directory:
    """Return the copy of this process, however old: for those who ask afterwards whether it ``stands_at``."""
    kept = _kept.get(organization_id)
    return kept.directory if kept else directory(organization_id)


def look_again(organization_id: UUID) -> None:
    """Let the next who asks compare the copy with its generation: for those who draw what stays on a wall."""
    if kept := _kept.get(organization_id):
        kept.looked_at = -LOOK_AGAIN_AFTER


def stands_at(at: StreamMoved) -> bool:
    """Return whether the copy was read where its topic stands at ``at``; forget it where it was not.

    For those who just read the topic; for a second nobody else needs to look.
    """
    organization_id = UUID(at.topic.removeprefix(TOPIC))
    kept = _kept.get(organization_id)
    if kept and kept.at != at:
        del _kept[organization_id]
        return False
    if kept:
        kept.looked_at = time.monotonic()
    return True


def facility(actor: Actor) -> FacilityInfo:
    """Return where the actor works, or the organization's first facility; NotFound when there is none."""
    facilities = directory(actor.organization_id).facilities
    if actor.facility_id in facilities:
        return facilities[actor.facility_id]
    first = next((each for each in facilities.values() if each.is_active), None)
    if first is None or actor.facility_id:
        raise NotFound(N_("Your place of work is not set up. An administrator can choose it."))
    return first


def load(organization_id: UUID) -> Directory:
    """Read the directory from the tables, six statements."""
    return Directory(
        facilities={each.id: _facility(each) for each in _rows(Facility, organization_id, Facility.code)},
        clinics={each.id: _clinic(each) for each in _rows(Clinic, organization_id, Clinic.sort_order)},
        rooms={each.id: _room(each) for each in _rows(Room, organization_id, Room.name)},
        staff=_staff_of(organization_id),
        services={each.id: _service(each) for each in _rows(Service, organization_id, Service.name)},
    )


def _rows(
    table: type[Facility | Clinic | Room | Staff | Service], organization_id: UUID, order: Any
) -> list[Row[Any]]:
    """Plain rows, not entities: the copy outlives the session."""
    return list(db.session.execute(_all_of(table, order), {"organization": organization_id}))


@cache
def _all_of(table: type[Facility | Clinic | Room | Staff | Service], order: Any) -> Select[Any]:
    """To put the statement together takes longer than PostgreSQL takes to answer it."""
    its_own = table.organization_id == bindparam("organization")
    return select(*table.__table__.columns).where(its_own).order_by(order, table.id)


def _is_active(row: Row[Any]) -> bool:
    return bool(row.is_active and row.deleted_at is None)


def _facility(row: Row[Any]) -> FacilityInfo:
    return FacilityInfo(
        id=row.id,
        organization_id=row.organization_id,
        name=row.name,
        name_ar=row.name_ar,
        timezone=row.timezone,
        currency=row.currency,
        languages=tuple(row.languages),
        phone_country=row.phone_country,
        code=row.code,
        is_active=_is_active(row),
        phone=row.phone,
        address=", ".join(filter(None, (row.address, row.city))) or None,
        address_ar=row.address_ar,
        registration=row.registration,
        registration_ar=row.registration_ar,
    )


def _clinic(row: Row[Any]) -> ClinicInfo:
    return ClinicInfo(
        id=row.id,
        facility_id=row.facility_id,
        code=row.code,
        name=row.name,
        name_ar=row.name_ar,
        is_active=_is_active(row),
    )


def _room(row: Row[Any]) -> RoomInfo:
    return RoomInfo(id=row.id, clinic_id=row.clinic_id, name=row.name, is_active=_is_active(row))


def _staff_of(organization_id: UUID) -> dict[UUID, StaffInfo]:
    works_in: defaultdict[UUID, set[UUID]] = defaultdict(set)
    pairs = select(StaffClinic.staff_id, StaffClinic.clinic_id).join(Staff, Staff.id == StaffClinic.staff_id)
    for staff_id, clinic_id in db.session.execute(pairs.where(Staff.organization_id == organization_id)):
        works_in[staff_id].add(clinic_id)
    rows = _rows(Staff, organization_id, Staff.short_name)
    return {each.id: _staff(each, frozenset(works_in[each.id])) for each in rows}


def _staff(row: Row[Any], clinic_ids: frozenset[UUID]) -> StaffInfo:
    name_ar = " ".join(filter(None, (row.first_name_ar, row.last_name_ar)))
    return StaffInfo(
        id=row.id,
        name=f"{row.first_name} {row.last_name}",
        name_ar=name_ar or None,
        short_name=row.short_name,
        short_name_ar=row.short_name_ar,
        profession=row.profession,
        room_id=row.room_id,
        share_percent=row.share_percent,
        share_rule_version=row.share_rule_version,
        clinic_ids=clinic_ids,
        is_active=_is_active(row),
    )


def _service(row: Row[Any]) -> ServiceInfo:
    return ServiceInfo(
        id=row.id,
        clinic_id=row.clinic_id,
        code=row.code,
        name=row.name,
        name_ar=row.name_ar,
        duration_minutes=row.duration_minutes,
        price=row.price,
        share_percent=row.share_percent,
        share_rule_version=row.share_rule_version,
        is_active=_is_active(row),
    )
