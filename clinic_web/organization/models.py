"""Schema ``organization``."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Moment, Stamped, UnitPrice, Versioned, one_of

DOCTOR = "DOCTOR"
PROFESSIONS = (DOCTOR, "NURSE", "RECEPTIONIST", "CASHIER", "PHARMACIST", "LAB_TECHNICIAN", "MANAGER", "OTHER")

VACATION, SICK, TRAINING, OTHER, SESSION_CANCELLED = (
    "VACATION",
    "SICK",
    "TRAINING",
    "OTHER",
    "SESSION_CANCELLED",
)
LEAVE_KINDS = (VACATION, SICK, TRAINING, OTHER, SESSION_CANCELLED)


class Organization(Model, Stamped, Versioned):
    """The tenant: a medical centre or a group of them."""

    __tablename__ = "organizations"
    __table_args__ = {"schema": "organization"}  # noqa: RUF012

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(Text)
    name_ar: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text, unique=True)
    is_demo: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    # The first-run wizard made it and has not reached its last page yet.
    is_being_set_up: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    deleted_at: Mapped[datetime | None]


class Facility(Model, Stamped, Versioned):
    """A location with its time zone (IANA name), currency (ISO 4217) and languages, the leading one first."""

    __tablename__ = "facilities"
    __table_args__ = (UniqueConstraint("organization_id", "code"), {"schema": "organization"})

    id: Mapped[Key]
    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.organizations.id"))
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_ar: Mapped[str | None] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    languages: Mapped[list[Any]]
    phone_country: Mapped[str] = mapped_column(Text, server_default="EG", default="EG")
    phone: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    address_ar: Mapped[str | None] = mapped_column(Text)
    # The tax card, the commercial register: what the law wants on receipts, as it is to be printed.
    registration: Mapped[str | None] = mapped_column(Text)
    registration_ar: Mapped[str | None] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class Department(Model, Stamped, Versioned):
    __tablename__ = "departments"
    __table_args__ = (UniqueConstraint("facility_id", "code"), {"schema": "organization"})

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("organization.facilities.id"))
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_ar: Mapped[str | None] = mapped_column(Text)
    head_staff_id: Mapped[UUID | None]
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class Clinic(Model, Stamped, Versioned):
    """An outpatient unit (dental, paediatrics). Its queue and the queue's policy are reception's."""

    __tablename__ = "clinics"
    __table_args__ = (
        UniqueConstraint("facility_id", "code"),
        UniqueConstraint("organization_id", "external_id"),
        {"schema": "organization"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("organization.facilities.id"))
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.departments.id"))
    code: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_ar: Mapped[str | None] = mapped_column(Text)
    sort_order: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    external_id: Mapped[str | None] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class Room(Model, Stamped, Versioned):
    """A door with a sign: ``name`` is what is written on it."""

    __tablename__ = "rooms"
    __table_args__ = (UniqueConstraint("facility_id", "name"), {"schema": "organization"})

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("organization.facilities.id"))
    clinic_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.clinics.id"))
    name: Mapped[str] = mapped_column(Text)
    floor: Mapped[str | None] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class Staff(Model, Stamped, Versioned):
    """A person who works here. A doctor's ``share_percent`` (of 100) is the rule where a service has none.

    ``short_name`` is how the door, the board and the list call the person ("Dr Salma"). ``room_id`` is the
    usual room.
    """

    __tablename__ = "staff"
    __table_args__ = (
        one_of("profession", *PROFESSIONS),
        CheckConstraint("share_percent BETWEEN 0 AND 100", name="share_percent_range"),
        UniqueConstraint("organization_id", "external_id"),
        {"schema": "organization"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID] = mapped_column(index=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("organization.facilities.id"))
    department_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.departments.id"))
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.rooms.id"))
    profession: Mapped[str] = mapped_column(Text)
    specialty: Mapped[str | None] = mapped_column(Text)
    first_name: Mapped[str] = mapped_column(Text)
    last_name: Mapped[str] = mapped_column(Text)
    first_name_ar: Mapped[str | None] = mapped_column(Text)
    last_name_ar: Mapped[str | None] = mapped_column(Text)
    short_name: Mapped[str] = mapped_column(Text)
    short_name_ar: Mapped[str | None] = mapped_column(Text)
    gender: Mapped[str | None] = mapped_column(Text)
    license_number: Mapped[str | None] = mapped_column(Text)
    phone: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    share_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2), server_default="0", default=Decimal(0))
    share_rule_version: Mapped[int] = mapped_column(Integer, server_default="1", default=1)
    external_id: Mapped[str | None] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class StaffClinic(Model):
    """In which clinics a person works."""

    __tablename__ = "staff_clinics"
    __table_args__ = (Index(None, "clinic_id"), {"schema": "organization"})

    staff_id: Mapped[UUID] = mapped_column(ForeignKey("organization.staff.id"), primary_key=True)
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("organization.clinics.id"), primary_key=True)


class Service(Model, Stamped, Versioned):
    """What is booked. ``share_percent`` is the doctor's part of 100; null: the doctor's own rule.

    ``share_rule_version`` is frozen with each payment, so that a later change of the rule moves no money.
    """

    __tablename__ = "services"
    __table_args__ = (
        UniqueConstraint("clinic_id", "code"),
        CheckConstraint("duration_minutes BETWEEN 5 AND 480", name="duration_range"),
        CheckConstraint("price >= 0", name="price_positive"),
        CheckConstraint("share_percent BETWEEN 0 AND 100", name="share_percent_range"),
        {"schema": "organization"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("organization.clinics.id"))
    code: Mapped[str] = mapped_column(Text)
    charge_code: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_ar: Mapped[str | None] = mapped_column(Text)
    duration_minutes: Mapped[int] = mapped_column(Integer)
    price: Mapped[UnitPrice]
    share_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    share_rule_version: Mapped[int] = mapped_column(Integer, server_default="1", default=1)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class ServiceTerms(Model):
    """What a service cost, and how it was shared, from ``valid_from`` until the next row; never edited."""

    __tablename__ = "service_terms"
    __table_args__ = (Index(None, "service_id", "valid_from"), {"schema": "organization"})

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    service_id: Mapped[UUID] = mapped_column(ForeignKey("organization.services.id"))
    price: Mapped[UnitPrice]
    share_percent: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    share_rule_version: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[Moment]
    created_by: Mapped[UUID | None]


class StaffShare(Model):
    """A doctor's own share from ``valid_from`` until the next row: written, never edited."""

    __tablename__ = "staff_shares"
    __table_args__ = (Index(None, "staff_id", "valid_from"), {"schema": "organization"})

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("organization.staff.id"))
    share_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    share_rule_version: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[Moment]
    created_by: Mapped[UUID | None]


class WorkingHours(Model, Stamped):
    """When a doctor sees patients in a clinic: local times of a weekday (0 = Monday) in a span of days."""

    __tablename__ = "working_hours"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_range"),
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        Index(None, "staff_id", "weekday"),
        Index(None, "clinic_id", "weekday"),
        {"schema": "organization"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("organization.staff.id"))
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("organization.clinics.id"))
    room_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.rooms.id"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    starts_at: Mapped[time] = mapped_column(Time)
    ends_at: Mapped[time] = mapped_column(Time)
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)


class StaffLeave(Model, Stamped):
    """When a person sees nobody: leave, or a session that was cancelled (``clinic_id``: only there).

    Working hours stay as they are; ``shifts`` leaves the span out. Taken back, it stays with ``removed_at``.
    """

    __tablename__ = "staff_leave"
    __table_args__ = (
        one_of("kind", *LEAVE_KINDS),
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        Index("ix_staff_leave_span", "staff_id", "starts_at", postgresql_where=text("removed_at IS NULL")),
        {"schema": "organization"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    staff_id: Mapped[UUID] = mapped_column(ForeignKey("organization.staff.id"))
    clinic_id: Mapped[UUID | None] = mapped_column(ForeignKey("organization.clinics.id"))
    starts_at: Mapped[Moment]
    ends_at: Mapped[Moment]
    kind: Mapped[str] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    removed_at: Mapped[datetime | None]
