"""What people type about medicines, tests and prices, as typed values; a sentence for each wrong field."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from clinic_web.catalog.kinds import CHOICE, FLAG, PRICE, WHOLE, Field, Kind
from clinic_web.kernel import money
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken

PLACES = Decimal("0.0001")
LARGEST = Decimal(999_999)


def typed_in(kind: Kind, form: Mapping[str, str]) -> dict[str, str]:
    """Return what stood in the form's fields, to be shown again as it was typed."""
    return {each.name: " ".join(form.get(each.name, "").split()) for each in kind.fields}


def read(kind: Kind, typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of a form; raise InvalidForm (422) with a sentence for each wrong field."""
    values: dict[str, Any] = {}
    errors: dict[str, DomainError] = {}
    for field in kind.fields:
        try:
            values[field.name] = _read(field, typed[field.name])
        except RuleBroken as error:
            errors[field.name] = error
    if errors:
        raise InvalidForm(errors)
    return values


def shown(kind: Kind, values: Mapping[str, Any]) -> dict[str, str]:
    """Return a row's values as its form shows them."""
    return {each.name: as_text(values[each.name]) for each in kind.fields}


def as_text(value: Any) -> str:
    """Return one value as a field shows it: prices without idle zeros, but with their cents."""
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, Decimal):
        whole = value.quantize(money.CENT)
        return str(whole) if whole == value else str(value.normalize())
    return str(value)


def _read(field: Field, typed: str) -> Any:
    if field.kind == FLAG:
        return bool(typed)
    if not typed:
        if field.is_required:
            raise RuleBroken(N_("Please fill this in."))
        return int(field.default) if field.kind == WHOLE else None
    if field.kind == PRICE:
        return _price(typed)
    if field.kind == WHOLE:
        return _whole(field, typed)
    if field.kind == CHOICE and typed not in dict(field.choices):
        raise RuleBroken(N_("Please choose one of these."))
    if len(typed) > field.longest:
        raise RuleBroken(N_("This is too long: %(most)s letters at most."), most=field.longest)
    return typed


def _price(typed: str) -> Decimal:
    plain = typed.translate(money.DIGITS).replace(",", "")
    if not plain.replace(".", "", 1).isdigit() or Decimal(plain) > LARGEST:
        raise RuleBroken(N_("This is not an amount. Write it as 400 or 400.50."))
    price = Decimal(plain)
    if price != price.quantize(PLACES):
        raise RuleBroken(N_("A price has four decimals at most."))
    return price.quantize(PLACES)


def _whole(field: Field, typed: str) -> int:
    plain = typed.translate(money.DIGITS)
    if not plain.isdigit() or not field.least <= int(plain) <= field.most:
        raise RuleBroken(N_("A whole number from %(least)s to %(most)s."), least=field.least, most=field.most)
    return int(plain)
