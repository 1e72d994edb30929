"""Tokens of programs: issued with named rights for some time, shown once, revoked at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from clinic_web.audit import api as audit
from clinic_web.identity import doors
from clinic_web.identity.access import require_at_least, require_manager
from clinic_web.identity.doors import hash_of
from clinic_web.identity.permissions import BY_API
from clinic_web.identity.ports import ports
from clinic_web.identity.tokens import ApiToken
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id, new_token
from clinic_web.kernel.unit_of_work import transaction

LONGEST = 365  # days
READING = frozenset({"view", "view_all", "view_any", "search", "export"})
PER_MINUTE = 300  # requests that the JSON API answers, unless the token says otherwise
MOST_PER_MINUTE = 6000
USED_EVERY = timedelta(minutes=1)
MOST_SHOWN = 200


def may_be_named(permission: str) -> bool:
    """Return whether a token may have this right: one to read, or one of those that the JSON API offers."""
    return permission.partition(".")[2] in READING or permission in BY_API


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """What a token is to open, for so many ``days``. ``facility_id``: where; None is where its maker
    works."""

    name: str
    permissions: frozenset[str]
    days: int
    facility_id: UUID | None = None
    requests_per_minute: int = PER_MINUTE


@dataclass(frozen=True)
class Program:
    """Whom a token belongs to, and how often it is answered."""

    actor: Actor
    requests_per_minute: int


@dataclass(frozen=True)
class ShownToken:
    id: UUID
    name: str
    permissions: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    is_open: bool
    facility: str | None
    requests_per_minute: int


def issue(actor: Actor, new: NewToken, *, key: str | None) -> str | None:
    """Return a new token, which is kept nowhere; None where the form was sent again.

    Raises NotAllowed (a right that the actor does not have), RuleBroken (422).
    """
    require_manager(actor)
    require_at_least(actor, new.permissions)
    _check(actor, new)
    token, now = new_token(), clock.now()
    with transaction():
        body = vars(new) | {"permissions": sorted(new.permissions)}
        claim = idempotency.claim(actor, "token.issue", key, body)
        if claim.answer is not None:
            return None
        row = ApiToken(
            id=new_id(),
            organization_id=actor.organization_id,
            facility_id=new.facility_id or actor.facility_id,
            name=new.name,
            token_hash=hash_of(token),
            permissions=sorted(new.permissions),
            requests_per_minute=new.requests_per_minute,
            created_at=now,
            created_by=actor.user_id,
            expires_at=now + timedelta(days=new.days),
        )
        db.session.add(row)
        said = {"name": new.name, "permissions": ", ".join(sorted(new.permissions)), "days": new.days}
        said |= {"facility_id": row.facility_id, "requests_per_minute": row.requests_per_minute}
        audit.changed(actor, "token.issue", "api_token", row.id, old=None, new=said)
        claim.keep({"id": str(row.id)})
    return token


def _check(actor: Actor, new: NewToken) -> None:
    if not all(may_be_named(each) for each in new.permissions):
        raise RuleBroken(N_("No program may have one of these rights."), field="permissions")
    if not 1 <= new.days <= LONGEST:
        raise RuleBroken(N_("Between 1 and %(most)s days, please."), field="days", most=LONGEST)
    if not 1 <= new.requests_per_minute <= MOST_PER_MINUTE:
        raise RuleBroken(
            N_("Between 1 and %(most)s requests, please."), field="requests_per_minute", most=MOST_PER_MINUTE
        )
    if new.facility_id and new.facility_id not in {each.id for each in ports.facilities(actor)}:
        raise RuleBroken(N_("Choose a facility from the list."), field="facility_id")


def revoke(actor: Actor, token_id: UUID) -> str:
    """End a token at once; return its name. Raises NotFound."""
    require_manager(actor)
    with transaction():
        mine = ApiToken.id == token_id, ApiToken.organization_id == actor.organization_id
        ended = update(ApiToken).where(*mine, ApiToken.revoked_at.is_(None)).values(revoked_at=clock.now())
        name: str | None = db.session.scalar(ended.returning(ApiToken.name))
        if name is None:
            raise NotFound
        audit.changed(actor, "token.revoke", "api_token", token_id, old={"name": name}, new=None)
        return name


def of_tenant(actor: Actor) -> list[ShownToken]:
    """Return the tenant's tokens, the newest first."""
    places = {each.id: each.name for each in ports.facilities(actor)}
    rows = db.session.scalars(
        select(ApiToken)
        .where(ApiToken.organization_id == actor.organization_id)
        .order_by(ApiToken.created_at.desc())
        .limit(MOST_SHOWN)
    )
    now = clock.now()
    return [
        ShownToken(
            id=row.id,
            name=row.name,
            permissions=tuple(row.permissions),
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            is_open=row.revoked_at is None and row.expires_at > now,
            facility=places.get(row.facility_id) if row.facility_id else None,
            requests_per_minute=row.requests_per_minute,
        )
        for row in rows
    ]


def program_of(token: str, *, ip_address: str | None, user_agent: str | None) -> Program | None:
    """Return the program that a token belongs to. Its ``user_id`` is the token's own id: an actor without one
    would be this program itself, which may do everything."""
    with doors.of_api_token(token):
        return _program_of(token, ip_address, user_agent)


def _program_of(token: str, ip_address: str | None, user_agent: str | None) -> Program | None:
    now = clock.now()
    row = db.session.scalar(
        select(ApiToken).where(
            ApiToken.token_hash == hash_of(token), ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
        )
    )
    if row is None:
        return None
    actor = Actor(
        organization_id=row.organization_id,
        facility_id=row.facility_id,
        user_id=row.id,
        name=row.name,
        permissions=frozenset(row.permissions),
        ip_address=ip_address,
        user_agent=user_agent,
    )
    if row.last_used_at is None or now - row.last_used_at > USED_EVERY:
        with transaction():
            db.session.execute(update(ApiToken).where(ApiToken.id == row.id).values(last_used_at=now))
    return Program(actor, row.requests_per_minute)
