"""The front door of identity: who a token belongs to, sessions, people and their rights.

Actors act inside their tenant, and need ``user.manage`` where it is about somebody else. The program itself
(``system_actor``) may do all of it for its tenant.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from clinic_web.identity.names import names_of
from clinic_web.identity.passwords import generate as generate_password
from clinic_web.identity.permissions import OWN_ACCOUNT, PERMISSIONS, ROLES
from clinic_web.identity.queries import SignedIn, actor_of_token, actors_of, open_session_rights
from clinic_web.identity.service.people import create_user, disable_user, set_password
from clinic_web.identity.service.rights import (
    allow,
    as_by_role,
    change_role,
    create_role,
    deny,
    ensure_permissions,
    grant_role,
    remove_role,
)
from clinic_web.identity.service.sessions import open_session, revoke_session
from clinic_web.identity.service.signing_in import SignInRefused, TooManyTries, sign_in

__all__ = [
    "OWN_ACCOUNT",
    "PERMISSIONS",
    "ROLES",
    "SignInRefused",
    "SignedIn",
    "TooManyTries",
    "actor_of_token",
    "actors_of",
    "allow",
    "as_by_role",
    "change_role",
    "create_role",
    "create_user",
    "deny",
    "disable_user",
    "ensure_permissions",
    "generate_password",
    "grant_role",
    "names_of",
    "open_session",
    "open_session_ids",
    "open_session_rights",
    "remove_role",
    "revoke_session",
    "set_password",
    "sign_in",
]


def open_session_ids(ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these sessions are still open (one statement); asking does not keep them open."""
    return set(open_session_rights(ids))
