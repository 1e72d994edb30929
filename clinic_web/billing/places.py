"""Where a bill is written: names, days and money of its facility, from the copy that this process has."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo, ServiceInfo


def facility_of(organization_id: UUID, facility_id: UUID) -> FacilityInfo:
    """Return a facility: its currency and its clock. Bills are written in the background, many a second, so
    the copy of this process is asked first, however old: neither ever changes once money has moved."""
    at_hand = organization.directory_at_hand(organization_id).facilities
    return at_hand.get(facility_id) or organization.directory(organization_id).facilities[facility_id]


def service_of(organization_id: UUID, service_id: UUID | None) -> ServiceInfo | None:
    """Return a service as it is called now."""
    return organization.directory(organization_id).services.get(service_id) if service_id else None


def day_at(organization_id: UUID, facility_id: UUID, moment: datetime) -> date:
    """Return the day of ``moment`` on the wall of a facility."""
    return clock.local(moment, facility_of(organization_id, facility_id).timezone).date()
