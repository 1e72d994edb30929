"""The centre itself: a facility, three clinics, eight doctors, rooms, services with their terms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from clinic_web.reception import api as reception

NAME, NAME_AR = "North Garden Medical Centre", "مركز الحديقة الشمالية الطبي"
SHORT, SHORT_AR = "North Garden", "الحديقة الشمالية"
EXTERNAL_ID = "demo"

# Where it is mid-morning now, the demo's working day is under way, at whatever hour it is started.
HOME = "Africa/Cairo"
ZONES = (
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Pacific/Guadalcanal",
    "Pacific/Auckland",
    "Pacific/Apia",
    "Pacific/Honolulu",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Chicago",
    "America/New_York",
    "America/Halifax",
    "America/Sao_Paulo",
    "Atlantic/South_Georgia",
    "Atlantic/Azores",
    "Africa/Abidjan",
    "Africa/Lagos",
)
BEST_MINUTE = 10 * 60 + 50
AT_HOME = range(9 * 60 + 45, 12 * 60 + 50)  # not at lunch, when nobody waits

MORNING = (time(8), time(13))
AFTERNOON = (time(14), time(17))


@dataclass(frozen=True)
class ClinicPlan:
    code: str
    name: str
    name_ar: str
    prefix: str
    services: tuple[tuple[str, str, int, str], ...]  # name, Arabic name, minutes, price
    doctors: tuple[tuple[str, str, str, str, str, str], ...]  # names, Arabic names, room, share of 100


CLINICS = (
    ClinicPlan(
        "DENTAL", "Dental", "الأسنان", "D",
        (
            ("Check-up", "كشف", 15, "300"), ("Cleaning", "تنظيف", 20, "450"), ("Filling", "حشو", 20, "600"),
            ("Extraction", "خلع", 20, "750"), ("Root canal", "حشو عصب", 30, "1500"),
            ("Crown fitting", "تركيب تاج", 30, "1200"),
        ),
        (
            ("Karim", "Fahmy", "كريم", "فهمي", "1", "60"), ("Hana", "Mansour", "هناء", "منصور", "2", "60"),
            ("Salma", "Naguib", "سلمى", "نجيب", "3", "65"), ("Tom", "Keane", "توم", "كين", "4", "55"),
        ),
    ),
    ClinicPlan(
        "PAED", "Paediatrics", "الأطفال", "P",
        (
            ("Consultation", "كشف", 15, "350"), ("Vaccination", "تطعيم", 10, "250"),
            ("Follow-up", "متابعة", 10, "150"),
        ),
        (("Nadia", "Bishara", "نادية", "بشارة", "5", "60"), ("Ziad", "Soliman", "زياد", "سليمان", "6", "60")),
    ),
    ClinicPlan(
        "EYE", "Eye", "العيون", "E",
        (
            ("Eye examination", "فحص عيون", 20, "400"), ("Fundus examination", "فحص قاع العين", 20, "550"),
            ("Glasses prescription", "قياس نظارة", 15, "300"),
        ),
        (("Amal", "Sinjab", "أمل", "سنجاب", "7", "60"), ("Sherif", "Badawi", "شريف", "بدوي", "8", "60")),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Centre:
    """The demo centre as created: who acts for it, and the ids that the day needs."""

    actor: Actor
    timezone: str
    currency: str
    queues: dict[UUID, UUID]  # clinic → queue


STATIONS = (
    ("CASHIER", "K", "Cashier", "الخزينة", "C1"),
    ("PHARMACY", "PH", "Pharmacy", "الصيدلية", "P1"),
    ("LAB", "L", "Laboratory", "المعمل", "L1"),
)


def timezone_for(now: datetime) -> str:
    """Return Cairo in its working hours, and otherwise a zone where it is about ten to eleven."""
    if _minute(now, HOME) in AT_HOME:
        return HOME
    return min(ZONES, key=lambda zone: abs(_minute(now, zone) - BEST_MINUTE))


def _minute(now: datetime, zone: str) -> int:
    local = now.astimezone(ZoneInfo(zone))
    return local.hour * 60 + local.minute


def create(now: datetime) -> Centre:
    """Create the organization and everything in it."""
    organization_id = organization.create_organization(
        system_actor(new_id()), name=NAME, name_ar=NAME_AR, external_id=EXTERNAL_ID, is_demo=True
    )
    actor = system_actor(organization_id, name="demo")
    timezone = timezone_for(now)
    facility_id = organization.create_facility(
        actor,
        code="MAIN",
        name=SHORT,
        name_ar=SHORT_AR,
        timezone=timezone,
        currency="EGP",
        languages=["en", "ar"],
        phone="02 2555 0100",
        address="12 Garden Street",
        city="Cairo",
        address_ar="١٢ شارع الحديقة، القاهرة",
        registration="Tax card 123-456-789",
        registration_ar="بطاقة ضريبية 123-456-789",
    )
    actor = system_actor(organization_id, facility_id=facility_id, name="demo")
    queues = {}
    for order, plan in enumerate(CLINICS):
        clinic_id = _create_clinic(actor, facility_id, plan, order)
        queues[clinic_id] = reception.ensure_queue(
            actor, clinic_id=clinic_id, facility_id=facility_id, prefix=plan.prefix, policy="APPOINTMENT_TIME"
        )
    for kind, prefix, name, name_ar, counter in STATIONS:
        room_id = organization.create_room(actor, facility_id=facility_id, name=counter)
        reception.ensure_station(
            actor,
            kind=kind,
            facility_id=facility_id,
            prefix=prefix,
            name=name,
            name_ar=name_ar,
            room_id=room_id,
        )
    return Centre(actor, timezone, "EGP", queues)


def _create_clinic(actor: Actor, facility_id: UUID, plan: ClinicPlan, order: int) -> UUID:
    department = organization.create_department(
        actor, facility_id=facility_id, code=plan.code, name=plan.name, name_ar=plan.name_ar
    )
    clinic_id = organization.create_clinic(
        actor, facility_id=facility_id, code=plan.code, name=plan.name, name_ar=plan.name_ar,
        department_id=department, sort_order=order,
    )  # fmt: skip
    for number, (name, name_ar, minutes, price) in enumerate(plan.services, start=1):
        organization.create_service(
            actor, clinic_id=clinic_id, code=f"{plan.code}-{number}", charge_code=f"{plan.code}-{number:02d}",
            name=name, name_ar=name_ar, duration_minutes=minutes, price=Decimal(price),
        )  # fmt: skip
    for doctor in plan.doctors:
        _hire_doctor(actor, facility_id, clinic_id, doctor)
    return clinic_id


def _hire_doctor(actor: Actor, facility_id: UUID, clinic_id: UUID, plan: tuple[str, ...]) -> None:
    first, last, first_ar, last_ar, room, share = plan
    room_id = organization.create_room(actor, facility_id=facility_id, clinic_id=clinic_id, name=room)
    staff_id = organization.create_staff(
        actor, facility_id=facility_id, profession="DOCTOR", clinic_ids=[clinic_id], room_id=room_id,
        first_name=first, last_name=last, first_name_ar=first_ar, last_name_ar=last_ar,
        short_name=f"Dr {first}", short_name_ar=f"د. {first_ar}", share_percent=Decimal(share),
    )  # fmt: skip
    starts = (time(11), time(13)) if first == "Tom" else MORNING
    for weekday in range(7):
        for starts_at, ends_at in (starts, AFTERNOON):
            organization.create_working_hours(
                actor, staff_id=staff_id, clinic_id=clinic_id, room_id=room_id, weekday=weekday,
                starts_at=starts_at, ends_at=ends_at,
            )  # fmt: skip
