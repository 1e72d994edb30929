"""Proving again, in a session that is open, that one is still who signed in: before dangerous acts.

Whoever has a second factor proves it by that, everybody else by their password. It holds for half an hour, in
this session only, which takes a new token by it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, text

from clinic_web.identity import passwords
from clinic_web.identity.doors import hash_of
from clinic_web.identity.models import User
from clinic_web.identity.service import second_step, tries
from clinic_web.identity.service.tries import Source
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, Busy, NotFound, RuleBroken
from clinic_web.kernel.ids import new_token
from clinic_web.kernel.unit_of_work import transaction

FRESH = timedelta(minutes=30)

PROVED = text(
    """
    SELECT CASE WHEN EXISTS (SELECT FROM identity.factors f
                              WHERE f.user_id = s.user_id AND f.confirmed_at IS NOT NULL)
                THEN s.mfa_at ELSE s.proved_at END > :since
      FROM identity.sessions s WHERE s.id = :session_id
    """
)
PROVE = text(
    """
    UPDATE identity.sessions
       SET token_hash = :token_hash, proved_at = :now, mfa_at = CASE WHEN :by_factor THEN :now ELSE mfa_at END
     WHERE id = :session_id AND revoked_at IS NULL
    """
)


def is_fresh(session_id: UUID) -> bool:
    """Return whether the session's person proved who they are within the last half hour."""
    values = {"session_id": session_id, "since": clock.now() - FRESH}
    return bool(db.session.scalar(PROVED, values))


def by_code(actor: Actor, session_id: UUID, code: str, source: Source) -> str:
    """Prove it by a code; return the session's new token. Raises WrongCode, TooManyTries, Busy."""
    user_id, username, _ = _me(actor)
    with second_step.checked(username, user_id, code, source) as one:
        tries.succeeded(one)
        return note(session_id, by_factor=True)


def by_password(actor: Actor, session_id: UUID, password: str, source: Source) -> str:
    """Prove it by the password, where there is no second factor; return the session's new token.

    Raises RuleBroken (422, field ``password``), TooManyTries (429), Busy (503).
    """
    user_id, username, password_hash = _me(actor)
    one = tries.count(username, source)
    try:
        is_right = passwords.matches(password_hash, password)
    except Busy:
        tries.forget(one)
        raise
    if not is_right or one.has_factor or one.person != user_id:
        wrong = RuleBroken(N_("This is not your present password."), field="password")
        raise tries.refusal(one, wrong)
    with transaction():
        tries.succeeded(one)
        return note(session_id, by_factor=False)


def by_new_factor(session_id: UUID) -> str:
    """Note that a factor was shown while it was set up; return the session's new token."""
    with transaction():
        return note(session_id, by_factor=True)


def note(session_id: UUID, *, by_factor: bool) -> str:
    """Note a proof and give the session a new token, inside the caller's transaction."""
    token = new_token()
    values = {"token_hash": hash_of(token), "now": clock.now(), "by_factor": by_factor}
    db.session.execute(PROVE, values | {"session_id": session_id})
    return token


def _me(actor: Actor) -> tuple[UUID, str, str | None]:
    row = db.session.execute(
        select(User.id, User.username, User.password_hash).where(User.id == actor.user_id)
    ).first()
    if row is None:
        raise NotFound
    return row.id, row.username, row.password_hash
