"""What can be set up, as data: each kind of row with its fields, in the order of its form.

One list, one form and one set of services serve all of them, so that the seventh needs no training either.
"""

from __future__ import annotations

from dataclasses import dataclass

from clinic_web.kernel.errors import N_
from clinic_web.organization.models import (
    Clinic,
    Department,
    Facility,
    Organization,
    Room,
    Service,
    Staff,
)

Row = Organization | Facility | Department | Clinic | Room | Staff | Service

TEXT, CODE, CHOICE, MANY = "text", "code", "choice", "many"
PHONE, COUNTRY = "phone", "country"
PRICE, PERCENT, WHOLE = "price", "percent", "whole"


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a form; ``name`` is the row's column.

    ``of`` names what a choice chooses from. ``is_fixed``: chosen once, when the row is made, because other
    modules copied it. ``latn``: written in Latin letters and digits in every language.
    """

    name: str
    label: str
    kind: str = TEXT
    of: str = ""
    is_required: bool = False
    is_fixed: bool = False
    latn: bool = False
    longest: int = 200
    least: int = 0
    most: int = 10_000
    help: str = ""
    default: str = ""
    with_next: bool = False  # shares a line with the next field


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of row: ``name`` is its address below ``/admin``."""

    name: str
    table: type[Row]
    title: str
    add: str
    nothing: str
    why: str
    fields: tuple[Field, ...]
    columns: tuple[str, ...]  # of the list, after the name
    icon: str
    order: int
    audited: frozenset[str] = frozenset()

    @property
    def is_single(self) -> bool:
        return self.table is Organization

    def field(self, name: str) -> Field:
        return next(each for each in self.fields if each.name == name)


NAMES = (
    Field(name="name", label=N_("Name"), is_required=True, with_next=True),
    Field(name="name_ar", label=N_("Name in Arabic")),
)
CODE_FIELD = Field(
    name="code",
    label=N_("Short code"),
    kind=CODE,
    latn=True,
    longest=20,
    help=N_("For lists and exports. Left empty, it is made from the name."),
)
FACILITY = Field(
    name="facility_id",
    label=N_("Facility"),
    kind=CHOICE,
    of="facilities",
    is_required=True,
    is_fixed=True,
)

ORGANIZATION = Kind(
    name="organization",
    table=Organization,
    title=N_("Organization"),
    add="",
    nothing="",
    why=N_("The centre or the group of centres; its name stands on receipts."),
    fields=NAMES,
    columns=(),
    icon="building",
    order=10,
)
FACILITIES = Kind(
    name="facilities",
    table=Facility,
    title=N_("Facilities"),
    add=N_("Add a facility"),
    nothing=N_("There is no facility yet"),
    why=N_("A location with its own time zone, currency and languages. Days, prices and slips follow it."),
    fields=(
        *NAMES,
        Field(
            name="timezone",
            label=N_("Time zone"),
            kind=CHOICE,
            of="timezones",
            is_required=True,
            help=N_("It decides which day it is, and when a shift begins."),
        ),
        Field(
            name="currency",
            label=N_("Currency"),
            kind=CHOICE,
            of="currencies",
            is_required=True,
            default="EGP",
            with_next=True,
        ),
        Field(
            name="phone_country",
            label=N_("Telephones are of"),
            kind=CHOICE,
            of="countries",
            is_required=True,
            default="EG",
        ),
        Field(
            name="languages",
            label=N_("Languages"),
            kind=CHOICE,
            of="languages",
            is_required=True,
            default="en,ar",
            help=N_("The first one leads on boards and slips."),
        ),
        CODE_FIELD,
        Field(name="phone", label=N_("Telephone"), kind=PHONE, latn=True, longest=40, with_next=True),
        Field(name="email", label=N_("E-mail"), latn=True),
        Field(name="address", label=N_("Address"), with_next=True),
        Field(name="address_ar", label=N_("Address in Arabic"), help=N_("With the city, as on receipts.")),
        Field(name="city", label=N_("City"), with_next=True),
        Field(name="country", label=N_("Country"), kind=COUNTRY),
        Field(
            name="registration",
            label=N_("Tax or registration line"),
            help=N_("It stands on receipts as you write it: Tax card 123-456-789."),
            with_next=True,
        ),
        Field(name="registration_ar", label=N_("The same line in Arabic")),
    ),
    columns=("timezone", "currency", "languages"),
    icon="hospital",
    order=20,
    audited=frozenset({"timezone", "currency"}),
)
DEPARTMENTS = Kind(
    name="departments",
    table=Department,
    title=N_("Departments"),
    add=N_("Add a department"),
    nothing=N_("There is no department yet"),
    why=N_("Departments group clinics and people in reports. A small centre needs none."),
    fields=(
        *NAMES,
        FACILITY,
        CODE_FIELD,
        Field(name="head_staff_id", label=N_("Head"), kind=CHOICE, of="staff"),
    ),
    columns=("facility_id", "head_staff_id"),
    icon="list-ul",
    order=30,
)
CLINICS = Kind(
    name="clinics",
    table=Clinic,
    title=N_("Clinics"),
    add=N_("Add a clinic"),
    nothing=N_("There is no clinic yet"),
    why=N_("An outpatient unit, such as dental or eye. Each has a queue of its own, made with it."),
    fields=(
        *NAMES,
        FACILITY,
        Field(name="department_id", label=N_("Department"), kind=CHOICE, of="departments"),
        CODE_FIELD,
        Field(
            name="sort_order",
            label=N_("Place in lists"),
            kind=WHOLE,
            latn=True,
            most=999,
            default="0",
            help=N_("Smaller comes first."),
        ),
    ),
    columns=("facility_id", "department_id", "code"),
    icon="signpost",
    order=40,
)
ROOMS = Kind(
    name="rooms",
    table=Room,
    title=N_("Rooms"),
    add=N_("Add a room"),
    nothing=N_("There is no room yet"),
    why=N_("A door with a sign: boards send patients to it."),
    fields=(
        Field(
            name="name",
            label=N_("What the door says"),
            is_required=True,
            longest=20,
            with_next=True,
            help=N_("Write it as on the door: 3, 12B."),
        ),
        Field(name="floor", label=N_("Floor"), longest=40),
        FACILITY,
        Field(name="clinic_id", label=N_("Clinic"), kind=CHOICE, of="clinics"),
    ),
    columns=("clinic_id", "floor", "facility_id"),
    icon="door-open",
    order=50,
)
STAFF = Kind(
    name="staff",
    table=Staff,
    title=N_("Staff and shares"),
    add=N_("Add a person"),
    nothing=N_("Nobody works here yet"),
    why=N_("Who works here and where. A doctor's share applies where a service has none of its own."),
    fields=(
        Field(name="first_name", label=N_("First name"), is_required=True, with_next=True),
        Field(name="last_name", label=N_("Last name"), is_required=True),
        Field(name="first_name_ar", label=N_("First name in Arabic"), with_next=True),
        Field(name="last_name_ar", label=N_("Last name in Arabic")),
        Field(
            name="short_name",
            label=N_("On boards and lists"),
            longest=60,
            with_next=True,
            help=N_("Such as Dr Salma. Left empty: the first name."),
        ),
        Field(name="short_name_ar", label=N_("The same in Arabic"), longest=60),
        Field(
            name="profession",
            label=N_("Profession"),
            kind=CHOICE,
            of="professions",
            is_required=True,
            default="DOCTOR",
            with_next=True,
        ),
        Field(name="specialty", label=N_("Specialty")),
        Field(
            name="clinic_ids",
            label=N_("Works in"),
            kind=MANY,
            of="clinics",
            help=N_("One person may work in several clinics. Hours in a clinic that is taken away end."),
        ),
        Field(name="room_id", label=N_("Usual room"), kind=CHOICE, of="rooms", with_next=True),
        Field(
            name="share_percent",
            label=N_("Share of the price, of 100"),
            kind=PERCENT,
            latn=True,
            default="0",
            help=N_("A change counts for money that comes from now on. What was shared stays as it was."),
        ),
        Field(
            name="facility_id",
            label=N_("Facility"),
            kind=CHOICE,
            of="facilities",
            is_required=True,
            with_next=True,
        ),
        Field(name="department_id", label=N_("Department"), kind=CHOICE, of="departments"),
        Field(name="gender", label=N_("Sex"), kind=CHOICE, of="genders", with_next=True),
        Field(name="license_number", label=N_("Licence number"), latn=True),
        Field(name="phone", label=N_("Telephone"), kind=PHONE, latn=True, longest=40, with_next=True),
        Field(name="email", label=N_("E-mail"), latn=True),
    ),
    columns=("profession", "clinic_ids", "room_id", "share_percent"),
    icon="person-badge",
    order=60,
    audited=frozenset({"share_percent"}),
)
SERVICES = Kind(
    name="services",
    table=Service,
    title=N_("Services and prices"),
    add=N_("Add a service"),
    nothing=N_("There is no service yet"),
    why=N_("What can be booked, how long it takes and what it costs."),
    fields=(
        *NAMES,
        Field(
            name="clinic_id",
            label=N_("Clinic"),
            kind=CHOICE,
            of="clinics",
            is_required=True,
            is_fixed=True,
        ),
        Field(
            name="duration_minutes",
            label=N_("Minutes"),
            kind=WHOLE,
            latn=True,
            is_required=True,
            least=5,
            most=480,
            default="20",
            with_next=True,
        ),
        Field(
            name="price",
            label=N_("Price"),
            kind=PRICE,
            latn=True,
            is_required=True,
            help=N_("A visit keeps the price at which it was booked."),
        ),
        Field(
            name="share_percent",
            label=N_("Doctor's share, of 100"),
            kind=PERCENT,
            latn=True,
            help=N_("Left empty, each doctor's own share counts."),
        ),
        CODE_FIELD,
        Field(name="charge_code", label=N_("Charge code"), latn=True, longest=40),
    ),
    columns=("clinic_id", "duration_minutes", "price", "share_percent"),
    icon="receipt",
    order=70,
    audited=frozenset({"price", "share_percent"}),
)

KINDS: dict[str, Kind] = {
    each.name: each for each in (ORGANIZATION, FACILITIES, DEPARTMENTS, CLINICS, ROOMS, STAFF, SERVICES)
}

# The words of the closed sets that a choice may offer.
PROFESSION_WORDS = {
    "DOCTOR": N_("Doctor"),
    "NURSE": N_("Nurse"),
    "RECEPTIONIST": N_("Receptionist"),
    "CASHIER": N_("Cashier"),
    "PHARMACIST": N_("Pharmacist"),
    "LAB_TECHNICIAN": N_("Lab technician"),
    "MANAGER": N_("Manager"),
    "OTHER": N_("Other"),
}
GENDER_WORDS = {"MALE": N_("male"), "FEMALE": N_("female")}
LANGUAGE_WORDS = {
    "en,ar": N_("English first, then Arabic"),
    "ar,en": N_("Arabic first, then English"),
    "en": N_("English only"),
    "ar": N_("Arabic only"),
}
