"""The two reads that come before anybody knows a tenant: whose a code is, and whose a proof."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.portal.models import Invitation

MOST_FAILURES = 20  # wrong birth dates, after which a code opens nothing any more


def is_open(now: datetime) -> ColumnElement[bool]:
    return (
        Invitation.used_at.is_(None)
        & Invitation.revoked_at.is_(None)
        & (Invitation.expires_at > now)
        & (Invitation.failures < MOST_FAILURES)
    )


def by_code(code_hash: bytes) -> Invitation | None:
    """Return the open invitation with this code."""
    return _one(Invitation.code_hash == code_hash)


def by_proof(proof_hash: bytes) -> Invitation | None:
    """Return the open invitation whose code and birth date were given with this proof, not long ago."""
    return _one((Invitation.proof_hash == proof_hash) & (Invitation.proof_expires_at > clock.now()))


def _one(which: ColumnElement[bool]) -> Invitation | None:
    wanted: Any = select(Invitation).where(which, is_open(clock.now()))
    found: Invitation | None = db.session.scalar(wanted.execution_options(populate_existing=True))
    return found
