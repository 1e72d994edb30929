"""The front door of identity: who a token belongs to, sessions, people and their rights.

Actors act inside their tenant, and need ``user.manage`` where it is about somebody else. The program itself
(``system_actor``) may do all of it for its tenant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from clinic_web.identity import entrance
from clinic_web.identity.names import all_names, names_of
from clinic_web.identity.passwords import generate as generate_password
from clinic_web.identity.permissions import EVERYBODY, OWN_ACCOUNT, PERMISSIONS, ROLES
from clinic_web.identity.ports import Offered
from clinic_web.identity.queries import SignedIn, actor_of_token, actors_of, open_session_rights
from clinic_web.identity.remembering import IS_WHO_ASKS, ProvingStatement
from clinic_web.identity.roles import RoleInfo, role_ids_of, role_names_of, roles_of_tenant, roles_with
from clinic_web.identity.service.api_tokens import NewToken, Program, may_be_named, program_of
from clinic_web.identity.service.api_tokens import issue as issue_token
from clinic_web.identity.service.editing import Details, Handed, add_user
from clinic_web.identity.service.letters import Letter, letter_for
from clinic_web.identity.service.people import create_user, disable_user, place_user, set_password
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
from clinic_web.identity.service.tries import Source
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken

__all__ = [
    "EVERYBODY",
    "IS_WHO_ASKS",
    "OWN_ACCOUNT",
    "PERMISSIONS",
    "ROLES",
    "Handed",
    "Letter",
    "NewToken",
    "Offered",
    "Program",
    "ProvingStatement",
    "RoleInfo",
    "SignInRefused",
    "SignedIn",
    "Source",
    "TooManyTries",
    "actor_of_token",
    "actors_of",
    "all_names",
    "allow",
    "as_by_role",
    "change_role",
    "create_role",
    "create_user",
    "deny",
    "disable_user",
    "ensure_permissions",
    "entrance",
    "generate_password",
    "grant_role",
    "hand_access",
    "issue_token",
    "letter_for",
    "may_be_named",
    "names_of",
    "open_session",
    "open_session_ids",
    "open_session_rights",
    "place_user",
    "program_of",
    "remove_role",
    "revoke_session",
    "role_ids_of",
    "role_names_of",
    "roles_of_tenant",
    "roles_with",
    "set_password",
    "sign_in",
]


def open_session_ids(ids: Iterable[UUID]) -> set[UUID]:
    """Return which of these sessions are still open (one statement); asking does not keep them open."""
    return set(open_session_rights(ids))


def hand_access(
    actor: Actor,
    typed: Mapping[str, str],
    *,
    role: str,
    facility_id: UUID,
    staff_id: UUID | None,
    key: str | None,
) -> Handed:
    """Make a user with one role and a password for once, from a form's names, user name and language.

    Raises InvalidForm and RuleBroken (422), NotAllowed (403), NotFound (404).
    """
    errors: dict[str, DomainError]
    names = {name: " ".join(typed[name].split()) for name in ("first_name", "last_name", "username")}
    errors = {name: RuleBroken(N_("Please fill this in.")) for name, value in names.items() if not value}
    if errors:
        raise InvalidForm(errors)
    wanted = Details(
        first_name=names["first_name"],
        last_name=names["last_name"],
        username=names["username"],
        language=typed["language"],
        facility_id=facility_id,
        staff_id=staff_id,
        roles=frozenset({role}),
    )
    return add_user(actor, wanted, key=key)
