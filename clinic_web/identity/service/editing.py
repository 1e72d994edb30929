"""Users and roles as their pages edit them: each form is one transaction, under the version it knew."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.identity import listing, passwords
from clinic_web.identity.access import require_manager, user_for
from clinic_web.identity.kinds import kept
from clinic_web.identity.models import ALLOW, DENY, User
from clinic_web.identity.ports import ports
from clinic_web.identity.service import facilities, factors, letters, people, rights
from clinic_web.identity.service.sessions import revoke_sessions_of
from clinic_web.identity.service.signing_in import normal
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.unit_of_work import transaction


@dataclass(frozen=True, kw_only=True)
class Details:
    """What the form of a user holds; ``exceptions`` are rights given (ALLOW) or taken (DENY) beside roles,
    and ``because`` says why those are so that the form changes. ``facilities`` are where they may work."""

    first_name: str
    last_name: str
    username: str
    language: str
    facility_id: UUID | None
    staff_id: UUID | None
    roles: frozenset[str]
    exceptions: Mapping[str, str] = field(default_factory=dict)
    email: str = ""
    facilities: frozenset[UUID] = frozenset()
    because: str = field(default="", compare=False)

    def as_shown(self) -> dict[str, str]:
        """Return the values as a form and the table of a conflict show them."""
        return {
            "first_name": self.first_name,
            "last_name": self.last_name,
            "username": self.username,
            "email": self.email,
            "language": self.language,
            "facility_id": str(self.facility_id or ""),
            "facilities": ", ".join(sorted(map(str, self.facilities))),
            "staff_id": str(self.staff_id or ""),
            "roles": ", ".join(sorted(self.roles)),
            "exceptions": ", ".join(f"{name} {effect}" for name, effect in sorted(self.exceptions.items())),
        }


@dataclass(frozen=True)
class Handed:
    """A new user or password. What is handed over (``password`` or ``link``) is shown once, and None where
    the form was sent again, or where a letter carries it (``is_mailed``)."""

    user_id: UUID
    password: str | None = None
    link: str | None = None
    is_mailed: bool = False


def add_user(actor: Actor, wanted: Details, *, key: str | None, by_link: bool = False) -> Handed:
    """Make a user with a password for once, or with a link to choose one, under the form's key.

    Raises NotAllowed (a role with rights that the actor does not have), NotFound, RuleBroken (422).
    """
    require_manager(actor)
    _require_offered(actor, wanted)
    password = None if by_link else passwords.generate()
    with transaction():
        claim = idempotency.claim(actor, "user.add", key, wanted.as_shown() | {"by_link": str(by_link)})
        if claim.answer is not None:
            return Handed(UUID(claim.answer["id"]))
        user_id = people.create_user(
            actor,
            username=wanted.username,
            password=password,
            first_name=wanted.first_name,
            last_name=wanted.last_name,
            roles=wanted.roles,
            facility_id=wanted.facility_id,
            staff_id=wanted.staff_id,
            language=wanted.language,
            email=wanted.email,
            is_for_once=not by_link,
        )
        claim.keep({"id": str(user_id)})
        if wanted.facilities - {wanted.facility_id}:
            facilities.allow_only(actor, user_for(actor, user_id), wanted.facilities)
        if password is None:
            return _invited(actor, user_for(actor, user_id))
    return Handed(user_id, password)


def _invited(actor: Actor, user: User) -> Handed:
    link = letters.invite(actor, user)
    return Handed(user.id, link=link, is_mailed=link is None)


def invite_again(actor: Actor, user_id: UUID) -> Handed:
    """Give a person another link to choose a password by; what they have stays until then.

    Raises NotAllowed, NotFound, RuleBroken (422).
    """
    require_manager(actor)
    if actor.user_id == user_id:
        raise RuleBroken(N_("Your own password is changed under My account."))
    with transaction():
        user = user_for(actor, user_id)
        people.require_no_less(actor, user)
        audit.changed(actor, "user.invite", "user", user.id, old=None, new={"link": "made"})
        return _invited(actor, user)


def remove_factors(actor: Actor, user_id: UUID) -> None:
    """Remove the second factors of a person who lost them; it ends all their sessions.

    Raises NotAllowed, NotFound, RuleBroken (422).
    """
    require_manager(actor)
    if actor.user_id == user_id:
        raise RuleBroken(N_("Your own second factors are under My account."))
    with transaction():
        user = user_for(actor, user_id)
        people.require_no_less(actor, user)
        factors.remove_all(actor, user)
        revoke_sessions_of(actor, user)


def edit_user(actor: Actor, user_id: UUID, wanted: Details, *, version: int) -> None:
    """Let a user be as the form says: names, place, roles and exceptions, all or nothing.

    Raises StaleScreen (409) with both sides, NotAllowed, NotFound, RuleBroken (422).
    """
    require_manager(actor)
    with transaction():
        user = user_for(actor, user_id)
        now = details_of(actor, user_id)
        if now == wanted:
            return
        if user.version != version:
            mine, theirs = wanted.as_shown(), now.as_shown()
            changes = {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}
            raise StaleScreen(N_("Somebody else changed this while you worked."), changes)
        people.require_no_less(actor, user)
        _require_offered(actor, wanted)
        _rename(actor, user, now, wanted)
        facilities.allow_only(actor, user, wanted.facilities)
        _give(actor, user_id, now, wanted)


def details_of(actor: Actor, user_id: UUID) -> Details:
    """Return a user as the form has them. Raises NotFound."""
    opened = listing.opened(actor, user_id)
    values = opened.values
    return Details(
        first_name=values["first_name"],
        last_name=values["last_name"],
        username=values["username"],
        language=values["language"],
        facility_id=UUID(values["facility_id"]) if values["facility_id"] else None,
        staff_id=UUID(values["staff_id"]) if values["staff_id"] else None,
        roles=opened.roles,
        exceptions=opened.exceptions,
        facilities=facilities.allowed(user_id),
        email=values["email"],
    )


def _require_offered(actor: Actor, wanted: Details) -> None:
    """No foreign key leaves the schema, so ask the owners whether the place and the person are there."""
    if wanted.language not in people.LANGUAGES:
        raise RuleBroken(N_("Choose one of these."), field="language")
    for name, chosen, offered in (
        ("facility_id", wanted.facility_id, ports.facilities),
        ("staff_id", wanted.staff_id, ports.staff),
    ):
        if chosen is not None and chosen not in {each.id for each in offered(actor)}:
            raise RuleBroken(N_("Choose one of these."), field=name)


OWN = ("first_name", "last_name", "username", "email", "language", "facility_id", "staff_id")


def _rename(actor: Actor, user: User, now: Details, wanted: Details) -> None:
    changed = {name for name in OWN if getattr(now, name) != getattr(wanted, name)}
    if not changed:
        return
    if not normal(wanted.username):
        raise RuleBroken(N_("Please give a user name."), field="username")
    for name in changed:
        setattr(user, name, getattr(wanted, name))
    user.username, user.email = kept(normal(wanted.username), user.kind), wanted.email or None
    user.email_verified = user.email_verified and "email" not in changed
    user.updated_by, user.updated_at = actor.user_id, clock.now()
    try:
        db.session.flush()
    except IntegrityError as error:
        raise people.taken(error) from error
    old: dict[str, Any] = {name: getattr(now, name) for name in changed}
    new = {name: getattr(wanted, name) for name in changed}
    audit.changed(actor, "user.change", "user", user.id, old=old, new=new)


def _give(actor: Actor, user_id: UUID, now: Details, wanted: Details) -> None:
    """First what is given, then what is taken: who changes themselves is judged by the end of it."""
    for name in sorted(wanted.roles - now.roles):
        rights.grant_role(actor, user_id, name)
    for name, effect in wanted.exceptions.items():
        if now.exceptions.get(name) != effect:
            _require_reason(wanted)
            {ALLOW: rights.allow, DENY: rights.deny}[effect](actor, user_id, name, because=wanted.because)
    for name in set(now.exceptions) - set(wanted.exceptions):
        rights.as_by_role(actor, user_id, name)
    for name in sorted(now.roles - wanted.roles):
        rights.remove_role(actor, user_id, name)


def _require_reason(wanted: Details) -> None:
    """A right beside the roles stands out; who meets it later wants to know why."""
    if not wanted.because:
        raise RuleBroken(N_("Please say why this right is given or taken away."), field="because")


def reset_password(actor: Actor, user_id: UUID) -> Handed:
    """Give a user another password for once; it ends all their sessions. Raises NotAllowed, NotFound."""
    require_manager(actor)
    if actor.user_id == user_id:
        raise RuleBroken(N_("Your own password is changed under My account."))
    password = passwords.generate()
    people.set_password(actor, user_id, password, is_for_once=True)
    return Handed(user_id, password)


def add_role(
    actor: Actor, name: str, description: str, permissions: Collection[str], *, key: str | None
) -> UUID:
    """Make a role of the centre's own, under the form's key. Raises NotAllowed, RuleBroken (422)."""
    require_manager(actor)
    with transaction():
        body = {"name": name, "description": description, "permissions": sorted(permissions)}
        claim = idempotency.claim(actor, "role.add", key, body)
        if claim.answer is not None:
            return UUID(claim.answer["id"])
        role_id = rights.create_role(actor, name, permissions, description=description)
        claim.keep({"id": str(role_id)})
        return role_id
