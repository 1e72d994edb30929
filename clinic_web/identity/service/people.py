"""People who sign in: made, given a password, shut out, and what they choose for themselves."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.identity import passwords
from clinic_web.identity.access import require_at_least, require_manager, roles_for, user_for
from clinic_web.identity.kinds import MARK, kept, kind_of
from clinic_web.identity.models import ACTIVE, DISABLED, INVITED, User, UserRole
from clinic_web.identity.ports import names_of_house
from clinic_web.identity.queries import permissions_of
from clinic_web.identity.service import facilities
from clinic_web.identity.service.rights import permissions_of_roles
from clinic_web.identity.service.sessions import revoke_sessions_of
from clinic_web.identity.service.signing_in import normal
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, transaction

LANGUAGES = ("en", "ar")
THEMES = ("auto", "light", "dark")


def create_user(  # noqa: PLR0913 - a person is that many facts, all by keyword
    actor: Actor,
    *,
    username: str,
    password: str | None,
    first_name: str,
    last_name: str,
    roles: Collection[str],
    facility_id: UUID | None,
    staff_id: UUID | None = None,
    language: str = "en",
    email: str = "",
    is_for_once: bool = False,
) -> UUID:
    """Make a person who can sign in; without a password they are only invited. Return the user's id.

    Whose only role is a patient's signs in at the portal, and nowhere else.

    ``is_for_once``: somebody hands the password over, so all it opens is the page that changes it.

    Raises NotAllowed, NotFound (no such role), RuleBroken (field ``username``, ``password``).
    """
    require_manager(actor)
    kind = kind_of(roles)
    name = kept(normal(username), kind)
    if name in ("", MARK):
        raise RuleBroken(N_("Please give a user name."), field="username")
    user = User(
        id=new_id(),
        organization_id=actor.organization_id,
        facility_id=facility_id,
        staff_id=staff_id,
        kind=kind,
        username=name,
        password_hash=_checked_hash(actor, password, name) if password is not None else None,
        must_change_password=is_for_once,
        first_name=first_name.strip(),
        last_name=last_name.strip(),
        language=language,
        email=email or None,
        status=ACTIVE if password is not None else INVITED,
        created_by=actor.user_id,
        updated_by=actor.user_id,
    )
    with transaction():
        _add(actor, user, roles)
    return user.id


def _add(actor: Actor, user: User, role_names: Collection[str]) -> None:
    roles = roles_for(actor, role_names)
    require_at_least(actor, permissions_of_roles(roles))
    try:
        db.session.add(user)
        db.session.flush()
    except IntegrityError as error:
        raise taken(error) from error
    facilities.let_work_at(actor, user, [user.facility_id])
    db.session.add_all(UserRole(user_id=user.id, role_id=role.id) for role in roles)
    new = {"username": user.username, "roles": ", ".join(sorted(role_names))}
    audit.changed(actor, "user.create", "user", user.id, old=None, new=new)


def taken(error: IntegrityError) -> RuleBroken:
    """Return what to say of a user name or address that somebody has; raise anything else again."""
    if constraint_of(error) == "uq_users_username":
        return RuleBroken(N_("This user name is taken."), field="username")
    if constraint_of(error) == "uq_users_email":
        return RuleBroken(N_("This address can't be used here."), field="email")
    raise error


def set_password(
    actor: Actor, user_id: UUID, password: str, *, keep: UUID | None = None, is_for_once: bool = False
) -> None:
    """Give oneself, or as a manager somebody else, another password. Ends all their sessions but ``keep``.

    ``is_for_once``: the person must choose another one before anything else.

    Raises RuleBroken (field ``password``), NotAllowed, NotFound.
    """
    if actor.user_id != user_id:
        require_manager(actor)
    with transaction():  # a first, short one: nobody's row stays locked while the password is hashed
        username = user_for(actor, user_id).username
    password_hash = _checked_hash(actor, password, username)
    with transaction():
        user = user_for(actor, user_id)
        require_no_less(actor, user)
        user.take_password(password_hash, is_for_once=is_for_once)
        user.updated_by = actor.user_id
        revoke_sessions_of(actor, user, keep=keep)
        audit.changed(actor, "user.set_password", "user", user.id, old=None, new={"password": "changed"})


def disable_user(actor: Actor, user_id: UUID) -> None:
    """Shut a person out at once. Raises NotAllowed, NotFound."""
    require_manager(actor)
    if actor.user_id == user_id:
        raise RuleBroken(N_("Nobody can shut themselves out. Another administrator can."))
    with transaction():
        user = user_for(actor, user_id)
        require_no_less(actor, user)
        old = user.status
        user.disable()
        user.updated_by = actor.user_id
        revoke_sessions_of(actor, user)
        audit.changed(
            actor, "user.disable", "user", user.id, old={"status": old}, new={"status": user.status}
        )


def place_user(actor: Actor, user_id: UUID, facility_id: UUID) -> None:
    """Let a person work at a facility, which the caller knows to be the tenant's. Raises NotFound."""
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        if user.facility_id != facility_id:
            facilities.let_work_at(actor, user, [facility_id])
            user.facility_id = facility_id
            user.updated_by = actor.user_id


def enable_user(actor: Actor, user_id: UUID) -> None:
    """Let a person in again who was shut out. Raises NotAllowed, NotFound."""
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        require_no_less(actor, user)
        if user.status != DISABLED:
            return
        user.let_in_again()
        user.updated_by = actor.user_id
        new = {"status": user.status}
        audit.changed(actor, "user.enable", "user", user.id, old={"status": DISABLED}, new=new)


def change_password(actor: Actor, current: str, new: str, *, keep: UUID | None) -> None:
    """Change one's own password, knowing the one before; ends all one's sessions but ``keep``.

    Raises RuleBroken (fields ``current``, ``password``), Busy.
    """
    if actor.user_id is None:
        raise NotFound
    with transaction():  # a short one: nobody's row stays locked while the password is hashed
        known = user_for(actor, actor.user_id).password_hash
    if not passwords.matches(known, current):
        raise RuleBroken(N_("This is not your present password."), field="current")
    if passwords.matches(known, new):
        raise RuleBroken(N_("Please choose another one than before."), field="password")
    set_password(actor, actor.user_id, new, keep=keep)


def choose(actor: Actor, *, language: str | None = None, theme: str | None = None) -> None:
    """Keep the language or the theme that a person chose for themselves. Raises RuleBroken (422)."""
    if (language or LANGUAGES[0]) not in LANGUAGES or (theme or THEMES[0]) not in THEMES:
        raise RuleBroken(N_("Please choose one of the offered values."))
    with transaction():
        user = user_for(actor, actor.user_id) if actor.user_id else None
        if user is not None:
            user.language = language or user.language
            user.theme = theme or user.theme


def _checked_hash(actor: Actor, password: str, username: str) -> str:
    passwords.require_good(password, username, names_of_house(actor))
    return passwords.hashed(password)


def require_no_less(actor: Actor, user: User) -> None:
    """Whoever sets a person's password can be that person: it takes all of that person's rights."""
    if actor.user_id != user.id:
        require_at_least(actor, permissions_of(user.id))
