"""What happens by itself: sealing in seconds, anchors every minute, a verification each night, and a watch.

The watch is a scheduled run that fails while a chain is not whole, or was not verified: so it stands red on
/operations, and counts in ``clinic_scheduled_failed``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import insert, text

from clinic_web.audit import anchors, sealing, verifying
from clinic_web.audit.models import Verification
from clinic_web.audit.verifying import Finding, Progress, Report
from clinic_web.kernel import acting, clock, jobs, metrics, schedule, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction

logger = structlog.get_logger(__name__)

JOB = "audit.verify"
LONGEST = 3600  # seconds of one tenant's verification
OVERDUE = timedelta(hours=26)

# The last verification of the tenant's chain, and whether it is long ago for one that has anything to verify.
LAST = text(
    """
    SELECT c.organization_id, v.problems, v.problem, v.finished_at,
           COALESCE(v.finished_at, s.sealed_at) < :overdue AS is_overdue
      FROM audit.chains c
      LEFT JOIN LATERAL (SELECT problems, problem, finished_at FROM audit.verifications
                          WHERE organization_id = c.organization_id
                          ORDER BY finished_at DESC LIMIT 1) v ON true
      LEFT JOIN audit.seals s ON s.organization_id = c.organization_id AND s.sequence = 1
    """
)


NEWEST = Statement(
    """
    SELECT finished_at, problems FROM audit.verifications
     WHERE organization_id = :organization_id ORDER BY finished_at DESC LIMIT 1
    """
)
# How long ago the tenant was sealed whole.
SETTLED = text("SELECT extract(epoch FROM clock_timestamp() - settled_at) FROM audit.chains")


class AuditNotWhole(Exception):
    """A verification found something, or none was made. The message names the tenant and no person."""


def register() -> None:
    jobs.register(JOB, verify_one, queue="reports", timeout=LONGEST, acts_for=acting.ROWS_TENANT)
    schedule.every(
        timedelta(seconds=5), "audit.seal", seal, word=N_("Seal the audit"), acts_for=acting.EACH_TENANT
    )
    schedule.every(
        timedelta(minutes=1),
        "audit.anchor",
        anchor,
        word=N_("Anchor the audit outside the database"),
        acts_for=acting.EACH_TENANT,
    )
    schedule.every(
        timedelta(days=1),
        "audit.begin_verification",
        begin,
        word=N_("Begin the night's verification of the audit"),
        acts_for=acting.EACH_TENANT,
    )
    schedule.every(
        timedelta(minutes=5),
        "audit.watch",
        watch,
        word=N_("Watch whether the audit is whole"),
        acts_for=acting.EACH_TENANT,
    )
    metrics.reading("audit_unsealed_seconds", "Since when every row of the audit is sealed", unsealed)


def seal() -> None:
    sealing.seal_all()


def unsealed() -> float | None:
    found = [since for _ in tenant.each() if (since := db.session.scalar(SETTLED)) is not None]
    return float(max(found)) if found else None


def anchor() -> None:
    anchors.write_all()


def begin() -> None:
    """Ask for a verification of every tenant. One that gets lost is missed by the watch."""
    for organization_id in tenant.each():
        jobs.enqueue(JOB, str(organization_id), job_id=f"audit-verify-{organization_id}")


def verify_one(organization_id: str) -> None:
    verify(UUID(organization_id), [anchors.path()])


def verify(organization_id: UUID, files: Iterable[Path], progress: Progress | None = None) -> Report:
    """Verify a tenant's audit, keep the outcome, and seal what had escaped the sealer."""
    started = clock.now()
    told = anchors.read(files)
    anchored = told.of.get(organization_id, [])
    with tenant.of(organization_id):
        report = verifying.verify(organization_id, anchored, progress, clock_stands=anchors.clock_stands())
        for source, ids in report.unsealed.items():
            sealing.seal_late(organization_id, source, ids)
        _keep(report, started)
    if not report.is_whole:
        logger.error("audit_not_whole", organization_id=str(organization_id), problems=report.number)
    return report


def _keep(report: Report, started: Any) -> None:
    with transaction():
        db.session.execute(
            insert(Verification),
            {
                "id": new_id(),
                "organization_id": report.organization_id,
                "started_at": started,
                "finished_at": clock.now(),
                "rows": report.rows,
                "sequence": report.sequence,
                "problems": report.number,
                "problem": sentence(report.findings[0]) if report.findings else None,
            },
        )


@dataclass(frozen=True)
class Outcome:
    """The last verification of a tenant's audit."""

    at: datetime
    problems: int


def last(organization_id: UUID) -> Outcome | None:
    row = NEWEST.first({"organization_id": organization_id})
    return Outcome(row.finished_at, row.problems) if row else None


def sentence(finding: Finding) -> str:
    """Return what was found as one line for people who run the program."""
    place = f"audit.{finding.source} {finding.row_id} " if finding.row_id else ""
    seal = f"seal {finding.sequence}: " if finding.sequence is not None else ""
    return f"{seal}{place}{finding.sentence}"


def watch() -> None:
    """Raise AuditNotWhole while the last verification of some tenant failed or is too long ago."""
    rows: list[Any] = []
    for _ in tenant.each():
        rows += db.session.execute(LAST, {"overdue": clock.now() - OVERDUE})
        db.session.rollback()
    wrong = [f"{row.organization_id}: {row.problem} ({row.problems} in all)" for row in rows if row.problems]
    wrong += [f"{row.organization_id}: not verified for a day" for row in rows if row.is_overdue]
    if wrong:
        raise AuditNotWhole("; ".join(wrong))
