"""Signing in with a password. Who has a second factor is let in by that alone: the password opens its page.

A known and an unknown user name meet the same statements, the same hashing and the same sentence.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import text

from clinic_web.identity import doors, passwords
from clinic_web.identity.kinds import STAFF, kept
from clinic_web.identity.service import challenges, devices, tries
from clinic_web.identity.service.sessions import open_session
from clinic_web.identity.service.tries import (
    NOWHERE,
    Source,
    TooManyTries,
    Try,
    delay_after,
    normal,
)
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, Busy, RuleBroken
from clinic_web.kernel.unit_of_work import transaction

__all__ = ["Entry", "SignInRefused", "TooManyTries", "delay_after", "normal", "sign_in"]

logger = structlog.get_logger(__name__)

REHASH = text("UPDATE identity.users SET password_hash = :new WHERE id = :user_id AND password_hash = :old")


class SignInRefused(RuleBroken):
    """The sign-in failed (422); why is nobody's business."""

    def __init__(self) -> None:
        super().__init__(N_("The user name or the password is not right."))


@dataclass(frozen=True)
class Entry:
    """What the right password gives: the token of a session, or of the page that asks for more."""

    session: str | None = None
    second_step: str | None = None


def sign_in(username: str, password: str, source: Source = NOWHERE, *, kind: str = STAFF) -> Entry:
    """Return what the password opens at the door of this ``kind`` of people.

    Raises SignInRefused (422), TooManyTries (429), Busy (503) when too many others are signing in.
    """
    typed = kept(normal(username), kind)
    with doors.of_username(typed):
        one = tries.count(typed, source)
        if not _is_right(one, password):
            logger.info("sign_in_failed", attempt_id=str(one.id), failures=one.failures)
            raise tries.refusal(one, SignInRefused())
        return _welcome(one, password, source)


def _is_right(one: Try, password: str) -> bool:
    try:
        return passwords.matches(one.password_hash, password)
    except Busy:
        tries.forget(one)
        raise


def _welcome(one: Try, password: str, source: Source) -> Entry:
    assert one.person is not None and one.organization_id is not None and one.password_hash is not None  # noqa: S101 - only then a password is right
    new_hash = passwords.hashed(password) if passwords.is_outdated(one.password_hash) else None
    with transaction():
        if new_hash:
            db.session.execute(REHASH, {"new": new_hash, "old": one.password_hash, "user_id": one.person})
        if one.has_factor:
            tries.half_way(one)
            return Entry(second_step=challenges.begin_second_step(one, source))
        tries.succeeded(one)
        devices.note(one.organization_id, one.person, source)
        return Entry(session=open_session(one.person, source))
