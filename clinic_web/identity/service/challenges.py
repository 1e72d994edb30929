"""Proofs that have begun. A challenge is short-lived, serves once, and opens nothing by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from clinic_web.identity.doors import hash_of
from clinic_web.identity.proofs import SIGN_IN, Challenge
from clinic_web.identity.service.tries import Source, Try
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.ids import new_id, new_token
from clinic_web.kernel.unit_of_work import transaction

LASTS = timedelta(minutes=10)


class ProofGone(StaleScreen):
    """What was begun took too long, or was finished already (409)."""

    def __init__(self) -> None:
        super().__init__(N_("This took too long. Please begin again."))


def begin_second_step(one: Try, source: Source) -> str:
    """Let a person whose password was right go on to their second factor; return the page's token."""
    return begin(
        SIGN_IN, organization_id=one.organization_id, user_id=one.person, ip_address=source.ip_address
    )


def begin(
    purpose: str,
    *,
    organization_id: UUID | None,
    user_id: UUID | None,
    challenge: bytes | None = None,
    ip_address: str | None = None,
) -> str:
    """Write a challenge down and return its token, which is kept nowhere."""
    token, now = new_token(), clock.now()
    with transaction():
        db.session.add(
            Challenge(
                id=new_id(),
                organization_id=organization_id,
                user_id=user_id,
                purpose=purpose,
                token_hash=hash_of(token),
                challenge=challenge,
                ip_address=ip_address,
                created_at=now,
                expires_at=now + LASTS,
            )
        )
    return token


def waiting(token: str | None, purpose: str) -> Challenge | None:
    """Return the challenge as it stands, to look at."""
    if not token:
        return None
    return db.session.scalar(
        select(Challenge).where(
            Challenge.token_hash == hash_of(token),
            Challenge.purpose == purpose,
            Challenge.expires_at > clock.now(),
        )
    )


@dataclass(frozen=True)
class Begun:
    """A challenge that was used up a moment ago: who was asked, and what is to be signed."""

    user_id: UUID | None
    challenge: bytes


def take(token: str | None, purpose: str) -> Begun:
    """Use a challenge up, inside the caller's transaction: of two at once one gets it. Raises ProofGone."""
    row = None
    if token:
        row = db.session.execute(
            delete(Challenge)
            .where(
                Challenge.token_hash == hash_of(token),
                Challenge.purpose == purpose,
                Challenge.expires_at > clock.now(),
            )
            .returning(Challenge.user_id, Challenge.challenge)
        ).first()
    if row is None:
        raise ProofGone
    return Begun(row.user_id, row.challenge or b"")


def forget_old() -> None:
    with transaction():
        db.session.execute(delete(Challenge).where(Challenge.expires_at < clock.now()))
