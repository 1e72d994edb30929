"""Who a token belongs to and what they may do (asked on every request); which sessions are open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from clinic_web.identity.doors import hash_of
from clinic_web.identity.kinds import PATIENT, STAFF
from clinic_web.identity.models import ACTIVE, User
from clinic_web.identity.permissions import EVERY_PATIENT, EVERYBODY, OF_PATIENTS
from clinic_web.identity.ports import ports
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import StreamMoved

IDLE_LIMIT = timedelta(hours=2)
ABSOLUTE_LIMIT = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """A signed-in person, in the form that Flask-Login wants its users."""

    token: str = field(repr=False)
    session_id: UUID
    actor: Actor
    language: str
    theme: str
    rights_stamp: UUID
    last_seen_at: datetime
    must_change_password: bool = False
    lacks_factor: bool = False

    is_authenticated = True
    is_active = True
    is_anonymous = False

    @property
    def display_name(self) -> str:
        return self.actor.name

    def get_id(self) -> str:
        return self.token


# Every request pays for this one. It says whether the session is open now, whose it is, and whether what this
# process remembers of the person and of their house is still so.
IS_OPEN = Statement(
    """
    SELECT organization_id, last_seen_at, rights_stamp, topic, epoch, seq
      FROM identity.session_of(:token_hash, :now, :idle_since)
    """,
    knows_no_tenant=True,
)

PERSON_OF = text(
    """
    SELECT s.id AS session_id, s.user_id, u.kind, u.organization_id, u.facility_id, u.staff_id,
           u.first_name, u.last_name, u.language, u.theme, u.must_change_password,
           NOT EXISTS (SELECT FROM identity.factors f
                        WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL)
           AND EXISTS (SELECT FROM identity.role_rules rr
                         JOIN identity.user_roles ur ON ur.role_id = rr.role_id
                        WHERE ur.user_id = u.id AND rr.organization_id = u.organization_id
                          AND rr.requires_second_factor) AS lacks_factor
      FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id
     WHERE s.token_hash = :token_hash
    """
)

BY_KIND = {STAFF: EVERYBODY, PATIENT: EVERY_PATIENT}

PERMISSIONS_OF = text(
    """
    SELECT p.name FROM identity.permissions p
     WHERE (p.name = ANY(:of_patients)) = (:kind = 'PATIENT')
       AND p.id IN (SELECT rp.permission_id
                      FROM identity.user_roles ur JOIN identity.role_permissions rp ON rp.role_id = ur.role_id
                     WHERE ur.user_id = :user_id
                     UNION ALL
                    SELECT up.permission_id FROM identity.user_permissions up
                     WHERE up.user_id = :user_id AND up.effect = 'ALLOW')
       AND NOT EXISTS (SELECT FROM identity.user_permissions no
                        WHERE no.user_id = :user_id AND no.permission_id = p.id AND no.effect = 'DENY')
    """
)

REQUIRES_FACTOR = text(
    """
    SELECT EXISTS (SELECT FROM identity.user_roles ur
                     JOIN identity.users u ON u.id = ur.user_id
                     JOIN identity.role_rules rr
                       ON rr.role_id = ur.role_id AND rr.organization_id = u.organization_id
                    WHERE ur.user_id = :user_id AND rr.requires_second_factor)
    """
)

OPEN = text("SELECT id, rights_stamp FROM identity.open_sessions(:ids, :now, :idle_since)")

OPEN_OF_USER = text(
    """
    SELECT id, host(ip_address) AS ip_address, user_agent, created_at, last_seen_at
      FROM identity.sessions
     WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > :now AND last_seen_at > :idle_since
     ORDER BY last_seen_at DESC
    """
)


@dataclass(slots=True)
class Remembered:
    """What this process last read of a session's person, and the stamp their row had then."""

    stamp: UUID
    session_id: UUID
    actor: Actor
    language: str
    theme: str
    last_seen_at: datetime
    must_change_password: bool = False
    lacks_factor: bool = False


MOST_REMEMBERED = 5000
_remembered: dict[bytes, Remembered] = {}
_sets: dict[frozenset[str], frozenset[str]] = {}  # people of one role share one set of rights


def actor_of_token(
    token: str, *, ip_address: str | None = None, user_agent: str | None = None
) -> SignedIn | None:
    """Return whose session this is, with their rights as they are now; None when it is not open."""
    token_hash = hash_of(token)
    found = _open_session(token_hash)
    if found is None:
        return None
    organization_id, last_seen_at, stamp = found
    person = _remembered.get(token_hash)
    if person is None or person.stamp != stamp:
        with tenant.of(organization_id):
            person = _read(token_hash, stamp, last_seen_at)
    person.last_seen_at = last_seen_at
    return _signed_in(token, person, ip_address, user_agent)


def _open_session(token_hash: bytes) -> tuple[UUID, datetime, UUID] | None:
    """Return the tenant, the last use and the rights stamp of an open session; what is kept of a house that
    has changed since, and of a session that is not open, is forgotten."""
    now = clock.now()
    row = IS_OPEN.first({"token_hash": token_hash, "now": now, "idle_since": now - IDLE_LIMIT})
    if row is None or row.organization_id is None:
        _remembered.pop(token_hash, None)
        return None
    organization_id, last_seen_at, stamp, topic, epoch, seq = row
    if topic:
        ports.house_stands_at(StreamMoved(topic, str(epoch), seq))
    return organization_id, last_seen_at, stamp


def is_still(user: SignedIn) -> bool:
    """Return whether somebody remembered is still signed in, with the same rights."""
    found = _open_session(hash_of(user.token))
    return found is not None and found[2] == user.rights_stamp


def remembered(token: str, *, ip_address: str | None, user_agent: str | None) -> SignedIn | None:
    """Return who this session's person was when PostgreSQL was last asked; None when this process never
    asked, or not since their last use was noted too long ago. Whether it is still so must be proved."""
    person = _remembered.get(hash_of(token))
    if person is None or clock.now() - person.last_seen_at >= SEEN_EVERY:
        return None
    return _signed_in(token, person, ip_address, user_agent)


def _signed_in(token: str, person: Remembered, ip_address: str | None, user_agent: str | None) -> SignedIn:
    return SignedIn(
        token=token,
        session_id=person.session_id,
        actor=_coming_from(person, ip_address, user_agent),
        language=person.language,
        theme=person.theme,
        rights_stamp=person.stamp,
        last_seen_at=person.last_seen_at,
        must_change_password=person.must_change_password,
        lacks_factor=person.lacks_factor,
    )


def _read(token_hash: bytes, stamp: UUID, last_seen_at: datetime) -> Remembered:
    """Read the person after the stamp: what is remembered under it may be newer than it says, never older."""
    row = db.session.execute(PERSON_OF, {"token_hash": token_hash}).one()
    actor = Actor(
        organization_id=row.organization_id,
        facility_id=row.facility_id,
        user_id=row.user_id,
        staff_id=row.staff_id,
        name=f"{row.first_name} {row.last_name}",
        # With a password that somebody handed over one can do nothing but choose another; without the second
        # factor that one's role needs, nothing but set one up.
        permissions=BY_KIND[row.kind]
        if row.must_change_password or row.lacks_factor
        else permissions_of(row.user_id, row.kind),
    )
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    person = Remembered(
        stamp=stamp,
        session_id=row.session_id,
        actor=actor,
        language=row.language,
        theme=row.theme,
        last_seen_at=last_seen_at,
        must_change_password=row.must_change_password,
        lacks_factor=row.lacks_factor,
    )
    _remembered[token_hash] = person
    return person


def _coming_from(person: Remembered, ip_address: str | None, user_agent: str | None) -> Actor:
    """A browser seldom changes its address: its actor is made once, not once per request."""
    if person.actor.ip_address != ip_address or person.actor.user_agent != user_agent:
        person.actor = replace(person.actor, ip_address=ip_address, user_agent=user_agent)
    return person.actor


def permissions_of(user_id: UUID, kind: str | None = None) -> frozenset[str]:
    """Return what a person may do now: what everybody of their kind may, plus roles and gifts, minus denials.

    Whatever roles say, a patient has only what is patients' and nobody else has that.
    """
    kind = kind or db.session.scalar(select(User.kind).where(User.id == user_id)) or STAFF
    asked = {"user_id": user_id, "kind": kind, "of_patients": sorted(OF_PATIENTS)}
    names = BY_KIND[kind].union(db.session.scalars(PERMISSIONS_OF, asked))
    return _sets.setdefault(names, names)


def requires_factor(user_id: UUID) -> bool:
    """Return whether one of a person's roles needs a second factor."""
    return bool(db.session.scalar(REQUIRES_FACTOR, {"user_id": user_id}))


def actors_of(organization_id: UUID) -> dict[str, Actor]:
    """Return every colleague of a tenant who may sign in, by user name, for commands that act as them."""
    people = db.session.scalars(
        select(User).where(
            User.organization_id == organization_id,
            User.kind == STAFF,
            User.status == ACTIVE,
            User.deleted_at.is_(None),
        )
    )
    return {
        person.username: Actor(
            organization_id=person.organization_id,
            facility_id=person.facility_id,
            user_id=person.id,
            staff_id=person.staff_id,
            name=f"{person.first_name} {person.last_name}",
            permissions=permissions_of(person.id),
        )
        for person in people
    }


def open_session_rights(ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return which of these sessions are still open, each with its person's rights stamp."""
    rows = db.session.execute(OPEN, {"ids": list(ids), **_limits()})
    return {session_id: stamp for session_id, stamp in rows}


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner sees it in the list."""

    id: UUID
    ip_address: str | None
    device: str
    created_at: datetime
    last_seen_at: datetime
    is_this: bool


def open_sessions(user_id: UUID, this: UUID | None) -> list[OpenSession]:
    """Return a person's open sessions, the one in use first, then the last used."""
    rows = db.session.execute(OPEN_OF_USER, {"user_id": user_id, **_limits()})
    sessions = [
        OpenSession(
            row.id,
            row.ip_address,
            device_of(row.user_agent),
            row.created_at,
            row.last_seen_at,
            row.id == this,
        )
        for row in rows
    ]
    return sorted(sessions, key=lambda each: not each.is_this)


def _limits() -> dict[str, Any]:
    now = clock.now()
    return {"now": now, "idle_since": now - IDLE_LIMIT}


# The first that is found; Edge calls itself Chrome too, and everybody calls themselves Safari.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
}


def device_of(user_agent: str | None) -> str:
    """Return browser and system in two words, empty when the browser does not say."""
    agent = user_agent or ""
    browser = next((name for mark, name in BROWSERS.items() if mark in agent), "")
    system = next(
        (name for mark, name in SYSTEMS.items() if mark in agent), "Linux" if "Linux" in agent else ""
    )
    return ", ".join(filter(None, (browser, system)))
