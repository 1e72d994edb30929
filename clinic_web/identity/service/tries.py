"""Tries to get in, whatever is tried: a password or the code of a second factor.

Every try is written down before what was typed is looked at, so that fifty at once are fifty tries; a growing
delay, kept in PostgreSQL, makes guessing hopeless and nobody is locked out for good. The tries of a device
that the person has used before are counted apart: whoever guesses from elsewhere delays only themselves.

A known and an unknown user name meet the same statements.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, text

from clinic_web.identity.models import ACTIVE, LoginAttempt, User
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

# The fifth failure in a row is answered with a delay; each further one doubles it.
DELAYED_FROM = 5
FIRST_DELAY = timedelta(seconds=5)
LONGEST_DELAY = timedelta(minutes=15)
MOST_DOUBLINGS = 10
FORGOTTEN_AFTER = timedelta(days=1)
LONGEST_USERNAME = 200
A_MINUTE_AND_A_HALF = 90

UNKNOWN, INACTIVE, WRONG_PASSWORD = "UNKNOWN", "INACTIVE", "WRONG_PASSWORD"
WRONG_CODE, WRONG_PASSKEY = "WRONG_CODE", "WRONG_PASSKEY"
HALF = "HALF"  # the password was right, the second factor is awaited: neither a failure nor a success
LET_IN = "LET_IN"  # an administrator forgave the failures before this moment
UNCOUNTED = f"('{HALF}', '{WRONG_PASSKEY}')"  # nobody guesses a signature

# Tries of one name stand in line while they are counted (milliseconds), never while a password is hashed.
IN_LINE = text("SELECT pg_advisory_xact_lock(hashtextextended('identity.sign_in:' || :typed, 0))")
PERSON = text(
    """
    SELECT u.id, u.organization_id, u.password_hash, u.status,
           EXISTS (SELECT FROM identity.factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
               AS has_factor,
           (SELECT d.id FROM identity.devices d WHERE d.user_id = u.id AND d.fingerprint = :device)
               AS device_id
      FROM identity.users u WHERE lower(u.username) = :typed AND u.deleted_at IS NULL
    """
)
FAILURES = text(
    f"""
    SELECT count(*), max(attempted_at) FROM identity.login_attempts
     WHERE email = :name AND NOT success AND attempted_at > :since
       AND device_id IS NOT DISTINCT FROM :device_id AND COALESCE(reason, '') NOT IN {UNCOUNTED}
       AND attempted_at > COALESCE((SELECT max(attempted_at) FROM identity.login_attempts
                                     WHERE email = :name AND success AND attempted_at > :since
                                       AND (device_id IS NOT DISTINCT FROM :device_id
                                            OR reason = '{LET_IN}')), '-infinity')
    """  # noqa: S608 - constants of the program
)
TRY = text(
    "INSERT INTO identity.login_attempts (id, email, ip_address, success, reason, device_id, attempted_at)"
    " VALUES (:id, :name, :ip_address, false, :reason, :device_id, :now)"
)
COUNT = text(
    "UPDATE identity.users SET failed_login_attempts = :failures, last_failed_login_at = :now"
    " WHERE id = :user_id"
)
SUCCEEDED = text("UPDATE identity.login_attempts SET success = true, reason = NULL WHERE id = :id")
HALF_WAY = text(f"UPDATE identity.login_attempts SET reason = '{HALF}' WHERE id = :id")  # noqa: S608
WELCOME = text(
    "UPDATE identity.users SET failed_login_attempts = 0, last_login_at = :now WHERE id = :user_id"
)
NEVER_TRIED = text("DELETE FROM identity.login_attempts WHERE id = :id")


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


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a try comes from; ``device`` is the fingerprint of the browser's device cookie, if it has one."""

    ip_address: str | None = None
    user_agent: str | None = None
    device: str | None = None


NOWHERE = Source()


@dataclass(frozen=True, kw_only=True)
class Try:
    """One try, already counted as a failure; ``person`` is None where nobody may sign in."""

    id: UUID
    failures: int
    person: UUID | None = None
    organization_id: UUID | None = None
    password_hash: str | None = None
    has_factor: bool = False


def normal(username: str) -> str:
    """Return the user name as it is kept and compared: small letters, trimmed, no control characters."""
    return re.sub(r"[\x00-\x1f\x7f]", "", username).strip().lower()[:LONGEST_USERNAME]


def delay_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: 5 s, then twice as long each time."""
    if failures < DELAYED_FROM:
        return timedelta(0)
    doubled = 1 << min(failures - DELAYED_FROM, MOST_DOUBLINGS)
    return min(FIRST_DELAY * doubled, LONGEST_DELAY)


def count(typed: str, source: Source, *, reason: str = WRONG_PASSWORD) -> Try:
    """Write the try down as a failure for ``reason``, or refuse to look at it (TooManyTries). It commits."""
    now = clock.now()
    with transaction():
        db.session.execute(IN_LINE, {"typed": typed})
        person = db.session.execute(PERSON, {"typed": typed, "device": source.device}).first()
        name, device_id = (typed, person.device_id) if person else (digest(typed), None)
        known = {"name": name, "device_id": device_id}
        failures, last = db.session.execute(FAILURES, known | {"since": now - FORGOTTEN_AFTER}).one()
        _require_patience(failures, last, now)
        one = _try_of(person, failures + 1)
        why = UNKNOWN if person is None else INACTIVE if one.person is None else reason
        kept = {"id": one.id, "ip_address": source.ip_address, "reason": why, "now": now}
        db.session.execute(TRY, known | kept)
        db.session.execute(
            COUNT, {"failures": one.failures, "now": now, "user_id": person.id if person else None}
        )
    return one


def _require_patience(failures: int, last: datetime | None, now: datetime) -> None:
    if last is not None and (wait := last + delay_after(failures) - now) > timedelta(0):
        raise TooManyTries(wait)


def _try_of(person: Row[Any] | None, failures: int) -> Try:
    if person is None or person.status != ACTIVE or person.password_hash is None:
        return Try(id=new_id(), failures=failures)
    return Try(
        id=new_id(),
        failures=failures,
        person=person.id,
        organization_id=person.organization_id,
        password_hash=person.password_hash,
        has_factor=person.has_factor,
    )


def digest(typed: str) -> str:
    """People type passwords into the wrong field: of a name that is nobody's only a digest is kept."""
    return "sha256:" + hashlib.sha256(typed.encode()).hexdigest()


def forget(one: Try) -> None:
    """Take back a try that was never looked at."""
    with transaction():
        db.session.execute(NEVER_TRIED, {"id": one.id})


def succeeded(one: Try) -> None:
    """Let the try be the success that ends the row of failures; inside the caller's transaction."""
    db.session.execute(SUCCEEDED, {"id": one.id})
    db.session.execute(WELCOME, {"now": clock.now(), "user_id": one.person})


def forgive(user: User, ip_address: str | None) -> None:
    """End the row of a person's failures from everywhere, inside the caller's transaction."""
    user.failed_login_attempts = 0
    db.session.add(
        LoginAttempt(
            id=new_id(),
            email=normal(user.username),
            ip_address=ip_address,
            success=True,
            reason=LET_IN,
            attempted_at=clock.now(),
        )
    )


def half_way(one: Try) -> None:
    """The password was right and the second factor is awaited: the failures before it stay what they are."""
    db.session.execute(HALF_WAY, {"id": one.id})


def refusal(one: Try, otherwise: DomainError) -> DomainError:
    """Return what to answer a failed try: to wait, where there have been too many."""
    wait = delay_after(one.failures)
    return TooManyTries(wait) if wait else otherwise
