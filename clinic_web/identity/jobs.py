"""What identity does by itself."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from clinic_web.identity.service import links
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction

KEPT_FOR = timedelta(days=180)
OLD_TRIES = text("DELETE FROM identity.login_attempts WHERE attempted_at < :before")
OLD_SESSIONS = text("DELETE FROM identity.sessions WHERE expires_at < :before")


def answer(request_id: str) -> None:
    links.answer(UUID(request_id))


def forget_old_sign_ins() -> None:
    """Tries and ended sessions are kept for half a year: long enough to look into an attack, no longer."""
    before = clock.now() - KEPT_FOR
    with transaction():
        db.session.execute(OLD_TRIES, {"before": before})
        db.session.execute(OLD_SESSIONS, {"before": before})
