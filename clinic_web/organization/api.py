"""The front door of organization: what there is, when doctors work, on what terms a service is booked."""

from __future__ import annotations

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

__all__ = [
    "LEAVE_KINDS",
    "SESSION_CANCELLED",
    "ClinicInfo",
    "Directory",
    "FacilityInfo",
    "KnownIds",
    "Leave",
    "NewLeave",
    "RoomInfo",
    "ServiceInfo",
    "Shift",
    "StaffInfo",
    "Terms",
    "add_leave",
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
    "facility",
    "known_external_ids",
    "leaves",
    "listed_terms",
    "moment_at",
    "organization_by_external_id",
    "remove_leave",
    "shifts",
    "shifts_on",
    "terms",
    "topic",
    "without",
]
