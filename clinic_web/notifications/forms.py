"""What people type about messages, as typed values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time

from werkzeug.datastructures import MultiDict

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken
from clinic_web.kernel.money import DIGITS
from clinic_web.notifications.kinds import GROUPS
from clinic_web.notifications.models import WAYS
from clinic_web.notifications.service.preferring import Wishes
from clinic_web.notifications.texts import Wording

VERSION = re.compile(r"[0-9]{1,8}")
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def read_wishes(form: MultiDict[str, str]) -> Wishes:
    """Return the wishes of a form, whose boxes say what is wanted. Raises InvalidForm."""
    errors: dict[str, DomainError] = {}
    channel = form.get("channel", "")
    if channel not in WAYS:
        errors["channel"] = RuleBroken(N_("Please choose one."))
    hours = {name: _clock(form.get(name, ""), name, errors) for name in ("quiet_from", "quiet_until")}
    if (hours["quiet_from"] is None) != (hours["quiet_until"] is None) and not errors:
        missing = "quiet_from" if hours["quiet_from"] is None else "quiet_until"
        errors[missing] = RuleBroken(N_("Please give both times, or none."))
    if errors:
        raise InvalidForm(errors)
    off = frozenset(set(GROUPS) - set(form.getlist("about")))
    return Wishes(channel=channel, off=off, version=version_of(form), **hours)


def _clock(typed: str, name: str, errors: dict[str, DomainError]) -> time | None:
    plain = typed.translate(DIGITS).strip()
    if not plain:
        return None
    found = CLOCK.fullmatch(plain[:5])
    if found is None:
        errors[name] = RuleBroken(N_("Please write a time as 22:00."))
        return None
    return time(int(found[1]), int(found[2]))


def read_wording(form: Mapping[str, str]) -> Wording:
    """Return the words of a form; a message has no blank lines at its ends."""
    subject = " ".join(form.get("subject", "").split())
    body = form.get("body", "").replace("\r\n", "\n").replace("\0", "").strip()
    return Wording(subject, body)


def version_of(form: Mapping[str, str]) -> int:
    typed = form.get("version", "0")
    return int(typed) if VERSION.fullmatch(typed) else 0
