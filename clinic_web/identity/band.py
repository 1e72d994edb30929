"""What the band of each page says of the person: between which facilities they can change."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from clinic_web.identity import login
from clinic_web.identity.ports import Offered
from clinic_web.identity.service import facilities
from clinic_web.kernel.db import db


def my_facilities() -> list[Offered]:
    """Return between which places the person can change: none where there is but one."""
    user = login.known()
    try:
        return facilities.choices(user.actor, user.rights_stamp) if user else []
    except SQLAlchemyError:  # the page that says that PostgreSQL is away has a band, too
        db.session.rollback()
        return []
