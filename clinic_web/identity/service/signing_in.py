"""Signing in. Every try is written down before its password is looked at, so that fifty tries at once are
fifty tries; a growing delay, kept in PostgreSQL, makes guessing hopeless and nobody is locked out for good.

A known and an unknown user name meet the same statements, the same hashing and the same sentence.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import structlog
from sqlalchemy import Row, text

from clinic_web.identity import passwords
from clinic_web.identity.models import ACTIVE
from clinic_web.identity.service.sessions import open_session
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, Busy, DomainError, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

logger = structlog.get_logger(__name__)

# The fifth failure in a row is answered with a delay; each further one doubles it.
DELAYED_FROM = 5
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=15)
MOST_DOUBLINGS = 10
FORGOTTEN_AFTER = timedelta(days=1)
LONGEST_USERNAME = 200
A_MINUTE_AND_A_HALF = 90

UNKNOWN, INACTIVE, WRONG_PASSWORD = "UNKNOWN", "INACTIVE", "WRONG_PASSWORD"

# Tries of one name stand in line while they are counted (milliseconds), never while a password is hashed.
IN_LINE = text("SELECT pg_advisory_xact_lock(hashtextextended('identity.sign_in:' || :typed, 0))")
PERSON = text(
    "SELECT id, password_hash, status FROM identity.users"
    " WHERE lower(username) = :typed AND deleted_at IS NULL"
)
FAILURES = text(
    """
    SELECT count(*), max(attempted_at) FROM identity.login_attempts
     WHERE email = :name AND NOT success AND attempted_at > :since
       AND attempted_at > COALESCE((SELECT max(attempted_at) FROM identity.login_attempts
                                     WHERE email = :name AND success AND attempted_at > :since), '-infinity')
    """
)
TRY = text(
    "INSERT INTO identity.login_attempts (id, email, ip_address, success, reason, attempted_at)"
    " VALUES (:id, :name, :ip_address, false, :reason, :now)"
)
COUNT = text(
    "UPDATE identity.users SET failed_login_attempts = :failures, last_failed_login_at = :now"
    " WHERE id = :user_id"
)
SUCCEEDED = text("UPDATE identity.login_attempts SET success = true, reason = NULL WHERE id = :id")
WELCOME = text(
    "UPDATE identity.users SET failed_login_attempts = 0, last_login_at = :now WHERE id = :user_id"
)
NEVER_TRIED = text("DELETE FROM identity.login_attempts WHERE id = :id")
REHASH = text("UPDATE identity.users SET password_hash = :new WHERE id = :user_id AND password_hash = :old")


class SignInRefused(RuleBroken):
    """The sign-in failed (422); why is nobody's business."""

    def __init__(self) -> None:
        super().__init__(N_("The user name or the password is not right."))


class TooManyTries(DomainError):
    """Too many failures in a row (429); ``seconds`` until the next try is looked at."""

    status: ClassVar[int] = 429

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, math.ceil(wait.total_seconds()))
        if self.seconds < A_MINUTE_AND_A_HALF:
            super().__init__(N_("Too many tries. Please try again in %(seconds)s s."), seconds=self.seconds)
        else:
            super().__init__(
                N_("Too many tries. Please try again in %(minutes)s min."),
                minutes=math.ceil(self.seconds / 60),
            )


@dataclass(frozen=True)
class Try:
    """One try to sign in, already counted as a failure; ``person`` is None where nobody may sign in."""

    id: UUID
    person: UUID | None
    password_hash: str | None
    failures: int


def sign_in(
    username: str, password: str, *, ip_address: str | None = None, user_agent: str | None = None
) -> str:
    """Return the token of a new session.

    Raises SignInRefused (422), TooManyTries (429), Busy (503) when too many others are signing in.
    """
    one = _count_try(normal(username), ip_address)
    if not _is_right(one, password):
        logger.info("sign_in_failed", attempt_id=str(one.id), failures=one.failures)
        raise _refusal(one.failures)
    return _welcome(one, password, ip_address, user_agent)


def normal(username: str) -> str:
    """Return the user name as it is kept and compared: small letters, trimmed, no control characters."""
    return re.sub(r"[\x00-\x1f\x7f]", "", username).strip().lower()[:LONGEST_USERNAME]


def delay_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: 5 s, then twice as long each time."""
    if failures < DELAYED_FROM:
        return timedelta(0)
    doubled = 1 << min(failures - DELAYED_FROM, MOST_DOUBLINGS)
    return min(FIRST_DELAY * doubled, LONGEST_DELAY)


def _count_try(typed: str, ip_address: str | None) -> Try:
    """Write the try down as a failure, or refuse to look at it. It commits before the password is hashed."""
    now = clock.now()
    with transaction():
        db.session.execute(IN_LINE, {"typed": typed})
        person = db.session.execute(PERSON, {"typed": typed}).first()
        name = typed if person else _digest(typed)
        failures, last = db.session.execute(FAILURES, {"name": name, "since": now - FORGOTTEN_AFTER}).one()
        _require_patience(failures, last, now)
        one = _try_of(person, failures + 1)
        reason = UNKNOWN if person is None else INACTIVE if one.person is None else WRONG_PASSWORD
        db.session.execute(
            TRY, {"id": one.id, "name": name, "ip_address": ip_address, "reason": reason, "now": now}
        )
        db.session.execute(
            COUNT, {"failures": one.failures, "now": now, "user_id": person.id if person else None}
        )
    return one


def _require_patience(failures: int, last: datetime | None, now: datetime) -> None:
    if last is not None and (wait := last + delay_after(failures) - now) > timedelta(0):
        raise TooManyTries(wait)


def _try_of(person: Row[Any] | None, failures: int) -> Try:
    if person is None or person.status != ACTIVE or person.password_hash is None:
        return Try(new_id(), None, None, failures)
    return Try(new_id(), person.id, person.password_hash, failures)


def _digest(typed: str) -> str:
    """People type passwords into the wrong field: of a name that is nobody's only a digest is kept."""
    return "sha256:" + hashlib.sha256(typed.encode()).hexdigest()


def _is_right(one: Try, password: str) -> bool:
    try:
        return passwords.matches(one.password_hash, password)
    except Busy:
        with transaction():
            db.session.execute(NEVER_TRIED, {"id": one.id})
        raise


def _refusal(failures: int) -> DomainError:
    wait = delay_after(failures)
    return TooManyTries(wait) if wait else SignInRefused()


def _welcome(one: Try, password: str, ip_address: str | None, user_agent: str | None) -> str:
    assert one.person is not None and one.password_hash is not None  # noqa: S101 - only then a password is right
    new_hash = passwords.hashed(password) if passwords.is_outdated(one.password_hash) else None
    with transaction():
        db.session.execute(SUCCEEDED, {"id": one.id})
        db.session.execute(WELCOME, {"now": clock.now(), "user_id": one.person})
        if new_hash:
            db.session.execute(REHASH, {"new": new_hash, "old": one.password_hash, "user_id": one.person})
        return open_session(one.person, ip_address=ip_address, user_agent=user_agent)
