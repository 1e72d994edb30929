"""Patients and the house as the API has them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from clinic_web.interop.shapes.common import NOT_EMPTY, In, Money, Out


class Patient(Out):
    """What one knows a patient by. Who was merged into somebody is answered as that one: then ``id`` is
    not the id that was asked for."""

    id: UUID
    version: int
    patient_number: str
    name: str
    gender: str
    date_of_birth: date | None
    date_of_birth_estimated: bool
    phone: str | None
    language: str | None
    guardian_id: UUID | None


class Typed(In):
    """As people type it: a part of a name in any spelling, a telephone number, a patient's number."""

    typed: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NOT_EMPTY)]
    limit: int = Field(20, ge=1, le=20)


class PatientsFound(Out):
    """The best first."""

    items: list[Patient]


class Service(Out):
    """What can be booked, and with whom."""

    id: UUID
    clinic_id: UUID
    code: str
    name: str
    name_ar: str | None
    duration_minutes: int
    price: Money
    doctors: list[Doctor]


class Doctor(Out):
    id: UUID
    name: str
    name_ar: str | None


class Services(Out):
    items: list[Service]


class ServicesAsked(In):
    clinic: UUID | None = None


class Clinic(Out):
    id: UUID
    facility_id: UUID
    code: str
    name: str
    name_ar: str | None


class Clinics(Out):
    items: list[Clinic]


class Program(Out):
    """Whose token it is: what it may do, where."""

    id: UUID
    name: str
    facility_id: UUID | None
    scopes: list[str]
    requests_per_minute: int
    kind: Literal["program"] = "program"


Service.model_rebuild()
