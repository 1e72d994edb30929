"""Is the process alive, and may it be sent work?"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from clinic_web.kernel.broker import broker
from clinic_web.kernel.db import db


@dataclass(frozen=True)
class Readiness:
    """PostgreSQL is needed for everything; Redis only for speed: without it work goes on."""

    database: bool
    redis: bool

    @property
    def is_ready(self) -> bool:
        return self.database


def readiness() -> Readiness:
    try:
        db.session.execute(text("SELECT 1 FROM kernel.streams LIMIT 1"))
        database = True
    except SQLAlchemyError:
        database = False
    finally:
        db.session.rollback()
    return Readiness(database=database, redis=broker().is_there())
