"""What still points to a row, so that closing it can say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.organization.models import (
    Clinic,
    Department,
    Facility,
    Room,
    Service,
    Staff,
    StaffClinic,
    WorkingHours,
)
from clinic_web.organization.setting_up.kinds import Kind


@dataclass(frozen=True)
class Use:
    """``word`` is marked for translation and takes ``count``."""

    word: str
    count: int


CLINICS_WORD = N_("clinics: %(count)s")
ROOMS_WORD = N_("rooms: %(count)s")
PEOPLE_WORD = N_("people: %(count)s")
SERVICES_WORD = N_("services: %(count)s")
DEPARTMENTS_WORD = N_("departments: %(count)s")
SHIFTS_WORD = N_("weekly shifts: %(count)s")

POINTERS: dict[type[Any], tuple[tuple[str, Any], ...]] = {
    Facility: (
        (DEPARTMENTS_WORD, Department.facility_id),
        (CLINICS_WORD, Clinic.facility_id),
        (ROOMS_WORD, Room.facility_id),
        (PEOPLE_WORD, Staff.facility_id),
    ),
    Department: ((CLINICS_WORD, Clinic.department_id), (PEOPLE_WORD, Staff.department_id)),
    Clinic: (
        (ROOMS_WORD, Room.clinic_id),
        (SERVICES_WORD, Service.clinic_id),
        (PEOPLE_WORD, StaffClinic.clinic_id),
        (SHIFTS_WORD, WorkingHours.clinic_id),
    ),
    Room: ((PEOPLE_WORD, Staff.room_id), (SHIFTS_WORD, WorkingHours.room_id)),
    Staff: (
        (DEPARTMENTS_WORD, Department.head_staff_id),
        (SHIFTS_WORD, WorkingHours.staff_id),
        (CLINICS_WORD, StaffClinic.staff_id),
    ),
    Service: (),
}


def of(actor: Actor, kind: Kind, row_id: UUID) -> list[Use]:
    """Return what points to a row, in one query; nothing where the row may go for good.

    A service is never deleted: payments, which another module keeps, name it forever.
    """
    if kind.table is Service:
        return [Use(N_("past visits and payments"), 1)]
    counts = [
        select(func.count()).where(column == row_id, *_not_deleted(column)).scalar_subquery()
        for _word, column in POINTERS[kind.table]
    ]
    found = db.session.execute(select(*counts)).one()
    pairs = zip(POINTERS[kind.table], found, strict=True)
    return [Use(word, count) for (word, _column), count in pairs if count]


def _not_deleted(column: Any) -> list[Any]:
    table = column.class_
    return [table.deleted_at.is_(None)] if hasattr(table, "deleted_at") else []
