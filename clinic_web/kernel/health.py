"""Is the process alive, and may it be sent work?"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db

logger = structlog.get_logger(__name__)


# Whoever owns the tables, or stands above policies, sees the rows of all tenants (docs/adr/0030).
IS_WALLED = text(
    """
    SELECT NOT (me.rolsuper OR me.rolbypassrls OR pg_has_role(me.oid, streams.relowner, 'MEMBER'))
      FROM pg_roles me, pg_class streams
     WHERE me.rolname = current_user AND streams.oid = 'kernel.streams'::regclass
    """
)


@dataclass(frozen=True)
class Readiness:
    """PostgreSQL is needed for everything; Redis only for speed: without it work goes on.

    ``is_walled``: the role of this process sees one tenant's rows at a time.
    """

    database: bool
    redis: bool
    is_walled: bool

    @property
    def is_ready(self) -> bool:
        return self.database and self.is_walled


def readiness(*, needs_wall: bool) -> Readiness:
    """Return what is there. ``needs_wall``: a role above row-level security is not let work at all."""
    try:
        is_walled, database = bool(db.session.scalar(IS_WALLED)), True
    except SQLAlchemyError:
        is_walled, database = False, False
    finally:
        db.session.rollback()
    if database and needs_wall and not is_walled:
        logger.error("database_role_sees_all_tenants")
    return Readiness(database=database, redis=broker().is_there(), is_walled=is_walled or not needs_wall)
