"""What all shapes are made of: money, moments, texts, pages."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

FIRST_YEAR, LAST_YEAR = 1900, 2200  # the days beside them still exist
NOT_EMPTY = r"^[^\x00]*[^\s\x00][^\x00]*$"  # PostgreSQL holds no NUL
ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
SUM = r"^[0-9]{1,9}\.[0-9]{2}$"


class In(BaseModel):
    """What a program sends."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Out(BaseModel):
    """What it is answered. More fields may come: whoever reads it passes over what they don't know."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def _in_our_time(value: Any) -> Any:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
    return value


def _as_written(value: Any) -> Any:
    """Pydantic takes a number in an address for seconds since 1970."""
    if isinstance(value, str) and not ISO_DAY.fullmatch(value):
        raise ValueError("Write a day as 2026-11-21.")
    return value


Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_as_written), AfterValidator(_in_our_time)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NOT_EMPTY)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=NOT_EMPTY)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Money(Out):
    """A sum: a text with two decimals, beside its ISO 4217 currency."""

    amount: str = Field(pattern=r"^-?[0-9]+\.[0-9]{2}$", examples=["450.00"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["EGP"])


class Sum(In):
    """A sum to be taken or given back."""

    amount: Annotated[str, StringConstraints(pattern=SUM)] = Field(examples=["450.00"])
    currency: Currency = Field(examples=["EGP"])

    @property
    def value(self) -> Decimal:
        return Decimal(self.amount)


def money(amount: Decimal, currency: str) -> Money:
    return Money(amount=f"{amount:.2f}", currency=currency)


Item = TypeVar("Item", bound=Out)


class Page(Out, Generic[Item]):
    """A stretch of a list. ``next`` is the address of the following one, null at the end (also in
    ``Link``)."""

    items: list[Item]
    next: str | None = None


class Paged(In):
    """What every list may be asked."""

    limit: int = Field(50, ge=1, le=100, description="How many rows at most.")
    cursor: str | None = Field(
        None,
        min_length=1,
        max_length=500,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="Where to go on: as `next` of the page before has it.",
    )


class Problem(Out):
    """What is wrong (RFC 9457). ``type`` ends in a word that tells problems apart."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = Field(description="Names this request in the logs: tell it to support.")
    errors: list[WrongField] = Field(default_factory=list, description="What is wrong where.")
    nearest: list[FreeTime] = Field(
        default_factory=list, description="Where a time was not to be had: the free ones nearest to it."
    )


class WrongField(Out):
    pointer: str | None = Field(None, description="JSON pointer into the body (RFC 6901).")
    parameter: str | None = Field(None, description="Name of the parameter in the address.")
    header: str | None = None
    detail: str


class FreeTime(Out):
    doctor_id: str
    start_time: datetime
    end_time: datetime


Problem.model_rebuild()
