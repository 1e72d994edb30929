"""Whose tenant knocks, asked before anybody is known: by a name, or by what only its bearer has.

Each question is a function of the database that answers with a tenant's id and nothing else (migrations); all
that follows is read behind the wall, as that tenant or as nobody.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import func, select

from clinic_web.identity.kinds import kept
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db


def hash_of(token: str) -> bytes:
    """Return what the database keeps of a token: whoever reads the table can't sign in with it."""
    return hashlib.sha256(token.encode()).digest()


def of_username(typed: str) -> AbstractContextManager[None]:
    """Work for the tenant of this user name, or for nobody."""
    return _asked(func.identity.tenant_of_username(typed))


def of_address(typed: str, kind: str) -> AbstractContextManager[None]:
    """Work for the tenant of somebody active of this kind with this user name or e-mail address, or for
    nobody."""
    return _asked(func.identity.tenant_of_address(typed, kept(typed, kind), kind))


def of_challenge(token: str | None) -> AbstractContextManager[None]:
    """Work for the tenant of whoever began this proof; for nobody where anybody may answer it."""
    return _asked(func.identity.tenant_of_challenge(hash_of(token or "")))


def of_link(token: str | None) -> AbstractContextManager[None]:
    return _asked(func.identity.tenant_of_link(hash_of(token or "")))


def of_passkey(credential_id: bytes) -> AbstractContextManager[None]:
    return _asked(func.identity.tenant_of_passkey(credential_id))


def of_api_token(token: str) -> AbstractContextManager[None]:
    return _asked(func.identity.tenant_of_api_token(hash_of(token)))


def _asked(question: Any) -> AbstractContextManager[None]:
    return tenant.of(db.session.scalar(select(question)))
