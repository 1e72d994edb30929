"""Tokens of programs: issued with named rights for some time, shown once, revoked at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from clinic_web.audit import api as audit
from clinic_web.identity import doors
from clinic_web.identity.access import require_at_least, require_manager
from clinic_web.identity.doors import hash_of
from clinic_web.identity.tokens import ApiToken
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id, new_token
from clinic_web.kernel.unit_of_work import transaction

LONGEST = 365  # days
READING = frozenset(
    {"view", "view_all", "view_any", "search", "export"}
)  # a token opens nothing that changes anything
USED_EVERY = timedelta(minutes=1)
MOST_SHOWN = 200


def may_be_named(permission: str) -> bool:
    """Return whether a token may have this right: one to read."""
    return permission.partition(".")[2] in READING


@dataclass(frozen=True)
class ShownToken:
    id: UUID
    name: str
    permissions: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    is_open: bool


def issue(actor: Actor, name: str, permissions: Collection[str], days: int, *, key: str | None) -> str | None:
    """Return a new token, which is kept nowhere; None where the form was sent again.

    Raises NotAllowed (a right that the actor does not have), RuleBroken (422).
    """
    require_manager(actor)
    require_at_least(actor, permissions)
    if not all(may_be_named(each) for each in permissions):
        raise RuleBroken(
            N_("A token only reads. Choose rights to see or find something."), field="permissions"
        )
    if not 1 <= days <= LONGEST:
        raise RuleBroken(N_("Between 1 and %(most)s days, please."), field="days", most=LONGEST)
    token, now = new_token(), clock.now()
    with transaction():
        body = {"name": name, "permissions": sorted(permissions), "days": days}
        claim = idempotency.claim(actor, "token.issue", key, body)
        if claim.answer is not None:
            return None
        row = ApiToken(
            id=new_id(),
            organization_id=actor.organization_id,
            facility_id=actor.facility_id,
            name=name,
            token_hash=hash_of(token),
            permissions=sorted(permissions),
            created_at=now,
            created_by=actor.user_id,
            expires_at=now + timedelta(days=days),
        )
        db.session.add(row)
        new = {"name": name, "permissions": ", ".join(sorted(permissions)), "days": days}
        audit.changed(actor, "token.issue", "api_token", row.id, old=None, new=new)
        claim.keep({"id": str(row.id)})
    return token


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
        )
        for row in rows
    ]


def actor_of(token: str, *, ip_address: str | None, user_agent: str | None) -> Actor | None:
    """Return the program that a token belongs to. ``user_id`` is the token's own id: an actor without one
    would be this program itself, which may do everything."""
    with doors.of_api_token(token):
        return _actor_of(token, ip_address, user_agent)


def _actor_of(token: str, ip_address: str | None, user_agent: str | None) -> Actor | None:
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
    return actor
