"""One function per row type, keyword arguments only; each returns the new row's id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal
from functools import wraps
from itertools import count
from typing import Any
from uuid import UUID

from clinic_web.catalog import models as catalog_models
from clinic_web.inventory import api as inventory
from clinic_web.kernel import folding, tenant
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.db import Model, db
from clinic_web.kernel.ids import new_id
from clinic_web.organization import models as organization_models
from clinic_web.patients import models as patient_models
from clinic_web.reception import models as reception_models

_numbers = count(1)


def _add(row: Model) -> UUID:
    db.session.add(row)
    db.session.flush()
    return row.id  # type: ignore[attr-defined, no-any-return]


def _for_its_tenant(make: Callable[..., UUID]) -> Callable[..., UUID]:
    """Let a factory make a row of whichever tenant it names."""

    @wraps(make)
    def made(*, organization_id: UUID, **fields: Any) -> UUID:
        with tenant.of(organization_id):
            return make(organization_id=organization_id, **fields)

    return made


def organization(*, name: str = "North Garden") -> UUID:
    """A tenant; the first that a test makes is the one it works for."""
    key = new_id()
    if tenant.current() is None:
        tenant.enter(key)
    with tenant.of(key):
        return _add(organization_models.Organization(id=key, name=name))


@_for_its_tenant
def facility(
    *, organization_id: UUID, name: str = "Main", timezone: str = "Africa/Cairo", **fields: Any
) -> UUID:
    values = {
        "code": f"F{next(_numbers)}",
        "currency": "EGP",
        "languages": ["en", "ar"],
        "phone_country": "EG",
    } | fields
    return _add(
        organization_models.Facility(organization_id=organization_id, name=name, timezone=timezone, **values)
    )


@_for_its_tenant
def clinic(
    *, organization_id: UUID, facility_id: UUID, code: str, name: str, name_ar: str | None = None
) -> UUID:
    return _add(
        organization_models.Clinic(
            organization_id=organization_id, facility_id=facility_id, code=code, name=name, name_ar=name_ar
        )
    )


@_for_its_tenant
def room(*, organization_id: UUID, facility_id: UUID, clinic_id: UUID, name: str) -> UUID:
    return _add(
        organization_models.Room(
            organization_id=organization_id, facility_id=facility_id, clinic_id=clinic_id, name=name
        )
    )


@_for_its_tenant
def doctor(
    *,
    organization_id: UUID,
    facility_id: UUID,
    clinics: list[UUID],
    first_name: str,
    last_name: str = "Doctor",
    room_id: UUID | None = None,
    share: str = "60",
    all_day: bool = True,
) -> UUID:
    """A doctor who sees patients in ``clinics`` every day from 00:00 to 23:59, unless told otherwise."""
    staff_id = _add(
        organization_models.Staff(
            organization_id=organization_id,
            facility_id=facility_id,
            profession="DOCTOR",
            first_name=first_name,
            last_name=last_name,
            short_name=f"Dr {first_name}",
            room_id=room_id,
            share_percent=Decimal(share),
        )
    )
    for clinic_id in clinics:
        db.session.add(organization_models.StaffClinic(staff_id=staff_id, clinic_id=clinic_id))
        if all_day:
            for weekday in range(7):
                working_hours(
                    organization_id=organization_id,
                    staff_id=staff_id,
                    clinic_id=clinic_id,
                    weekday=weekday,
                    room_id=room_id,
                )
    db.session.flush()
    return staff_id


@_for_its_tenant
def working_hours(
    *,
    organization_id: UUID,
    staff_id: UUID,
    clinic_id: UUID,
    weekday: int,
    room_id: UUID | None = None,
    starts_at: time = time(0, 0),
    ends_at: time = time(23, 59),
) -> UUID:
    return _add(
        organization_models.WorkingHours(
            organization_id=organization_id,
            staff_id=staff_id,
            clinic_id=clinic_id,
            room_id=room_id,
            weekday=weekday,
            starts_at=starts_at,
            ends_at=ends_at,
        )
    )


@_for_its_tenant
def service(
    *,
    organization_id: UUID,
    clinic_id: UUID,
    name: str,
    price: str = "300",
    duration: int = 20,
    share: str | None = None,
) -> UUID:
    return _add(
        organization_models.Service(
            organization_id=organization_id,
            clinic_id=clinic_id,
            code=f"S{next(_numbers)}",
            name=name,
            price=Decimal(price),
            duration_minutes=duration,
            share_percent=Decimal(share) if share else None,
        )
    )


@_for_its_tenant
def queue(*, organization_id: UUID, facility_id: UUID, clinic_id: UUID, prefix: str, **fields: Any) -> UUID:
    return _add(
        reception_models.Queue(
            organization_id=organization_id,
            facility_id=facility_id,
            clinic_id=clinic_id,
            prefix=prefix,
            **fields,
        )
    )


@_for_its_tenant
def patient(
    *,
    organization_id: UUID,
    first_name: str = "Maryam",
    last_name: str | None = "Tahhan",
    gender: str = "FEMALE",
    date_of_birth: date | None = date(1992, 3, 12),
    **fields: Any,
) -> UUID:
    number = next(_numbers)
    return _add(
        patient_models.Patient(
            organization_id=organization_id,
            patient_number=f"T-{number:06d}",
            first_name=first_name,
            last_name=last_name,
            search_name=folding.normalise(f"{first_name} {last_name or ''}"),
            gender=gender,
            date_of_birth=date_of_birth,
            **fields,
        )
    )


@_for_its_tenant
def charge(*, organization_id: UUID, name: str, category: str = "MEDICATION", price: str = "1.5") -> UUID:
    """A line of the charge master: what one unit costs."""
    return _add(
        catalog_models.ChargeItem(
            organization_id=organization_id,
            item_code=f"C{next(_numbers)}",
            item_name=name,
            item_category=category,
            base_price=Decimal(price),
        )
    )


@_for_its_tenant
def medication(
    *, organization_id: UUID, name: str = "Paracetamol", price: str | None = "1.5", **fields: Any
) -> UUID:
    """A medicine of the formulary, with what one tablet costs; ``price=None``: nobody has said."""
    values = {"strength": "500 mg", "dosage_form": "tablet", "drug_name_ar": "باراسيتامول"} | fields
    words = " ".join(each for each in (name, values["strength"], values["drug_name_ar"]) if each)
    return _add(
        catalog_models.Medication(
            organization_id=organization_id,
            charge_item_id=charge(organization_id=organization_id, name=name, price=price) if price else None,
            drug_name=name,
            search_words=folding.normalise(words),
            **values,
        )
    )


@_for_its_tenant
def lab_test(
    *, organization_id: UUID, name: str = "Complete blood count", price: str | None = "120", **fields: Any
) -> UUID:
    """A test of the laboratory: 30 minutes, room for 4, and its price."""
    values = {"code": f"L{next(_numbers)}", "name_ar": "صورة دم كاملة", "specimen_type": "blood"} | fields
    charge_id = None
    if price:
        charge_id = charge(organization_id=organization_id, name=name, category="LAB_TEST", price=price)
    return _add(
        catalog_models.LabTest(
            organization_id=organization_id,
            charge_item_id=charge_id,
            name=name,
            search_words=folding.normalise(f"{values['code']} {name} {values['name_ar']}"),
            **values,
        )
    )


@_for_its_tenant
def batch(
    *,
    organization_id: UUID,
    facility_id: UUID,
    medication_id: UUID,
    quantity: str = "100",
    expires: date | None = None,
    number: str | None = None,
    unit_cost: str = "0.9",
) -> UUID:
    """A delivery in stock, by the service; the item comes with the first. Expires in 2099 unless told."""
    delivery = inventory.Delivery(
        batch_number=number or f"B{next(_numbers)}",
        expiration_date=expires or date(2099, 1, 31),
        quantity=Decimal(quantity),
        unit_cost=Decimal(unit_cost),
    )
    return inventory.receive(
        system_actor(organization_id, facility_id=facility_id), facility_id, medication_id, delivery
    )
