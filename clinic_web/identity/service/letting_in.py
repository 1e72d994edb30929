"""What administrators do about sign-ins: end a delay, end sessions."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.identity.access import require_manager, user_for
from clinic_web.identity.models import Session
from clinic_web.identity.service import tries
from clinic_web.identity.service.people import require_no_less
from clinic_web.identity.service.sessions import end, revoke_sessions_of
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.unit_of_work import transaction


def let_in_now(actor: Actor, user_id: UUID) -> str:
    """Forgive a person's failures, so that their next try is looked at; return their name.

    Raises NotAllowed, NotFound.
    """
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        tries.forgive(user, actor.ip_address)
        audit.changed(actor, "user.let_in_now", "user", user.id, old=None, new={"delay": "ended"})
        return user.display_name


def end_session(actor: Actor, user_id: UUID, session_id: UUID) -> None:
    """End one session of a person. Raises NotAllowed, NotFound."""
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        require_no_less(actor, user)
        found = select(Session).where(Session.id == session_id, Session.user_id == user.id)
        session = db.session.scalar(found.with_for_update())
        if session is None:
            raise NotFound
        end(actor, session)
        audit.changed(actor, "session.end", "user", user.id, old=None, new={"session": str(session_id)})


def end_sessions(actor: Actor, user_id: UUID, *, keep: UUID | None) -> None:
    """End all sessions of a person but ``keep``. Raises NotAllowed, NotFound."""
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        require_no_less(actor, user)
        revoke_sessions_of(actor, user, keep=keep)
        audit.changed(actor, "session.end_all", "user", user.id, old=None, new={"sessions": "ended"})
