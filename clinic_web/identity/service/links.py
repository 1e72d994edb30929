"""Links to people: invitations, forgotten passwords, addresses to be shown as one's own.

A link's address comes from PUBLIC_URL, never from a request. Only its token's hash is kept, it opens once,
and a new one of its kind ends those before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update

from clinic_web.audit import api as audit
from clinic_web.events.identity import PasswordForgotten
from clinic_web.identity import doors, passwords
from clinic_web.identity.doors import hash_of
from clinic_web.identity.kinds import PATIENT, STAFF, kept, plain
from clinic_web.identity.links import INVITE, RESET, VERIFY, Link, LinkRequest
from clinic_web.identity.models import ACTIVE, DISABLED, User
from clinic_web.identity.ports import names_of_house, ports
from clinic_web.identity.service import tries
from clinic_web.identity.service.sessions import revoke_sessions_of
from clinic_web.identity.service.tries import Source, TooManyTries, normal
from clinic_web.kernel import bus, clock, jobs
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.ids import new_id, new_token
from clinic_web.kernel.unit_of_work import transaction

LASTS = {INVITE: timedelta(days=3), RESET: timedelta(minutes=30), VERIFY: timedelta(days=1)}
MOST_LETTERS_AN_HOUR = 3  # to one person
MOST_REQUESTS_AN_HOUR = 30  # from one address
KEPT_FOR = timedelta(days=30)
HOUR = timedelta(hours=1)
BATCH = 100
ASKED = text("SELECT number, first FROM identity.letters_asked(:address, :since)")


class LinkGone(NotFound):
    """The link was used, is too old, or never was (404)."""

    def __init__(self) -> None:
        super().__init__(N_("This link was used already or is too old. Please ask for another one."))


@dataclass(frozen=True)
class Opened:
    """What a link is for, and for whom."""

    purpose: str
    user_id: UUID
    username: str
    email: str | None


def make(user: User, purpose: str, *, is_mailed: bool = False) -> str:
    """Return the address of a new link, inside the caller's transaction; those before it end.

    ``is_mailed``: it goes to the person's address, and whoever uses it shows that the address is theirs.
    """
    token, now = new_token(), clock.now()
    former = delete(Link).where(Link.user_id == user.id, Link.purpose == purpose, Link.used_at.is_(None))
    db.session.execute(former)
    link = Link(
        id=new_id(),
        organization_id=user.organization_id,
        user_id=user.id,
        purpose=purpose,
        token_hash=hash_of(token),
        email=user.email if is_mailed else None,
        created_at=now,
        expires_at=now + LASTS[purpose],
    )
    db.session.add(link)
    db.session.flush()
    return f"{ports.public_url}{'/portal' if user.kind == PATIENT else ''}/link/{token}"


def opened(token: str | None, *, kind: str = STAFF) -> Opened:
    """Return what a link is for, without using it up: who checks letters for viruses opens them, too.

    It opens only at the door of its person's ``kind``.

    Raises LinkGone (404).
    """
    with doors.of_link(token):
        row = _found(token, kind)
    if row is None:
        raise LinkGone
    return Opened(row.purpose, row.user_id, plain(row.username), row.email)


def _found(token: str | None, kind: str) -> Any:
    return db.session.execute(
        select(Link.purpose, Link.user_id, Link.email, User.username)
        .join(User, User.id == Link.user_id)
        .where(
            Link.token_hash == hash_of(token or ""),
            Link.used_at.is_(None),
            Link.expires_at > clock.now(),
            User.kind == kind,
            User.status != DISABLED,
            User.deleted_at.is_(None),
        )
    ).first()


def choose_password(token: str | None, password: str, *, kind: str = STAFF) -> None:
    """Use an invitation or a reset up: its person signs in with this password, and nothing older.

    The second factor stays what it is. Raises LinkGone (404), RuleBroken (422, ``password``), Busy (503).
    """
    link = opened(token, kind=kind)
    if link.purpose == VERIFY:
        raise LinkGone
    passwords.require_good(password, link.username)
    password_hash = passwords.hashed(password)
    with doors.of_link(token), transaction():
        user = _used(token)
        passwords.require_good(password, link.username, names_of_house(system_actor(user.organization_id)))
        user.take_password(password_hash)
        tries.forgive(user, None)  # who guessed the old one has nothing to do with the new one
        actor = system_actor(user.organization_id)
        revoke_sessions_of(actor, user)
        new = {"password": "chosen by link", "purpose": link.purpose}
        audit.changed(actor, "user.set_password", "user", user.id, old=None, new=new)


def confirm_address(token: str | None, *, kind: str = STAFF) -> None:
    """Note that an address is its person's: the link arrived there. Raises LinkGone (404)."""
    if opened(token, kind=kind).purpose != VERIFY:
        raise LinkGone
    with doors.of_link(token), transaction():
        user = _used(token)
        actor = system_actor(user.organization_id)
        audit.changed(actor, "user.verify_email", "user", user.id, old=None, new={"email_verified": True})


def _used(token: str | None) -> User:
    """Use a link up; of two at once one gets it. Return its person, locked, whose address is shown by it."""
    taken = db.session.execute(
        update(Link)
        .where(Link.token_hash == hash_of(token or ""), Link.used_at.is_(None), Link.expires_at > clock.now())
        .values(used_at=clock.now())
        .returning(Link.user_id, Link.email)
    ).first()
    if taken is None:
        raise LinkGone
    user = db.session.scalars(select(User).where(User.id == taken.user_id).with_for_update()).one()
    if taken.email and user.email == taken.email:
        user.email_verified = True
    return user


def forgotten(typed: str, source: Source, *, kind: str = STAFF) -> None:
    """Note that somebody of this ``kind`` forgot their password; a job answers it. A stranger costs the same
    statements.

    Raises TooManyTries (429) where one address asks for very many.
    """
    address, now = normal(typed), clock.now()
    with doors.of_address(address, kind), transaction():
        count, first = db.session.execute(ASKED, {"address": source.ip_address, "since": now - HOUR}).one()
        if count >= MOST_REQUESTS_AN_HOUR:
            raise TooManyTries(first + HOUR - now)
        who = select(User.id, User.organization_id).where(
            (func.lower(User.username) == kept(address, kind)) | (func.lower(User.email) == address),
            User.kind == kind,
            User.status == ACTIVE,
            User.deleted_at.is_(None),
        )
        person = db.session.execute(who).first()
        request = LinkRequest(
            id=new_id(),
            user_id=person.id if person else None,
            organization_id=person.organization_id if person else None,
            ip_address=source.ip_address,
            requested_at=now,
        )
        db.session.add(request)
        jobs.enqueue_after_commit("identity.answer", str(request.id), job_id=f"link-request-{request.id}")


def answer(request_id: UUID) -> None:
    """Let a request's letter be written, where there is somebody to write to. Twice is harmless."""
    now = clock.now()
    with transaction():
        request = db.session.scalar(
            update(LinkRequest)
            .where(LinkRequest.id == request_id, LinkRequest.answered_at.is_(None))
            .values(answered_at=now)
            .returning(LinkRequest)
        )
        if request is None or request.user_id is None or request.organization_id is None:
            return
        lately = select(func.count()).where(
            LinkRequest.user_id == request.user_id, LinkRequest.answered_at > now - HOUR
        )
        if (db.session.scalar(lately) or 0) > MOST_LETTERS_AN_HOUR:
            return
        event = PasswordForgotten(
            organization_id=request.organization_id, user_id=request.user_id, request_id=request.id
        )
        bus.publish(event, system_actor(request.organization_id))


def answer_the_rest() -> None:
    """Answer what the queue lost; what nobody asked for is only noted as answered."""
    late = clock.now() - timedelta(seconds=20)
    waiting = select(LinkRequest.id).where(LinkRequest.answered_at.is_(None), LinkRequest.requested_at < late)
    for request_id in db.session.scalars(waiting.limit(BATCH)).all():
        answer(request_id)


def forget_old() -> None:
    before = clock.now() - KEPT_FOR
    with transaction():
        db.session.execute(delete(Link).where(Link.expires_at < before))
        db.session.execute(delete(LinkRequest).where(LinkRequest.requested_at < before))
