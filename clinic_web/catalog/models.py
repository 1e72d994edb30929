"""Schema ``catalog``: one formulary, one list of tests and one charge master per organization."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
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
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel.db import Key, Model, Stamped, UnitPrice, Versioned, one_of

MEDICATION, LAB_TEST, SERVICE, PROCEDURE, OTHER = "MEDICATION", "LAB_TEST", "SERVICE", "PROCEDURE", "OTHER"
CATEGORIES = (MEDICATION, LAB_TEST, SERVICE, PROCEDURE, OTHER)


class ChargeItem(Model, Stamped, Versioned):
    """What one unit costs. ``cash_rate`` is what a patient pays where it is given, else ``base_price``."""

    __tablename__ = "charge_master"
    __table_args__ = (
        UniqueConstraint("organization_id", "item_code"),
        one_of("item_category", *CATEGORIES),
        CheckConstraint("base_price >= 0", name="base_price_positive"),
        CheckConstraint("insurance_rate_1 >= 0", name="insurance_rate_1_positive"),
        CheckConstraint("insurance_rate_2 >= 0", name="insurance_rate_2_positive"),
        CheckConstraint("cash_rate >= 0", name="cash_rate_positive"),
        {"schema": "catalog"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    item_code: Mapped[str] = mapped_column(Text)
    item_name: Mapped[str] = mapped_column(Text)
    item_name_ar: Mapped[str | None] = mapped_column(Text)
    item_category: Mapped[str] = mapped_column(Text)
    cpt_code: Mapped[str | None] = mapped_column(Text)
    base_price: Mapped[UnitPrice]
    insurance_rate_1: Mapped[Decimal | None] = mapped_column(Numeric(10, 4))
    insurance_rate_2: Mapped[Decimal | None] = mapped_column(Numeric(10, 4))
    cash_rate: Mapped[Decimal | None] = mapped_column(Numeric(10, 4))
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)

    @property
    def price(self) -> Decimal:
        """What a patient without insurance pays for one unit, with four decimals."""
        return self.base_price if self.cash_rate is None else self.cash_rate


class Medication(Model, Stamped, Versioned):
    """One product of the formulary in one strength and form; stock of it is inventory's.

    ``search_words`` is what it is found by, normalised by the service that writes the row.
    """

    __tablename__ = "medications"
    __table_args__ = (
        UniqueConstraint("organization_id", "ndc_code"),
        one_of("dea_schedule", "I", "II", "III", "IV", "V"),
        Index(
            "ix_medications_search",
            "search_words",
            postgresql_using="gin",
            postgresql_ops={"search_words": "gin_trgm_ops"},
        ),
        {"schema": "catalog"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    charge_item_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog.charge_master.id"))
    ndc_code: Mapped[str | None] = mapped_column(Text)
    drug_name: Mapped[str] = mapped_column(Text)
    drug_name_ar: Mapped[str | None] = mapped_column(Text)
    generic_name: Mapped[str | None] = mapped_column(Text)
    brand_name: Mapped[str | None] = mapped_column(Text)
    strength: Mapped[str | None] = mapped_column(Text)
    dosage_form: Mapped[str | None] = mapped_column(Text)
    route: Mapped[str | None] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text, server_default="tablet", default="tablet")
    manufacturer: Mapped[str | None] = mapped_column(Text)
    therapeutic_class: Mapped[str | None] = mapped_column(Text)
    pharmacologic_class: Mapped[str | None] = mapped_column(Text)
    is_generic: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    is_controlled_substance: Mapped[bool] = mapped_column(Boolean, server_default="false", default=False)
    dea_schedule: Mapped[str | None] = mapped_column(Text)
    discontinuation_date: Mapped[date | None] = mapped_column(Date)
    search_words: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]


class LabTest(Model, Stamped, Versioned):
    """A test of the laboratory, in slots of ``slot_minutes`` with room for ``capacity`` patients each."""

    __tablename__ = "lab_tests"
    __table_args__ = (
        UniqueConstraint("organization_id", "code"),
        CheckConstraint("slot_minutes BETWEEN 5 AND 480", name="slot_minutes_range"),
        CheckConstraint("capacity BETWEEN 0 AND 1000", name="capacity_range"),
        Index(
            "ix_lab_tests_search",
            "search_words",
            postgresql_using="gin",
            postgresql_ops={"search_words": "gin_trgm_ops"},
        ),
        {"schema": "catalog"},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    charge_item_id: Mapped[UUID | None] = mapped_column(ForeignKey("catalog.charge_master.id"))
    code: Mapped[str] = mapped_column(Text)
    loinc_code: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_ar: Mapped[str | None] = mapped_column(Text)
    specimen_type: Mapped[str | None] = mapped_column(Text)
    preparation: Mapped[str | None] = mapped_column(Text)
    preparation_ar: Mapped[str | None] = mapped_column(Text)
    turnaround_minutes: Mapped[int | None] = mapped_column(Integer)
    slot_minutes: Mapped[int] = mapped_column(SmallInteger, server_default="30", default=30)
    capacity: Mapped[int] = mapped_column(Integer, server_default="4", default=4)
    search_words: Mapped[str] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default="true", default=True)
    deleted_at: Mapped[datetime | None]
