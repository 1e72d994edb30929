"""What people type on the pages of identity, as typed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken

LONGEST_PATH = 2000
BLANK_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")
ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@[^\s@<>\"(),:;\[\]\\]+\.[^\s@<>\"(),:;\[\]\\.]{2,}")
LONGEST_ADDRESS = 254
NOWHERE_TO_GO_BACK = ("/login", "/logout", "/login/second", "/account/prove")


@dataclass(frozen=True)
class SignInForm:
    username: str
    password: str


@dataclass(frozen=True)
class SettingsForm:
    """What somebody chose; None for what the form did not ask."""

    language: str | None
    theme: str | None


def read_sign_in(form: Mapping[str, str]) -> SignInForm:
    """Return what was typed. Raises InvalidForm when a field is empty."""
    errors: dict[str, DomainError] = {}
    if not form.get("username", "").strip():
        errors["username"] = RuleBroken(N_("Please type your user name."))
    if not form.get("password"):
        errors["password"] = RuleBroken(N_("Please type your password."))
    if errors:
        raise InvalidForm(errors)
    return SignInForm(form["username"], form["password"])


@dataclass(frozen=True)
class PasswordForm:
    current: str
    new: str


def read_password(form: Mapping[str, str]) -> PasswordForm:
    """Return the present and the new password. Raises InvalidForm: empty, or not typed alike twice."""
    errors: dict[str, DomainError] = {}
    current, new = form.get("current", ""), form.get("password", "")
    if not current:
        errors["current"] = RuleBroken(N_("Please type your present password."))
    if not new:
        errors["password"] = RuleBroken(N_("Please type a new password."))
    elif new != form.get("again", ""):
        errors["again"] = RuleBroken(N_("The two are not alike."))
    if errors:
        raise InvalidForm(errors)
    return PasswordForm(current, new)


def read_new_password(form: Mapping[str, str]) -> str:
    """Return the chosen password. Raises InvalidForm: empty, or not typed alike twice."""
    errors: dict[str, DomainError] = {}
    chosen = form.get("password", "")
    if not chosen:
        errors["password"] = RuleBroken(N_("Please type a new password."))
    elif chosen != form.get("again", ""):
        errors["again"] = RuleBroken(N_("The two are not alike."))
    if errors:
        raise InvalidForm(errors)
    return chosen


def read_email(form: Mapping[str, str]) -> str:
    """Return an e-mail address in small letters, or nothing. Raises RuleBroken (422, field ``email``)."""
    typed = form.get("email", "").strip().lower()
    if typed and not (ADDRESS.fullmatch(typed) and len(typed) <= LONGEST_ADDRESS):
        raise RuleBroken(N_("Please type an address such as amina@example.org."), field="email")
    return typed


def read_settings(form: Mapping[str, str]) -> SettingsForm:
    return SettingsForm(form.get("locale") or None, form.get("theme") or None)


def same_origin_path(target: str | None) -> str | None:
    """Return ``target`` if it is a path of ours to go back to, None otherwise.

    Browsers drop tabs and line ends and read ``\\`` as ``/``, so ``/\\t/evil.example`` would leave the house.
    """
    if not target or len(target) > LONGEST_PATH or not target.startswith("/") or target.startswith("//"):
        return None
    if "\\" in target or BLANK_OR_CONTROL.search(target):
        return None
    path = urlsplit(target).path
    return None if path in NOWHERE_TO_GO_BACK else target
