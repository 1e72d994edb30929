"""Sessions: opened with a new token, seen while somebody works, ended at once by whoever may."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text

from clinic_web.events.identity import SessionRevoked
from clinic_web.identity.access import session_for
from clinic_web.identity.doors import hash_of
from clinic_web.identity.models import Session, User
from clinic_web.identity.queries import ABSOLUTE_LIMIT, SEEN_EVERY
from clinic_web.identity.service.tries import NOWHERE, Source
from clinic_web.kernel import bus, clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_token
from clinic_web.kernel.unit_of_work import transaction

LONGEST_AGENT = 300

# Two tabs of one browser ask at once: the condition lets only the first of a minute write.
SEEN = text(
    "UPDATE identity.sessions SET last_seen_at = :now"
    " WHERE id = :id AND last_seen_at <= :before AND revoked_at IS NULL"
)

# A second step that was begun with the former password leads nowhere.
BEGUN_BY = text("DELETE FROM identity.challenges WHERE user_id = :user_id")


def open_session(user_id: UUID, source: Source = NOWHERE, *, by_second_factor: bool = False) -> str:
    """Open a session for a person who proved who they are; return its token, which is kept nowhere."""
    token = new_token()
    now = clock.now()
    with transaction():
        db.session.add(
            Session(
                user_id=user_id,
                token_hash=hash_of(token),
                device_fingerprint=source.device,
                ip_address=source.ip_address,
                user_agent=(source.user_agent or "")[:LONGEST_AGENT] or None,
                created_at=now,
                last_seen_at=now,
                expires_at=now + ABSOLUTE_LIMIT,
                proved_at=now,
                mfa_at=now if by_second_factor else None,
            )
        )
    return token


def note_activity(session_id: UUID) -> None:
    """Note that a person, not a screen refreshing itself, used this session; at most once a minute."""
    now = clock.now()
    with transaction():
        db.session.execute(SEEN, {"id": session_id, "now": now, "before": now - SEEN_EVERY})


def is_due(last_seen_at: datetime) -> bool:
    """Return whether the session's last use was noted long enough ago to note it again."""
    return clock.now() - last_seen_at >= SEEN_EVERY


def revoke_session(actor: Actor, session_id: UUID) -> None:
    """End a session: one's own, or with ``user.manage`` any of the tenant's. Raises NotFound otherwise."""
    with transaction():
        end(actor, session_for(actor, session_id))


def revoke_others(actor: Actor, keep: UUID) -> int:
    """End all of one's own sessions but ``keep``; return how many there were."""
    with transaction():
        open_ones = select(Session).where(
            Session.user_id == actor.user_id, Session.revoked_at.is_(None), Session.id != keep
        )
        found = db.session.scalars(open_ones.with_for_update()).all()
        now = clock.now()
        for session in found:
            end(actor, session)
    return sum(session.expires_at > now for session in found)


def revoke_sessions_of(actor: Actor, user: User, *, keep: UUID | None = None) -> None:
    """End all sessions of a person but ``keep``, inside the caller's transaction."""
    db.session.execute(BEGUN_BY, {"user_id": user.id})
    query = select(Session).where(Session.user_id == user.id, Session.revoked_at.is_(None)).with_for_update()
    for session in db.session.scalars(query):
        if session.id != keep:
            end(actor, session)


def end(actor: Actor, session: Session) -> None:
    """End a locked session, inside the caller's transaction. Twice is harmless, and told once."""
    if session.revoked_at is None:
        session.revoked_at = clock.now()
        revoked = SessionRevoked(
            organization_id=actor.organization_id, session_id=session.id, user_id=session.user_id
        )
        bus.publish(revoked, actor)
