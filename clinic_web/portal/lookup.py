"""The two questions that come before anybody knows a tenant: whose is this code, and whose this proof?"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from clinic_web.kernel import clock, tenant
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


def of_code(code_hash: bytes) -> AbstractContextManager[None]:
    """Work for the tenant of this code, or for nobody."""
    return _asked(func.portal.tenant_of_code(code_hash))


def of_proof(proof_hash: bytes) -> AbstractContextManager[None]:
    """Work for the tenant of this proof, or for nobody."""
    return _asked(func.portal.tenant_of_proof(proof_hash))


def _asked(question: Any) -> AbstractContextManager[None]:
    return tenant.of(db.session.scalar(select(question)))


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
