"""Making organizations and what they consist of. Used by the demo, by imports and by set-up.

The fields of each creator are the columns of its table (see ``models.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import insert, select

from clinic_web.audit import api as audit
from clinic_web.kernel import push, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization.directory import topic
from clinic_web.organization.models import (
    Clinic,
    Department,
    Facility,
    Organization,
    Room,
    Service,
    Staff,
    StaffClinic,
    WorkingHours,
)
from clinic_web.organization.setting_up.history import note_share, note_terms

OwnedRow = Facility | Department | Clinic | Room | Staff | Service | WorkingHours

# Which rows a field may name: only the tenant's own. A foreign key alone would accept anybody's.
OWNERS: dict[str, type[Facility | Department | Clinic | Room | Staff]] = {
    "facility_id": Facility,
    "department_id": Department,
    "clinic_id": Clinic,
    "room_id": Room,
    "staff_id": Staff,
    "head_staff_id": Staff,
}


def create_organization(actor: Actor, *, name: str, **fields: Any) -> UUID:
    """Create the tenant of ``actor`` and return its id, which is ``actor.organization_id``.

    A new tenant begins with ``system_actor(new_id())``: so nobody makes rows of a tenant they are not of.
    From then on the work under way is that tenant's. Fields: name_ar, external_id, is_demo.
    """
    tenant.enter(actor.organization_id)
    with transaction():
        _add(actor, Organization(id=actor.organization_id, name=name, **fields))
    return actor.organization_id


def create_facility(
    actor: Actor, *, code: str, name: str, timezone: str, currency: str, **fields: Any
) -> UUID:
    """Create a location. Fields: name_ar, languages (default English), phone_country, phone, email, address,
    address_ar, city, country, registration, registration_ar (the tax line of receipts).

    Raises RuleBroken when the time zone is unknown: it decides which day it is.
    """
    _require_timezone(timezone)
    fields["languages"] = list(fields.get("languages", ("en",)))
    return _create(
        actor, Facility, code=code, name=name, timezone=timezone, currency=currency.upper(), **fields
    )


def _require_timezone(timezone: str) -> None:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        sentence = N_("%(name)s is not a time zone. Write it as Africa/Cairo.")
        raise RuleBroken(sentence, field="timezone", name=timezone) from error


def create_department(actor: Actor, *, facility_id: UUID, code: str, name: str, **fields: Any) -> UUID:
    """Create a department of a facility. Fields: name_ar, head_staff_id."""
    return _create(actor, Department, facility_id=facility_id, code=code, name=name, **fields)


def create_clinic(actor: Actor, *, facility_id: UUID, code: str, name: str, **fields: Any) -> UUID:
    """Create an outpatient unit; its queue is reception's (``reception.api.ensure_queue``).

    Fields: name_ar, department_id, sort_order, external_id.
    """
    return _create(actor, Clinic, facility_id=facility_id, code=code, name=name, **fields)


def create_room(actor: Actor, *, facility_id: UUID, name: str, **fields: Any) -> UUID:
    """Create a room; ``name`` is what its door says. Fields: clinic_id, floor."""
    return _create(actor, Room, facility_id=facility_id, name=name, **fields)


def create_staff(
    actor: Actor, *, facility_id: UUID, profession: str, clinic_ids: Iterable[UUID] = (), **fields: Any
) -> UUID:
    """Create a person who works in the given clinics; ``share_percent`` is of 100.

    Fields: first_name and last_name (needed), short_name (default: the first name), their ``_ar`` twins,
    share_percent, room_id (the usual room), department_id, gender, specialty, license_number, phone, email,
    external_id.
    """
    fields.setdefault("short_name", fields.get("first_name"))
    with transaction():
        staff_id = _create(actor, Staff, facility_id=facility_id, profession=profession, **fields)
        let_work_in(actor, staff_id, set(clinic_ids))
        new = {"share_percent": fields.get("share_percent", Decimal(0))}
        audit.changed(actor, "staff.create", "staff", staff_id, old=None, new=new)
        if fields.get("share_percent"):
            note_share(actor, db.session.get_one(Staff, staff_id))
    return staff_id


def let_work_in(actor: Actor, staff_id: UUID, clinic_ids: Collection[UUID]) -> None:
    """Add a person to clinics, inside the caller's transaction. Raises NotFound."""
    for clinic_id in clinic_ids:
        _require(actor, Clinic, clinic_id)
    if clinic_ids:
        db.session.execute(
            insert(StaffClinic), [{"staff_id": staff_id, "clinic_id": each} for each in clinic_ids]
        )


def create_service(
    actor: Actor, *, clinic_id: UUID, code: str, name: str, price: Decimal, **fields: Any
) -> UUID:
    """Create what can be booked; ``price`` is in the facility's currency.

    Fields: duration_minutes (needed), name_ar, share_percent of 100 (None: the doctor's own rule),
    charge_code.
    """
    with transaction():
        service_id = _create(actor, Service, clinic_id=clinic_id, code=code, name=name, price=price, **fields)
        new = {"price": price, "share_percent": fields.get("share_percent")}
        audit.changed(actor, "service.create", "service", service_id, old=None, new=new)
        note_terms(actor, db.session.get_one(Service, service_id))
    return service_id


def create_working_hours(
    actor: Actor, *, staff_id: UUID, clinic_id: UUID, weekday: int, **fields: Any
) -> UUID:
    """Say when a doctor sees patients in a clinic on one weekday (0 = Monday).

    Fields: starts_at and ends_at (needed; the clock on the wall), room_id, valid_from, valid_until.
    """
    return _create(actor, WorkingHours, staff_id=staff_id, clinic_id=clinic_id, weekday=weekday, **fields)


def _create(actor: Actor, table: type[OwnedRow], **fields: Any) -> UUID:
    with transaction():
        require_own(actor, fields)
        return _add(actor, table(id=new_id(), organization_id=actor.organization_id, **fields))


def require_own(actor: Actor, fields: Mapping[str, Any]) -> None:
    """Raise NotFound (404) if a field names a row that is not the tenant's own."""
    for name, owner in OWNERS.items():
        if fields.get(name):
            _require(actor, owner, fields[name])


def _require(actor: Actor, table: type[Facility | Department | Clinic | Room | Staff], row_id: UUID) -> None:
    mine = select(table.id).where(table.id == row_id, table.organization_id == actor.organization_id)
    if db.session.execute(mine).scalar_one_or_none() is None:
        raise NotFound


def _add(actor: Actor, row: Organization | OwnedRow) -> UUID:
    row.created_by = row.updated_by = actor.user_id
    db.session.add(row)
    db.session.flush()
    push.changed(topic(actor.organization_id))
    return row.id
