"""The accounts of patients, as the portal leads them: ended, made again, and when they were last used."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.identity.access import patient_for
from clinic_web.identity.kinds import MARK, PATIENT
from clinic_web.identity.models import User
from clinic_web.identity.service.sessions import revoke_sessions_of
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction


def close_account(actor: Actor, user_id: UUID) -> None:
    """Shut a patient out for good; their user name and address may open another account.

    The caller knows that the actor may. Raises NotFound (404).
    """
    with transaction():
        user = patient_for(actor, user_id)
        if user.deleted_at is not None:
            return
        old = user.status
        user.disable()
        user.deleted_at, user.updated_by = clock.now(), actor.user_id
        user.username, user.email, user.email_verified = f"{MARK}{user.id}", None, False
        revoke_sessions_of(actor, user)
        new = {"status": user.status}
        audit.changed(actor, "user.disable", "user", user.id, old={"status": old}, new=new)


def last_uses(actor: Actor, user_ids: Collection[UUID]) -> dict[UUID, datetime | None]:
    """Return when these patients last signed in, in one statement."""
    if not user_ids:
        return {}
    rows = db.session.execute(
        select(User.id, User.last_login_at).where(
            User.organization_id == actor.organization_id, User.kind == PATIENT, User.id.in_(set(user_ids))
        )
    )
    return {user_id: at for user_id, at in rows}


def set_phone(actor: Actor, user_id: UUID, phone: str) -> None:
    """Keep the telephone number that is a patient's user name, inside the caller's transaction."""
    patient_for(actor, user_id).phone = phone
