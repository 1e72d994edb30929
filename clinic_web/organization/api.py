"""The front door of organization: what there is, when doctors work, on what terms a service is booked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from clinic_web.identity.api import Offered
from clinic_web.kernel.actor import Actor
from clinic_web.organization import words
from clinic_web.organization.directory import (
    ClinicInfo,
    Directory,
    FacilityInfo,
    RoomInfo,
    ServiceInfo,
    StaffInfo,
    directory,
    facility,
    look_again,
    stand_at_hand,
    stands_at,
    topic,
)
from clinic_web.organization.directory import as_of as directory_as_of
from clinic_web.organization.directory import at_hand as directory_at_hand
from clinic_web.organization.everywhere import (
    FacilityAnywhere,
    facilities_anywhere,
)
from clinic_web.organization.leave import Leave, NewLeave, add_leave, leaves, remove_leave
from clinic_web.organization.models import LEAVE_KINDS, SESSION_CANCELLED
from clinic_web.organization.queries import (
    KnownIds,
    Shift,
    Terms,
    known_external_ids,
    listed_terms,
    moment_at,
    organization_by_external_id,
    shifts,
    shifts_on,
    terms,
    without,
)
from clinic_web.organization.service import (
    create_clinic,
    create_department,
    create_facility,
    create_organization,
    create_room,
    create_service,
    create_staff,
    create_working_hours,
)
from clinic_web.organization.setting_up import changing, listing, reading
from clinic_web.organization.setting_up.changing import finish_set_up, works_also_in
from clinic_web.organization.setting_up.hours import Span, Week, hours_by_person, save_week, weeks_of
from clinic_web.organization.setting_up.kinds import KINDS
from clinic_web.organization.setting_up.listing import (
    Line,
    Opened,
    Survey,
    any_organization,
    is_being_set_up,
    survey,
)
from clinic_web.organization.setting_up.reading import clock

__all__ = [
    "LEAVE_KINDS",
    "SESSION_CANCELLED",
    "ClinicInfo",
    "Directory",
    "FacilityAnywhere",
    "FacilityInfo",
    "KnownIds",
    "Leave",
    "Line",
    "NewLeave",
    "Opened",
    "RoomInfo",
    "ServiceInfo",
    "Shift",
    "Span",
    "StaffInfo",
    "Survey",
    "Terms",
    "Week",
    "add_leave",
    "add_row",
    "any_organization",
    "change_row",
    "choices",
    "clock",
    "close_row",
    "create_clinic",
    "create_department",
    "create_facility",
    "create_organization",
    "create_room",
    "create_service",
    "create_staff",
    "create_working_hours",
    "directory",
    "directory_as_of",
    "directory_at_hand",
    "facilities_anywhere",
    "facilities_offered",
    "facility",
    "finish_set_up",
    "hours_by_person",
    "is_being_set_up",
    "known_external_ids",
    "leaves",
    "let_work_in",
    "lines",
    "listed_terms",
    "look_again",
    "moment_at",
    "opened",
    "organization_by_external_id",
    "remove_leave",
    "save_week",
    "shifts",
    "shifts_on",
    "staff_offered",
    "stand_at_hand",
    "stands_at",
    "survey",
    "terms",
    "topic",
    "weeks_of",
    "without",
]


def let_work_in(actor: Actor, staff_id: UUID, clinic_ids: Collection[UUID]) -> None:
    """Let a person work in these clinics as well as in those where they do. Raises NotFound."""
    works_also_in(actor, staff_id, frozenset(clinic_ids))


def facilities_offered(actor: Actor) -> list[Offered]:
    """Return the open facilities, for the page of users."""
    there = directory(actor.organization_id).facilities.values()
    return [Offered(each.id, each.name, each.name_ar) for each in there if each.is_active]


def staff_offered(actor: Actor) -> list[Offered]:
    """Return who works here, for the page of users."""
    there = directory(actor.organization_id).staff.values()
    return [Offered(each.id, each.name, each.name_ar) for each in there if each.is_active]


def add_row(actor: Actor, kind: str, typed: Mapping[str, str], *, key: str | None) -> UUID:
    """Add a row of a kind (``clinics``, ``staff`` …) from a form's texts. Raises InvalidForm, RuleBroken."""
    values = reading.read(
        KINDS[kind], typed, is_new=True, country=listing.phone_country(actor, typed.get("facility_id", ""))
    )
    return changing.add(actor, KINDS[kind], values, key=key)


def change_row(actor: Actor, kind: str, row_id: UUID, typed: Mapping[str, str], *, version: int) -> None:
    """Change the fields in ``typed`` of a row, if it is still of ``version``; the others stay.

    Raises InvalidForm and RuleBroken (422), StaleScreen (409), NotFound (404).
    """
    now = listing.opened(actor, KINDS[kind], row_id).values
    wanted = now | dict(typed)
    country = listing.phone_country(actor, wanted.get("facility_id", ""))
    values = reading.read(KINDS[kind], wanted, is_new=False, country=country)
    changing.change(actor, KINDS[kind], row_id, values, version=version)


def close_row(actor: Actor, kind: str, row_id: UUID, *, version: int) -> None:
    """Take a row out of use: deleted where nothing points to it, closed otherwise."""
    changing.close(actor, KINDS[kind], row_id, version=version)


def opened(actor: Actor, kind: str, row_id: UUID) -> Opened:
    """Return a row as a form has it. Raises NotFound (404)."""
    return listing.opened(actor, KINDS[kind], row_id)


def lines(actor: Actor, kind: str) -> list[Line]:
    """Return the open rows of a kind, in their order."""
    return [each for each in listing.lines(actor, KINDS[kind]) if each.is_active]


def choices(actor: Actor, kind: str) -> dict[str, list[tuple[str, str]]]:
    """Return what each choice of a kind's form offers, in the reader's words, by field."""
    return words.choices(actor, KINDS[kind])
