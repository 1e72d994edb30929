"""Adding, changing, closing and opening again what an organization consists of.

What was changed by two people at once is refused with both sides; a row that others point to is closed and
stays readable, one that nothing points to is deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.organization import ClinicAdded, OrganizationChanged
from clinic_web.kernel import bus, clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.organization import service
from clinic_web.organization.access import AnyRow, require_manager, row_for
from clinic_web.organization.directory import topic
from clinic_web.organization.models import (
    Clinic,
    Organization,
    Service,
    Staff,
    StaffClinic,
    WorkingHours,
)
from clinic_web.organization.ports import ports
from clinic_web.organization.setting_up import uses
from clinic_web.organization.setting_up.history import note_share, note_terms
from clinic_web.organization.setting_up.kinds import CLINICS, STAFF, Kind
from clinic_web.organization.setting_up.reading import Values, plain, values_of

TAKEN = {
    "uq_facilities_organization_id_code": ("code", N_("Another facility has this code.")),
    "uq_departments_facility_id_code": ("code", N_("Another department has this code.")),
    "uq_clinics_facility_id_code": ("code", N_("Another clinic has this code.")),
    "uq_services_clinic_id_code": ("code", N_("Another service of this clinic has this code.")),
    "uq_rooms_facility_id_name": ("name", N_("Another room of this facility has this sign.")),
}
MOVED_ON = N_("Somebody else changed this while you worked.")
CREATORS: dict[str, Any] = {
    "facilities": service.create_facility,
    "departments": service.create_department,
    "clinics": service.create_clinic,
    "rooms": service.create_room,
    "staff": service.create_staff,
    "services": service.create_service,
}


@dataclass(frozen=True)
class Closed:
    """What became of a row: deleted, or closed because of ``uses`` (sentences with their counts)."""

    row_id: UUID
    version: int
    is_deleted: bool
    uses: list[uses.Use] = field(default_factory=list)


def add(actor: Actor, kind: Kind, values: Values, *, key: str | None) -> UUID:
    """Add a row; the same key again returns the same row. Raises NotFound, RuleBroken (422)."""
    require_manager(actor)
    if kind.name not in CREATORS:
        raise NotFound
    with transaction():
        body = {name: plain(value) for name, value in values.items()}
        claim = idempotency.claim(actor, f"{kind.name}.add", key, body)
        if claim.answer is not None:
            return UUID(claim.answer["id"])
        row_id: UUID = _unless_taken(lambda: _create(actor, kind, values))
        claim.keep({"id": str(row_id)})
        return row_id


def _create(actor: Actor, kind: Kind, values: Values) -> UUID:
    wanted = {name: value for name, value in values.items() if value is not None}
    row_id: UUID = CREATORS[kind.name](actor, **wanted)
    if kind is CLINICS:
        clinic = row_for(actor, Clinic, row_id)
        assert isinstance(clinic, Clinic)  # noqa: S101 - for the type checker
        bus.publish(
            ClinicAdded(
                organization_id=actor.organization_id, clinic_id=row_id, facility_id=clinic.facility_id
            ),
            actor,
        )
    _tell(actor)
    return row_id


def change(actor: Actor, kind: Kind, row_id: UUID, values: Values, *, version: int) -> None:
    """Let a row have ``values``, if nobody changed it since ``version``.

    Raises StaleScreen (409) whose ``changes`` map columns to (what was typed, what it is now), RuleBroken
    (422), NotFound (404).
    """
    require_manager(actor)
    with transaction():
        row = row_for(actor, kind.table, row_id, lock=True)
        before = values_of(kind, row, clinics_of(row_id) if kind is STAFF else frozenset())
        differing = {
            name: (value, before[name]) for name, value in values.items() if not _same(value, before[name])
        }
        if not differing:
            return  # nothing to do, as after a second click
        if row.version != version:
            raise StaleScreen(MOVED_ON, differing)
        _unless_taken(lambda: _apply(actor, row, {name: values[name] for name in differing}))
        _witness(actor, kind, row, before, values)
        _tell(actor)


def _same(value: Any, before: Any) -> bool:
    return bool(value == before or (value in (None, "") and before in (None, "")))


def _apply(actor: Actor, row: AnyRow, values: Values) -> None:
    with db.session.no_autoflush:  # one UPDATE, one step of the version
        service.require_own(actor, values)
        for name, value in values.items():
            if name == "clinic_ids":
                _work_in(actor, row.id, value)
            elif name == "short_name":
                row.short_name = value or row.first_name  # type: ignore[union-attr]
            else:
                setattr(row, name, value)
        if isinstance(row, Service | Staff) and "share_percent" in values:
            row.share_percent = values["share_percent"]
            row.share_rule_version += 1
        row.updated_by = actor.user_id
        row.updated_at = clock.now()
    db.session.flush()
    if isinstance(row, Service) and {"price", "share_percent"} & set(values):
        note_terms(actor, row)
    if isinstance(row, Staff) and "share_percent" in values:
        note_share(actor, row)


def _witness(actor: Actor, kind: Kind, row: AnyRow, before: Values, values: Values) -> None:
    old = {name: before[name] for name in kind.audited if not _same(values.get(name), before[name])}
    if old:
        new = {name: values[name] for name in old}
        audit.changed(actor, f"{kind.name}.change", kind.table.__tablename__, row.id, old=old, new=new)


def clinics_of(staff_id: UUID) -> frozenset[UUID]:
    """Return the clinics in which a person works."""
    return frozenset(
        db.session.scalars(select(StaffClinic.clinic_id).where(StaffClinic.staff_id == staff_id))
    )


def _work_in(actor: Actor, staff_id: UUID, clinic_ids: frozenset[UUID]) -> None:
    """Let a person work in exactly these clinics; hours in one that is taken away end with it."""
    now = clinics_of(staff_id)
    service.let_work_in(actor, staff_id, clinic_ids - now)
    gone = now - clinic_ids
    for table in (WorkingHours, StaffClinic):
        db.session.execute(delete(table).where(table.staff_id == staff_id, table.clinic_id.in_(gone)))


def works_also_in(actor: Actor, staff_id: UUID, clinic_ids: frozenset[UUID]) -> None:
    """Let a person work in these clinics as well as in those where they do. Raises NotFound."""
    with transaction():
        row_for(actor, Staff, staff_id, lock=True)
        service.let_work_in(actor, staff_id, set(clinic_ids) - clinics_of(staff_id))
        push.changed(topic(actor.organization_id))


def close(actor: Actor, kind: Kind, row_id: UUID, *, version: int) -> Closed:
    """Take a row out of use: deleted where nothing points to it, closed otherwise.

    Raises RuleBroken (422) while appointments or visits from today on need it, StaleScreen (409), NotFound.
    """
    require_manager(actor)
    if kind.is_single:
        raise NotFound
    with transaction():
        row = _to_move(actor, kind, row_id, version)
        _require_nothing_booked(actor, kind, row_id)
        found = uses.of(actor, kind, row_id)
        row.is_active = False
        if not found:
            row.deleted_at = clock.now()
        _moved(actor, row)
        return Closed(row_id, row.version, not found, found)


def open_again(actor: Actor, kind: Kind, row_id: UUID, *, version: int) -> None:
    """Bring a closed or just deleted row back into use. Raises StaleScreen (409), NotFound."""
    require_manager(actor)
    if kind.is_single:
        raise NotFound
    with transaction():
        row = _to_move(actor, kind, row_id, version, also_deleted=True)
        row.is_active, row.deleted_at = True, None
        _moved(actor, row)


def _to_move(actor: Actor, kind: Kind, row_id: UUID, version: int, *, also_deleted: bool = False) -> Any:
    table: Any = kind.table
    query = select(table).where(table.id == row_id, table.organization_id == actor.organization_id)
    row = db.session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None or (row.deleted_at and not also_deleted):
        raise NotFound
    if row.version != version:
        raise StaleScreen(MOVED_ON)
    return row


def _require_nothing_booked(actor: Actor, kind: Kind, row_id: UUID) -> None:
    column = {"clinics": "clinic_id", "staff": "doctor_id"}.get(kind.name)
    booked = ports.upcoming(actor, column, row_id) if column else 0
    if booked:
        raise RuleBroken(
            N_("Appointments and visits from today on still need it: %(count)s. Move or cancel them first."),
            count=booked,
        )


def _moved(actor: Actor, row: AnyRow) -> None:
    row.updated_by, row.updated_at = actor.user_id, clock.now()
    db.session.flush()
    _tell(actor)


def _tell(actor: Actor) -> None:
    push.changed(topic(actor.organization_id))
    bus.publish(OrganizationChanged(organization_id=actor.organization_id), actor)


def _unless_taken(write: Any) -> Any:
    """Turn the violation of a unique constraint into a sentence at its field."""
    try:
        return write()
    except IntegrityError as error:
        name, sentence = TAKEN.get(constraint_of(error) or "", (None, ""))
        if name is None:
            raise
        raise RuleBroken(sentence, field=name) from error


def finish_set_up(actor: Actor) -> None:
    """Note that the first-run wizard was gone through; twice is harmless."""
    require_manager(actor)
    with transaction():
        row = row_for(actor, Organization, actor.organization_id, lock=True)
        assert isinstance(row, Organization)  # noqa: S101 - for the type checker
        row.is_being_set_up = False
        push.changed(topic(actor.organization_id))


__all__ = [
    "Closed",
    "add",
    "change",
    "clinics_of",
    "close",
    "finish_set_up",
    "open_again",
    "works_also_in",
]
