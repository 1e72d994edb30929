"""What administrators type about users and roles, as typed values."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from clinic_web.identity.forms import read_email
from clinic_web.identity.models import ALLOW, DENY
from clinic_web.identity.permissions import BY_NATURE, PERMISSIONS
from clinic_web.identity.service.api_tokens import LONGEST, PER_MINUTE, NewToken
from clinic_web.identity.service.editing import Details
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken

LONGEST_NAME = 100
LONGEST_RATE = 4  # digits


def _line(form: Any, name: str, errors: dict[str, DomainError], *, is_required: bool = True) -> str:
    value = " ".join("".join(each for each in form.get(name, "") if each.isprintable()).split())
    if is_required and not value:
        errors[name] = RuleBroken(N_("Please fill this in."))
    elif len(value) > LONGEST_NAME:
        errors[name] = RuleBroken(N_("This is too long: %(count)s characters at most."), count=LONGEST_NAME)
    return value


def _id(form: Any, name: str, errors: dict[str, DomainError]) -> UUID | None:
    try:
        return UUID(form[name]) if form.get(name) else None
    except ValueError:
        errors[name] = RuleBroken(N_("Choose one of these."))
        return None


def _places(form: Any, errors: dict[str, DomainError]) -> frozenset[UUID]:
    """Where they may work: what is marked, and where they work now."""
    try:
        return frozenset(
            UUID(each) for each in (*form.getlist("facilities"), form.get("facility_id")) if each
        )
    except ValueError:
        errors.setdefault("facilities", RuleBroken(N_("Choose one of these.")))
        return frozenset()


def _email(form: Any, errors: dict[str, DomainError]) -> str:
    try:
        return read_email(form)
    except RuleBroken as error:
        errors["email"] = error
        return ""


def read_user(form: Any) -> Details:
    """Return the form of a user; raise InvalidForm (422) with all that is wrong."""
    errors: dict[str, DomainError] = {}
    exceptions = {
        name.removeprefix("right-"): effect
        for name, effect in form.items()
        if name.startswith("right-") and effect in (ALLOW, DENY)
    }
    roles = frozenset(form.getlist("roles"))
    if not roles:
        errors["roles"] = RuleBroken(N_("Choose at least one role."))
    wanted = Details(
        first_name=_line(form, "first_name", errors),
        last_name=_line(form, "last_name", errors),
        username=_line(form, "username", errors).lower(),
        language=form.get("language", "en"),
        facility_id=_id(form, "facility_id", errors),
        staff_id=_id(form, "staff_id", errors),
        roles=roles,
        email=_email(form, errors),
        exceptions={name: effect for name, effect in exceptions.items() if name in PERMISSIONS},
        facilities=_places(form, errors),
        because=_line(form, "because", errors, is_required=False),
    )
    if errors:
        raise InvalidForm(errors)
    return wanted


def read_token(form: Any) -> NewToken:
    """Return what a token is to be; raise InvalidForm (422). Whether it may be so, the service says."""
    errors: dict[str, DomainError] = {}
    name = _line(form, "name", errors)
    permissions = frozenset(form.getlist("permissions")) & frozenset(PERMISSIONS) - BY_NATURE
    if not permissions:
        errors["permissions"] = RuleBroken(N_("Choose at least one right."))
    days = form.get("days", "").strip()
    if not (days.isdecimal() and len(days) <= len(str(LONGEST))):
        errors["days"] = RuleBroken(N_("Between 1 and %(most)s days, please."), most=LONGEST)
    facility_id = _id(form, "facility_id", errors)
    rate = form.get("requests_per_minute", "").strip() or str(PER_MINUTE)
    if not (rate.isdecimal() and len(rate) <= LONGEST_RATE):
        errors["requests_per_minute"] = RuleBroken(N_("A whole number, please."))
    if errors:
        raise InvalidForm(errors)
    return NewToken(
        name=name,
        permissions=permissions,
        days=int(days),
        facility_id=facility_id,
        requests_per_minute=int(rate),
    )


def read_role(form: Any) -> tuple[str, str, frozenset[str]]:
    """Return a role's name, description and permissions; raise InvalidForm (422)."""
    errors: dict[str, DomainError] = {}
    name = _line(form, "name", errors)
    description = _line(form, "description", errors, is_required=False)
    permissions = frozenset(form.getlist("permissions")) & frozenset(PERMISSIONS) - BY_NATURE
    if not permissions:
        errors["permissions"] = RuleBroken(N_("Choose at least one right."))
    if errors:
        raise InvalidForm(errors)
    return name, description, permissions
