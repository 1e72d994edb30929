"""Make the report of one day and keep it: once, and again as a new version only if the past has changed."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from clinic_web.kernel import clock, push
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reports.live import reports_topic
from clinic_web.reports.models import DailyReport
from clinic_web.reports.queries.day import figures, outstanding
from clinic_web.reports.queries.question import question_of

# Two who make the same day wait for each other; the second then finds that nothing changed.
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:day, 0))")


def make_day(organization_id: UUID, facility_id: UUID, day: date, *, by: UUID | None = None) -> bool:
    """Make the report of a facility's local day; return whether there was none or the past has changed.

    The caller sees to it that the day is over. Raises KeyError for a facility that the tenant does not have.
    """
    question = question_of(organization_id, facility_id, day)
    with transaction():
        db.session.execute(LOCK, {"day": f"reports/{facility_id}/{day}"})
        found = figures(question)
        digest = digest_of(found)
        last = _last(facility_id, day)
        if last and last.digest == digest:
            return False
        db.session.add(
            DailyReport(
                organization_id=organization_id,
                facility_id=facility_id,
                day=day,
                version=last.version + 1 if last else 1,
                figures=found,
                outstanding=outstanding(question),
                digest=digest,
                made_at=clock.now(),
                made_by=by,
            )
        )
        push.changed(reports_topic(facility_id))
        return True


def digest_of(found: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _last(facility_id: UUID, day: date) -> Any:
    mine = (DailyReport.facility_id == facility_id, DailyReport.day == day)
    newest = select(func.max(DailyReport.version)).where(*mine).scalar_subquery()
    return db.session.execute(
        select(DailyReport.version, DailyReport.digest).where(*mine, DailyReport.version == newest)
    ).first()
