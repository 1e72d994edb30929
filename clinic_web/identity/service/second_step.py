"""The second step of signing in: the password was right, now the person shows something they have.

Wrong codes are tries like wrong passwords, with the same growing delay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import select

from clinic_web.identity import doors
from clinic_web.identity.models import User
from clinic_web.identity.proofs import PASSKEY, SIGN_IN, Factor
from clinic_web.identity.service import challenges, codes, devices, tries
from clinic_web.identity.service.challenges import ProofGone
from clinic_web.identity.service.factors import WrongCode
from clinic_web.identity.service.sessions import open_session
from clinic_web.identity.service.tries import Source, Try
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Busy
from clinic_web.kernel.unit_of_work import transaction

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Waiting:
    """Who has shown the password, and with what they can go on."""

    user_id: UUID
    username: str
    has_app: bool
    has_passkey: bool


def waiting(token: str | None) -> Waiting | None:
    """Return who is at the second step with this token; None when it took too long."""
    with doors.of_challenge(token):
        begun = challenges.waiting(token, SIGN_IN)
        return _waiting(begun.user_id) if begun and begun.user_id else None


def _waiting(user_id: UUID) -> Waiting:
    username = db.session.scalars(select(User.username).where(User.id == user_id)).one()
    kinds = set(
        db.session.scalars(
            select(Factor.kind).where(Factor.user_id == user_id, Factor.confirmed_at.is_not(None))
        )
    )
    return Waiting(user_id, username, bool(kinds - {PASSKEY}), PASSKEY in kinds)


def enter(token: str | None, code: str, source: Source) -> str:
    """Return the token of a new session for a right code of the app, or a recovery code.

    Raises WrongCode (422), TooManyTries (429), ProofGone (409), Busy (503).
    """
    with doors.of_challenge(token):
        who = waiting(token)
        if who is None:
            raise ProofGone
        with checked(who.username, who.user_id, code, source) as one:
            challenges.take(token, SIGN_IN)
            return let_in(one, source)


def let_in(one: Try, source: Source) -> str:
    """Open the session of who has shown both, inside the caller's transaction."""
    assert one.person is not None and one.organization_id is not None  # noqa: S101 - nobody else comes here
    tries.succeeded(one)
    devices.note(one.organization_id, one.person, source, by_factor=True)
    return open_session(one.person, source, by_second_factor=True)


@contextmanager
def checked(username: str, user_id: UUID, code: str, source: Source) -> Iterator[Try]:
    """``with checked(...) as one``: count a code as a try; if it is right, run the block in its transaction.

    Raises WrongCode (422), TooManyTries (429), Busy (503).
    """
    one = tries.count(username, source, reason=tries.WRONG_CODE)
    typed = codes.typed(code)
    digest = _slow_digest(one, user_id, typed)
    with transaction():
        if one.person != user_id or not _takes(user_id, typed, digest):
            logger.info("second_factor_failed", attempt_id=str(one.id), failures=one.failures)
            raise tries.refusal(one, WrongCode())
        yield one


def _slow_digest(one: Try, user_id: UUID, typed: str) -> bytes | None:
    if codes.is_of_an_app(typed):
        return None
    try:
        return codes.digest_of(user_id, typed)
    except Busy:
        tries.forget(one)
        raise


def _takes(user_id: UUID, typed: str, digest: bytes | None) -> bool:
    if codes.is_of_an_app(typed):
        return codes.app_takes(user_id, typed)
    return digest is not None and codes.recovery_takes(user_id, digest)
