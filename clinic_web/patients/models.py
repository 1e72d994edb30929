"""Schema ``patients``."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Stamped, Versioned, one_of

GENDERS = ("MALE", "FEMALE", "OTHER", "UNKNOWN")


class Patient(Model, Stamped, Versioned):
    """A patient. Address, last name and birth date may be unknown at a desk.

    ``search_name`` and ``phone_digits`` are normalised copies (see ``patients/names.py``) that only look-ups
    read. A phone is unique in its organization, except for a dependant (``guardian_id``) and an adult who
    shares one (``phone_of_id``): those keep no phone of their own.
    """

    __tablename__ = "patients"
    __table_args__ = (
        UniqueConstraint("organization_id", "patient_number"),
        UniqueConstraint("organization_id", "external_id"),
        Index(
            "uq_patients_phone",
            "organization_id",
            "phone_digits",
            unique=True,
            postgresql_where=text("phone_digits IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index(
            "ix_patients_search_name",
            "search_name",
            postgresql_using="gin",
            postgresql_ops={"search_name": "gin_trgm_ops"},
        ),
        Index(
            "ix_patients_search_prefix",
            "organization_id",
            "search_name",
            postgresql_ops={"search_name": "text_pattern_ops"},
        ),
        Index(
            "ix_patients_phone_prefix",
            "organization_id",
            "phone_digits",
            postgresql_ops={"phone_digits": "text_pattern_ops"},
        ),
        # The last digits are what people remember: read backwards they are a beginning.
        Index(
            "ix_patients_phone_suffix",
            "organization_id",
            text("reverse(phone_digits) text_pattern_ops"),
            postgresql_where=text("phone_digits IS NOT NULL"),
        ),
        Index(
            "ix_patients_by_name",
            "organization_id",
            "search_name",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_patients_by_birth",
            "organization_id",
            text("COALESCE(date_of_birth, '0001-01-01'::date)"),
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(None, "guardian_id", postgresql_where=text("guardian_id IS NOT NULL")),
        Index(None, "phone_of_id", postgresql_where=text("phone_of_id IS NOT NULL")),
        Index(None, "organization_id", "gender"),
        Index(None, "organization_id", "created_at"),
        one_of("gender", *GENDERS),
        CheckConstraint("guardian_id <> id AND phone_of_id <> id", name="not_their_own_guardian"),
        {"schema": "patients"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    patient_number: Mapped[str] = mapped_column(Text)
    first_name: Mapped[str] = mapped_column(Text)
    middle_name: Mapped[str | None] = mapped_column(Text)
    last_name: Mapped[str | None] = mapped_column(Text)
    search_name: Mapped[str] = mapped_column(Text)
    date_of_birth: Mapped[date | None] = mapped_column(Date)
    date_of_birth_estimated: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    gender: Mapped[str] = mapped_column(Text)
    phone_primary: Mapped[str | None] = mapped_column(Text)
    phone_secondary: Mapped[str | None] = mapped_column(Text)
    phone_digits: Mapped[str | None] = mapped_column(Text)
    phone_of_id: Mapped[UUID | None] = mapped_column(ForeignKey("patients.patients.id"))
    guardian_id: Mapped[UUID | None] = mapped_column(ForeignKey("patients.patients.id"))
    email: Mapped[str | None] = mapped_column(Text)
    address_line1: Mapped[str | None] = mapped_column(Text)
    address_line2: Mapped[str | None] = mapped_column(Text)
    city: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)
    zip_code: Mapped[str | None] = mapped_column(Text)
    country: Mapped[str | None] = mapped_column(Text)
    language_preference: Mapped[str | None] = mapped_column(Text)
    allow_generic_substitution: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    medical_history: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class NumberCounter(Model):
    """The last patient number given in an organization; locked from the draw to the commit."""

    __tablename__ = "number_counters"
    __table_args__ = {"schema": "patients"}  # noqa: RUF012

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(Integer)
