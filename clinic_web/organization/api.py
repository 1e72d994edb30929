"""The front door of organization: what there is, when doctors work, on what terms a service is booked."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from clinic_web.identity.api import Offered
from clinic_web.kernel.actor import Actor
from clinic_web.organization.directory import (
    ClinicInfo,
    Directory,
    FacilityInfo,
    RoomInfo,
    ServiceInfo,
    StaffInfo,
    directory,
    facility,
    topic,
)
from clinic_web.organization.directory import as_of as directory_as_of
from clinic_web.organization.queries import (
    KnownIds,
    Shift,
    Terms,
    known_external_ids,
    listed_terms,
    moment_at,
    organization_by_external_id,
    shifts,
    terms,
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
from clinic_web.organization.setting_up.changing import finish_set_up, works_also_in
from clinic_web.organization.setting_up.listing import Survey, any_organization, is_set_up, survey

__all__ = [
    "ClinicInfo",
    "Directory",
    "FacilityInfo",
    "KnownIds",
    "RoomInfo",
    "ServiceInfo",
    "Shift",
    "StaffInfo",
    "Survey",
    "Terms",
    "any_organization",
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
    "facilities_offered",
    "facility",
    "finish_set_up",
    "is_set_up",
    "known_external_ids",
    "let_work_in",
    "listed_terms",
    "moment_at",
    "organization_by_external_id",
    "shifts",
    "staff_offered",
    "survey",
    "terms",
    "topic",
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
