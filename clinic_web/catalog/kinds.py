"""What stands in the catalogue, as data: each kind of row with the fields of its form, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clinic_web.catalog.models import CATEGORIES, ChargeItem, LabTest, Medication
from clinic_web.kernel.errors import N_

TEXT, PRICE, WHOLE, FLAG, CHOICE = "text", "price", "whole", "flag", "choice"
Row = Medication | LabTest | ChargeItem


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a form; ``name`` is the row's column, or ``price``, which is its charge's.

    ``latn``: written in Latin letters and digits in every language. ``least`` and ``most`` are of numbers.
    """

    name: str
    label: str
    kind: str = TEXT
    is_required: bool = False
    latn: bool = False
    longest: int = 200
    least: int = 0
    most: int = 100_000
    help: str = ""
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of row: ``name`` is its address below ``/catalog``, ``thing`` what the audit calls it."""

    name: str
    table: Any
    thing: str
    category: str
    title: str
    add: str
    why: str
    icon: str
    fields: tuple[Field, ...]
    naming: tuple[str, str]  # the columns of its name and its Arabic name
    found_by: tuple[str, ...]  # the columns whose words find it


CATEGORY_WORDS = {
    "MEDICATION": N_("Medicine"),
    "LAB_TEST": N_("Laboratory test"),
    "SERVICE": N_("Service"),
    "PROCEDURE": N_("Procedure"),
    "OTHER": N_("Other"),
}
FORMS = (
    ("tablet", N_("tablet")),
    ("capsule", N_("capsule")),
    ("ml", N_("ml")),
    ("ampoule", N_("ampoule")),
    ("vial", N_("vial")),
    ("sachet", N_("sachet")),
    ("tube", N_("tube")),
    ("bottle", N_("bottle")),
    ("inhaler", N_("inhaler")),
    ("pen", N_("pen")),
    ("suppository", N_("suppository")),
    ("piece", N_("piece")),
)
PRICE_FIELD = Field(
    name="price",
    label=N_("Price of one"),
    kind=PRICE,
    latn=True,
    help=N_("What a patient pays for one unit. Left empty, it can't be billed."),
)
IN_USE = Field(name="is_active", label=N_("In use"), kind=FLAG, default="1")

MEDICATIONS = Kind(
    name="medications",
    table=Medication,
    thing="medication",
    category="MEDICATION",
    title=N_("Formulary"),
    add=N_("Add a medicine"),
    why=N_("What can be prescribed, and what one tablet or millilitre costs."),
    icon="capsule",
    naming=("drug_name", "drug_name_ar"),
    found_by=("drug_name", "strength", "drug_name_ar", "generic_name", "brand_name", "ndc_code"),
    fields=(
        Field(name="drug_name", label=N_("Name"), is_required=True),
        Field(name="drug_name_ar", label=N_("Name in Arabic")),
        Field(name="strength", label=N_("Strength"), latn=True, longest=60, help=N_("Such as 500 mg.")),
        Field(name="dosage_form", label=N_("Form"), longest=60, help=N_("Such as tablet, syrup, eye drops.")),
        Field(
            name="unit",
            label=N_("Counted in"),
            kind=CHOICE,
            choices=FORMS,
            is_required=True,
            default="tablet",
            help=N_("Orders and stock count in it."),
        ),
        Field(name="generic_name", label=N_("Generic name")),
        Field(name="brand_name", label=N_("Brand")),
        Field(name="manufacturer", label=N_("Maker")),
        Field(name="ndc_code", label=N_("Product code"), latn=True, longest=40),
        PRICE_FIELD,
        Field(name="is_controlled_substance", label=N_("Controlled substance"), kind=FLAG),
        IN_USE,
    ),
)
LAB_TESTS = Kind(
    name="tests",
    table=LabTest,
    thing="lab_test",
    category="LAB_TEST",
    title=N_("Laboratory tests"),
    add=N_("Add a test"),
    why=N_("What the laboratory offers, how long a test takes and how many fit into one time."),
    icon="clipboard2-pulse",
    naming=("name", "name_ar"),
    found_by=("code", "name", "name_ar", "loinc_code"),
    fields=(
        Field(name="code", label=N_("Short code"), latn=True, longest=20, is_required=True),
        Field(name="name", label=N_("Name"), is_required=True),
        Field(name="name_ar", label=N_("Name in Arabic")),
        Field(name="specimen_type", label=N_("Specimen"), longest=60, help=N_("Such as blood or urine.")),
        Field(name="preparation", label=N_("Preparation"), help=N_("What the patient is told before.")),
        Field(name="preparation_ar", label=N_("Preparation in Arabic")),
        Field(name="slot_minutes", label=N_("Minutes"), kind=WHOLE, least=5, most=480, default="30"),
        Field(name="capacity", label=N_("Patients at a time"), kind=WHOLE, most=1000, default="4"),
        Field(name="loinc_code", label="LOINC", latn=True, longest=20),
        PRICE_FIELD,
        IN_USE,
    ),
)
CHARGES = Kind(
    name="charges",
    table=ChargeItem,
    thing="charge_item",
    category="OTHER",
    title=N_("Charge master"),
    add=N_("Add a charge"),
    why=N_("What one unit of anything costs; bills of orders are priced from it."),
    icon="receipt",
    naming=("item_name", "item_name_ar"),
    found_by=("item_code", "item_name", "item_name_ar"),
    fields=(
        Field(name="item_code", label=N_("Short code"), latn=True, longest=40, is_required=True),
        Field(name="item_name", label=N_("Name"), is_required=True),
        Field(name="item_name_ar", label=N_("Name in Arabic")),
        Field(
            name="item_category",
            label=N_("Kind"),
            kind=CHOICE,
            choices=tuple((each, CATEGORY_WORDS[each]) for each in CATEGORIES),
            is_required=True,
            default="PROCEDURE",
        ),
        Field(name="base_price", label=N_("Price"), kind=PRICE, latn=True, is_required=True),
        Field(
            name="cash_rate",
            label=N_("Cash price"),
            kind=PRICE,
            latn=True,
            help=N_("What a patient without insurance pays, where that differs."),
        ),
        Field(name="insurance_rate_1", label=N_("Insurance price 1"), kind=PRICE, latn=True),
        Field(name="insurance_rate_2", label=N_("Insurance price 2"), kind=PRICE, latn=True),
        IN_USE,
    ),
)
KINDS = {each.name: each for each in (MEDICATIONS, LAB_TESTS, CHARGES)}
PRICES = ("base_price", "cash_rate", "insurance_rate_1", "insurance_rate_2")
