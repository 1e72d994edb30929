"""Schema ``patients``."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
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

from clinic_web.kernel.db import Key, Model, Moment, Stamped, Versioned, one_of

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
        Index(
            "ix_patients_by_registration",
            "organization_id",
            text("COALESCE(created_at, '-infinity'::timestamptz)"),
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        # Somebody of about the same age and name: the age alone leaves a thirtieth of all names to compare.
        Index(
            None,
            "organization_id",
            "date_of_birth",
            postgresql_where=text("date_of_birth IS NOT NULL"),
        ),
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
    # Whether an open link leads to or from here; a trigger keeps it (see ``holding``).
    is_linked: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)


class NumberCounter(Model):
    """The last patient number given in an organization; locked from the draw to the commit."""

    __tablename__ = "number_counters"
    __table_args__ = {"schema": "patients"}  # noqa: RUF012

    organization_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(Integer)


class PatientLink(Model):
    """Two records are one person. Nothing else says so: closing the row makes them two again.

    ``fields`` maps what is shown of the merged record instead of the survivor's own (see ``shown.py``) to
    the record it comes from. A record is merged into one other at a time; merges may follow each other.
    """

    __tablename__ = "patient_links"
    __table_args__ = (
        Index(
            "uq_patient_links_merged", "merged_id", unique=True, postgresql_where=text("closed_at IS NULL")
        ),
        Index("ix_patient_links_survivor", "survivor_id", postgresql_where=text("closed_at IS NULL")),
        CheckConstraint("survivor_id <> merged_id", name="two_records"),
        {"schema": "patients"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    survivor_id: Mapped[UUID] = mapped_column(ForeignKey("patients.patients.id"))
    merged_id: Mapped[UUID] = mapped_column(ForeignKey("patients.patients.id"))
    fields: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    reason: Mapped[str] = mapped_column(Text)
    merged_at: Mapped[Moment]
    merged_by: Mapped[UUID | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None]
    close_reason: Mapped[str | None] = mapped_column(Text)


ALLERGEN_TYPES = ("MEDICATION", "FOOD", "ENVIRONMENTAL", "OTHER")
SEVERITIES = ("MILD", "MODERATE", "SEVERE")


class Allergy(Model, Stamped):
    """What a patient must not meet. ``code`` and ``code_system`` are those of the system it came from."""

    __tablename__ = "allergies"
    __table_args__ = (
        Index(None, "patient_id"),
        UniqueConstraint("organization_id", "external_id"),
        one_of("allergen_type", *ALLERGEN_TYPES),
        one_of("severity", *SEVERITIES),
        {"schema": "patients", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.patients.id"))
    allergen_type: Mapped[str] = mapped_column(Text)
    allergen_name: Mapped[str] = mapped_column(Text)
    reaction: Mapped[str | None] = mapped_column(Text)
    severity: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    onset_date: Mapped[date | None] = mapped_column(Date)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    code: Mapped[str | None] = mapped_column(Text)
    code_system: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text)


class Condition(Model, Stamped):
    """An illness or a finding that a patient has or had; ``resolved_date`` where it is over."""

    __tablename__ = "conditions"
    __table_args__ = (
        Index(None, "patient_id"),
        UniqueConstraint("organization_id", "external_id"),
        {"schema": "patients", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.patients.id"))
    condition_name: Mapped[str] = mapped_column(Text)
    icd_10_code: Mapped[str | None] = mapped_column(Text)
    diagnosed_date: Mapped[date | None] = mapped_column(Date)
    resolved_date: Mapped[date | None] = mapped_column(Date)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    notes: Mapped[str | None] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    code_system: Mapped[str | None] = mapped_column(Text)
    external_id: Mapped[str | None] = mapped_column(Text)


KINDS = ("LIFE", "UNABLE", "COVER", "ADVICE", "OTHER")
TO_REVIEW, JUSTIFIED, NOT_JUSTIFIED, FOLLOW_UP = "TO_REVIEW", "JUSTIFIED", "NOT_JUSTIFIED", "FOLLOW_UP"
VERDICTS = (JUSTIFIED, FOLLOW_UP, NOT_JUSTIFIED)


class Emergency(Model, Versioned):
    """A chart that somebody opened who does not treat the patient: why, from when until when, and what the
    review said. The application can add a row, end and review it; all else of it stays as it was written."""

    __tablename__ = "emergencies"
    __table_args__ = (
        one_of("kind", *KINDS),
        one_of("verdict", TO_REVIEW, *VERDICTS),
        CheckConstraint("length(btrim(reason)) >= 10", name="reason_given"),
        CheckConstraint("closes_at > opened_at", name="ends_after_it_began"),
        CheckConstraint(
            "(verdict = 'TO_REVIEW') = (reviewed_by IS NULL)"
            " AND (reviewed_by IS NULL) = (reviewed_at IS NULL)",
            name="reviewed_by_somebody",
        ),
        CheckConstraint("reviewed_by <> user_id", name="reviewed_by_another"),
        Index("ix_emergencies_of_person", "user_id", "patient_id", "closes_at"),
        Index("ix_emergencies_list", "organization_id", "opened_at", "id"),
        Index(None, "patient_id"),
        {"schema": "patients", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID | None]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.patients.id"))
    user_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[Moment]
    closes_at: Mapped[Moment]
    ended_at: Mapped[datetime | None]
    verdict: Mapped[str] = mapped_column(Text, server_default=TO_REVIEW, default=TO_REVIEW)
    reviewed_by: Mapped[UUID | None]
    reviewed_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)
