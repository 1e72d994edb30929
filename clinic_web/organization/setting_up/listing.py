"""What the lists and choices of set-up show, and what is still missing for a first day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.organization import directory as kept
from clinic_web.organization.access import row_for
from clinic_web.organization.models import (
    DOCTOR,
    Clinic,
    Department,
    Facility,
    Organization,
    Room,
    Service,
    Staff,
    StaffClinic,
)
from clinic_web.organization.setting_up.changing import clinics_of
from clinic_web.organization.setting_up.kinds import KINDS, STAFF, Kind
from clinic_web.organization.setting_up.reading import Values, as_text, values_of

ORDER: dict[type[Any], tuple[Any, ...]] = {
    Facility: (Facility.code,),
    Department: (Department.name,),
    Clinic: (Clinic.sort_order, Clinic.name),
    Room: (Room.name,),
    Staff: (Staff.short_name,),
    Service: (Service.clinic_id, Service.name),
}
MOST = 500


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a list: ``values`` by column, as typed values."""

    id: UUID
    name: str
    name_ar: str | None
    is_active: bool
    version: int
    values: Values


@dataclass(frozen=True, kw_only=True)
class Opened:
    """One row as its form begins: ``values`` by field, as the form shows them."""

    id: UUID
    name: str
    is_active: bool
    version: int
    values: dict[str, str]


def lines(actor: Actor, kind: Kind) -> list[Line]:
    """Return all rows of a kind, the open ones first; at most three statements."""
    if kind.is_single:
        return []
    table: Any = kind.table
    rows = db.session.scalars(
        select(table)
        .where(table.organization_id == actor.organization_id, table.deleted_at.is_(None))
        .order_by(table.is_active.desc(), *ORDER[kind.table], table.id)
        .limit(MOST)
    ).all()
    works_in = _works_in(actor) if kind is STAFF else {}
    return [_line(kind, row, works_in.get(row.id, frozenset())) for row in rows]


def _works_in(actor: Actor) -> dict[UUID, frozenset[UUID]]:
    pairs = select(StaffClinic.staff_id, func.array_agg(StaffClinic.clinic_id)).join(
        Staff, Staff.id == StaffClinic.staff_id
    )
    mine = pairs.where(Staff.organization_id == actor.organization_id).group_by(StaffClinic.staff_id)
    return {staff_id: frozenset(clinics) for staff_id, clinics in db.session.execute(mine)}


def _line(kind: Kind, row: Any, clinic_ids: frozenset[UUID]) -> Line:
    return Line(
        id=row.id,
        name=name_of(row),
        name_ar=name_ar_of(row),
        is_active=row.is_active,
        version=row.version,
        values=values_of(kind, row, clinic_ids),
    )


def name_of(row: Any) -> str:
    return f"{row.first_name} {row.last_name}" if isinstance(row, Staff) else row.name


def name_ar_of(row: Any) -> str | None:
    if isinstance(row, Staff):
        return " ".join(filter(None, (row.first_name_ar, row.last_name_ar))) or None
    return getattr(row, "name_ar", None)


def opened(actor: Actor, kind: Kind, row_id: UUID) -> Opened:
    """Return a row for its form. Raises NotFound (404)."""
    row = row_for(actor, kind.table, row_id)
    clinic_ids = clinics_of(row_id) if kind is STAFF else frozenset()
    return Opened(
        id=row.id,
        name=name_of(row),
        is_active=bool(getattr(row, "is_active", True)),
        version=row.version,
        values=as_text(kind, values_of(kind, row, clinic_ids)),
    )


def departments(actor: Actor) -> list[tuple[UUID, str, str | None]]:
    """Return id and names of the open departments; the directory, which is read all day, has none."""
    rows = db.session.execute(
        select(Department.id, Department.name, Department.name_ar)
        .where(
            Department.organization_id == actor.organization_id,
            Department.deleted_at.is_(None),
            Department.is_active,
        )
        .order_by(Department.name)
    )
    return [(row.id, row.name, row.name_ar) for row in rows]


COUNTS = text(
    """
    SELECT (SELECT count(*) FROM organization.facilities f
             WHERE f.organization_id = o.id AND f.is_active AND f.deleted_at IS NULL) AS facilities,
           (SELECT count(*) FROM organization.departments d
             WHERE d.organization_id = o.id AND d.is_active AND d.deleted_at IS NULL) AS departments,
           (SELECT count(*) FROM organization.clinics c
             WHERE c.organization_id = o.id AND c.is_active AND c.deleted_at IS NULL) AS clinics,
           (SELECT count(*) FROM organization.rooms r
             WHERE r.organization_id = o.id AND r.is_active AND r.deleted_at IS NULL) AS rooms,
           (SELECT count(*) FROM organization.staff s
             WHERE s.organization_id = o.id AND s.is_active AND s.deleted_at IS NULL) AS staff,
           (SELECT count(*) FROM organization.services s
             WHERE s.organization_id = o.id AND s.is_active AND s.deleted_at IS NULL) AS services,
           (SELECT count(DISTINCT w.staff_id) FROM organization.working_hours w
             WHERE w.organization_id = o.id) AS hours,
           ARRAY(SELECT c.name FROM organization.clinics c
                  WHERE c.organization_id = o.id AND c.is_active AND c.deleted_at IS NULL
                    AND NOT EXISTS (SELECT FROM organization.services s WHERE s.clinic_id = c.id
                                       AND s.is_active AND s.deleted_at IS NULL)
                  ORDER BY c.name) AS clinics_without_service,
           ARRAY(SELECT c.name FROM organization.clinics c
                  WHERE c.organization_id = o.id AND c.is_active AND c.deleted_at IS NULL
                    AND NOT EXISTS (SELECT FROM organization.rooms r WHERE r.clinic_id = c.id
                                       AND r.is_active AND r.deleted_at IS NULL)
                  ORDER BY c.name) AS clinics_without_room,
           ARRAY(SELECT c.name FROM organization.clinics c
                  WHERE c.organization_id = o.id AND c.is_active AND c.deleted_at IS NULL
                    AND NOT EXISTS (SELECT FROM organization.staff_clinics w
                                      JOIN organization.staff s ON s.id = w.staff_id
                                     WHERE w.clinic_id = c.id AND s.profession = :doctor
                                       AND s.is_active AND s.deleted_at IS NULL)
                  ORDER BY c.name) AS clinics_without_doctor,
           ARRAY(SELECT s.short_name FROM organization.staff s
                  WHERE s.organization_id = o.id AND s.profession = :doctor
                    AND s.is_active AND s.deleted_at IS NULL
                    AND NOT EXISTS (SELECT FROM organization.working_hours w WHERE w.staff_id = s.id)
                  ORDER BY s.short_name) AS doctors_without_hours
      FROM organization.organizations o WHERE o.id = :organization_id
    """
)


@dataclass(frozen=True, kw_only=True)
class Survey:
    """How much of what there is, and which names lack something they need for a day's work."""

    facilities: int
    departments: int
    clinics: int
    rooms: int
    staff: int
    services: int
    hours: int
    clinics_without_service: list[str]
    clinics_without_room: list[str]
    clinics_without_doctor: list[str]
    doctors_without_hours: list[str]

    @property
    def can_open(self) -> bool:
        """Return whether a desk could book somebody."""
        return bool(self.facilities and self.clinics and self.services and self.staff and self.hours)


def survey(actor: Actor) -> Survey:
    """Return what is set up and what is missing, in one statement."""
    asked = {"organization_id": actor.organization_id, "doctor": DOCTOR}
    row = db.session.execute(COUNTS, asked).one()
    return Survey(**row._asdict())


def organization_of(actor: Actor) -> Opened:
    """Return the organization itself for its form."""
    return opened(actor, KINDS["organization"], actor.organization_id)


def is_being_set_up(actor: Actor) -> bool:
    """Return whether the first-run wizard made the organization and has not reached its last page."""
    mine = select(Organization.is_being_set_up).where(Organization.id == actor.organization_id)
    return bool(db.session.scalar(mine))


def any_organization() -> bool:
    """Return whether anybody has begun to set this program up: then the wizard's first page is closed."""
    return bool(tenant.all_of_them())


def phone_country(actor: Actor, facility_id: str) -> str:
    """Return the country of a facility's telephones, the first one's where none is named, or nothing."""
    places = kept.directory(actor.organization_id).facilities.values()
    return next((each.phone_country for each in places if facility_id in (str(each.id), "")), "")
