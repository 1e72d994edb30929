"""The tenant, its facility, clinics, services, doctors, rooms and hours: what is not there yet is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal
from itertools import count
from uuid import UUID

from clinic_web.cli.synthea import wording
from clinic_web.cli.synthea.bars import Bars
from clinic_web.cli.synthea.encounters import Kind, Survey
from clinic_web.cli.synthea.reading import (
    ORGANIZATIONS,
    PROVIDERS,
    Export,
    Refused,
    Repeated,
    Row,
    accepted,
)
from clinic_web.cli.synthea.report import Report
from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo
from clinic_web.reception import api as reception

# Every export goes to this tenant: a corrected file must meet the rows of the first attempt, and another
# part of the same population must meet its patients.
EXTERNAL_ID = "synthea"
NAME = "Synthea"
TIMEZONE, CURRENCY, COUNTRY = "America/New_York", "USD", "US"

SHARE_PERCENT = Decimal("60.00")
SHARE_RULE_VERSION = 1

# Synthea's encounters happen at any hour of any day, and it knows nobody's hours. Only doctors who always
# work could have had them; who goes on working here gets real hours from a manager.
OPENS, CLOSES = time(0, 0), time(23, 59)
WEEK = range(7)
CODE_LENGTH = 13  # of a clinic's UUID: short enough to read, long enough to be its own

GENDERS = {"M": "MALE", "F": "FEMALE"}


@dataclass(frozen=True)
class Clinic:
    external_id: str
    name: str


@dataclass(frozen=True)
class Provider:
    """A doctor as the export knows them; ``organization`` is where they belong."""

    external_id: str
    organization: str
    first_name: str
    last_name: str
    gender: str | None
    specialty: str | None


@dataclass
class Places:
    """What is here, by ids of the export; services also by their name."""

    actor: Actor
    facility: FacilityInfo
    clinics: dict[str, UUID] = field(default_factory=dict)
    doctors: dict[str, UUID] = field(default_factory=dict)
    services: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    clinic_codes: set[str] = field(default_factory=set)
    service_codes: set[tuple[UUID, str]] = field(default_factory=set)
    rooms: set[str] = field(default_factory=set)


def ensure_facility() -> Places:
    """Return the tenant with its one facility, made when it is not there."""
    with transaction():
        organization_id = organization.organization_by_external_id(EXTERNAL_ID)
        if organization_id is None:
            organization_id = organization.create_organization(
                system_actor(new_id()), name=NAME, external_id=EXTERNAL_ID
            )
            organization.create_facility(
                system_actor(organization_id),
                code="MAIN",
                name=NAME,
                timezone=TIMEZONE,
                currency=CURRENCY,
                phone_country=COUNTRY,
                country=COUNTRY,
            )
        tenant.enter(organization_id)
        facility = organization.facility(system_actor(organization_id))
    return _what_is_here(system_actor(organization_id, facility_id=facility.id, name="import"), facility)


def _what_is_here(actor: Actor, facility: FacilityInfo) -> Places:
    known = organization.known_external_ids(actor)
    there = organization.directory(actor.organization_id)
    services = there.services.values()
    return Places(
        actor=actor,
        facility=facility,
        clinics=known.clinics,
        doctors=known.staff,
        services={(each.clinic_id, each.name): each.id for each in services},
        clinic_codes={each.code for each in there.clinics.values()},
        service_codes={(each.clinic_id, each.code) for each in services},
        rooms={room.name for room in there.rooms.values()},
    )


def read_clinics(export: Export, bars: Bars, report: Report) -> dict[str, Clinic]:
    found: dict[str, Clinic] = {}

    def parse(row: Row) -> Clinic:
        return Clinic(_new_id(row, found), wording.place(row.text("NAME")))

    for clinic in accepted(export.rows(ORGANIZATIONS, bars), parse, report):
        found[clinic.external_id] = clinic
    return found


def read_providers(
    export: Export, bars: Bars, report: Report, clinics: Collection[str]
) -> dict[str, Provider]:
    found: dict[str, Provider] = {}

    def parse(row: Row) -> Provider:
        first, last = wording.first_and_last(row.text("NAME"))
        home = row.text("ORGANIZATION")
        if home not in clinics:
            raise Refused("unknown organization", home)
        specialty = row.text_or_none("SPECIALITY")
        return Provider(
            external_id=_new_id(row, found),
            organization=home,
            first_name=first,
            last_name=last,
            gender=GENDERS.get(row.text_or_none("GENDER") or ""),
            specialty=wording.place(specialty) if specialty else None,
        )

    for provider in accepted(export.rows(PROVIDERS, bars), parse, report):
        found[provider.external_id] = provider
    return found


def _new_id(row: Row, found: Collection[str]) -> str:
    external_id = row.text("Id")
    if external_id in found:
        raise Repeated("Id is on an earlier line, too", external_id)
    return external_id


def ensure_clinics(places: Places, clinics: Iterable[Clinic], survey: Survey) -> int:
    """Make clinics, each with its queue; return how many were new.

    The busiest comes first: a desk opens with it, and its tickets have the shortest letters.
    """
    busy = survey.by_clinic()
    new = [each for each in clinics if each.external_id not in places.clinics]
    new.sort(key=lambda each: -busy[each.external_id])
    for number, clinic in enumerate(new, start=len(places.clinics)):
        clinic_id = organization.create_clinic(
            places.actor,
            facility_id=places.facility.id,
            code=_clinic_code(places, clinic.external_id),
            name=clinic.name,
            external_id=clinic.external_id,
            sort_order=number,
        )
        places.clinics[clinic.external_id] = clinic_id
        reception.ensure_queue(
            places.actor,
            clinic_id=clinic_id,
            facility_id=places.facility.id,
            prefix=wording.prefix(number),
        )
    return len(new)


def _clinic_code(places: Places, external_id: str) -> str:
    short, whole = external_id[:CODE_LENGTH].upper(), external_id.upper()
    code = whole if short in places.clinic_codes else short
    places.clinic_codes.add(code)
    return code


def ensure_services(places: Places, survey: Survey) -> int:
    """Make a service for each clinic and type of encounter; return how many were new."""
    new = 0
    for (clinic, name), kind in survey.kinds.items():
        new += ensure_service(places, places.clinics[clinic], name, kind)
    return new


def ensure_service(places: Places, clinic_id: UUID, name: str, kind: Kind) -> bool:
    """Make one service unless the clinic has it; return whether it was new."""
    if (clinic_id, name) in places.services:
        return False
    code = _free_service_code(places, clinic_id, kind.code)
    places.services[clinic_id, name] = organization.create_service(
        places.actor,
        clinic_id=clinic_id,
        code=code,
        charge_code=kind.code,
        name=name,
        duration_minutes=kind.minutes,
        price=kind.price,
    )
    places.service_codes.add((clinic_id, code))
    return True


def _free_service_code(places: Places, clinic_id: UUID, code: str) -> str:
    """One SNOMED code has several descriptions, each of which is a service."""
    number, free = 1, code
    while (clinic_id, free) in places.service_codes:
        number += 1
        free = f"{code}-{number}"
    return free


def ensure_doctors(places: Places, providers: Iterable[Provider], survey: Survey) -> int:
    """Make the doctors; those who see patients get a room and hours. Return how many were new."""
    new = [each for each in providers if each.external_id not in places.doctors]
    for provider in new:
        clinics = [places.clinics[each] for each in survey.works_in.get(provider.external_id, ())]
        if clinics:
            hire(places, provider, clinics)
        else:
            _add_doctor(places, provider, [places.clinics[provider.organization]], None)
    return len(new)


def hire(places: Places, provider: Provider, clinics: list[UUID]) -> UUID:
    """Add a doctor with a room (in the first of the clinics) and hours in all of them."""
    room_id = _add_room(places, clinics[0])
    staff_id = _add_doctor(places, provider, clinics, room_id)
    for clinic_id in clinics:
        _give_hours(places, staff_id, clinic_id, room_id)
    return staff_id


def let_work_in(places: Places, staff_id: UUID, clinic_id: UUID) -> None:
    """Let a doctor see patients in one more clinic, in a room of it, unless they do already."""
    if clinic_id in organization.directory(places.actor.organization_id).staff[staff_id].clinic_ids:
        return
    organization.let_work_in(places.actor, staff_id, [clinic_id])
    _give_hours(places, staff_id, clinic_id, _add_room(places, clinic_id))


def _give_hours(places: Places, staff_id: UUID, clinic_id: UUID, room_id: UUID) -> None:
    for weekday in WEEK:
        organization.create_working_hours(
            places.actor,
            staff_id=staff_id,
            clinic_id=clinic_id,
            room_id=room_id,
            weekday=weekday,
            starts_at=OPENS,
            ends_at=CLOSES,
        )


def _add_room(places: Places, clinic_id: UUID) -> UUID:
    name = next(number for each in count(1) if (number := str(each)) not in places.rooms)
    places.rooms.add(name)
    return organization.create_room(
        places.actor, facility_id=places.facility.id, clinic_id=clinic_id, name=name
    )


def _add_doctor(places: Places, provider: Provider, clinics: list[UUID], room_id: UUID | None) -> UUID:
    staff_id = organization.create_staff(
        places.actor,
        facility_id=places.facility.id,
        profession="DOCTOR",
        clinic_ids=clinics,
        room_id=room_id,
        first_name=provider.first_name,
        last_name=provider.last_name,
        short_name=f"Dr {provider.last_name}",
        gender=provider.gender,
        specialty=provider.specialty,
        share_percent=SHARE_PERCENT,
        external_id=provider.external_id,
    )
    places.doctors[provider.external_id] = staff_id
    return staff_id
