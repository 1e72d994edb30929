"""Passkeys (WebAuthn). A device proves that it holds a private key and that its owner unlocked it for us.

One alone is enough to sign in, because it is two factors: the device, and the finger or PIN that unlocks it.
So user verification is demanded everywhere, and a passkey answers only the challenge that this program made
for this purpose, for this address (RP id and origin come from PUBLIC_URL, never from the request), once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from sqlalchemy import func, select

from clinic_web.identity import doors
from clinic_web.identity.access import user_for
from clinic_web.identity.kinds import plain
from clinic_web.identity.models import ACTIVE, LoginAttempt, User
from clinic_web.identity.proofs import KEY_ONLY, PASSKEY, PROVE, REGISTER, SIGN_IN, Challenge, Factor
from clinic_web.identity.service import challenges, devices, factors, proving, tries
from clinic_web.identity.service.challenges import Begun
from clinic_web.identity.service.sessions import open_session
from clinic_web.identity.service.tries import Source
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

logger = structlog.get_logger(__name__)

RP_NAME = "Clinic Web"
LONGEST_CREDENTIAL = 20_000  # characters of the browser's answer
LONGEST_NAME = 60
MOST = 20
MOST_ASKED = 500  # questions of one address that wait: a whole hospital may be behind it


class PasskeyRefused(RuleBroken):
    """The passkey's answer proves nothing (422); why is in the log."""

    def __init__(self) -> None:
        super().__init__(N_("This passkey opens nothing here. Please try again."), field="credential")


@dataclass(frozen=True)
class Site:
    """Where people open the program, as it knows itself: a request's Host header has no say."""

    origin: str

    @property
    def rp_id(self) -> str:
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True)
class Question:
    """What the browser asks the passkey (``options``, JSON), and the token that its answer needs."""

    options: str
    token: str


def ask_to_register(actor: Actor, site: Site) -> Question:
    """Begin a new passkey of one's own; those that are known already are not offered twice."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    user = _me(actor)
    options = generate_registration_options(
        rp_id=site.rp_id,
        rp_name=RP_NAME,
        user_id=user.id.bytes,
        user_name=plain(user.username),
        user_display_name=user.display_name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_known_of(user.id),
    )
    token = challenges.begin(
        REGISTER, organization_id=user.organization_id, user_id=user.id, challenge=options.challenge
    )
    return Question(options_to_json(options), token)


def register(actor: Actor, token: str | None, credential: str, name: str, site: Site) -> list[str] | None:
    """Keep a new passkey. Return ten recovery codes if there were none.

    Raises ProofGone (409), PasskeyRefused, RuleBroken (422: too many).
    """
    from webauthn import verify_registration_response
    from webauthn.helpers import parse_registration_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    begun = _take(token, REGISTER)
    if begun.user_id != actor.user_id:
        raise PasskeyRefused
    try:
        answer = parse_registration_credential_json(_bounded(credential))
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=begun.challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError) as error:
        raise _refused(error) from error
    with transaction():
        user = user_for(actor, _me(actor).id)
        if len(_known_of(user.id)) >= MOST:
            raise RuleBroken(N_("These are enough passkeys. Remove one first."))
        if db.session.scalar(select(Factor.id).where(Factor.credential_id == verified.credential_id)):
            raise PasskeyRefused
        passkey = Factor(
            id=new_id(),
            organization_id=user.organization_id,
            user_id=user.id,
            kind=PASSKEY,
            name=" ".join(name.split())[:LONGEST_NAME],
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            transports=" ".join(each.value for each in answer.response.transports or []),
            is_backed_up=verified.credential_backed_up,
            confirmed_at=clock.now(),
        )
        db.session.add(passkey)
        db.session.flush()
        return factors.added(actor, user, passkey)


def ask_anybody(site: Site, source: Source) -> Question:
    """Ask for any passkey of this site: the person is who it belongs to.

    Raises TooManyTries (429): a stranger's questions are rows, and one address gets only so many of them.
    """
    asked = select(func.count()).where(
        Challenge.ip_address == source.ip_address, Challenge.purpose == KEY_ONLY
    )
    with tenant.of(tenant.NOBODY):  # also in a browser where somebody is signed in
        if (db.session.scalar(asked) or 0) >= MOST_ASKED:
            raise tries.TooManyTries(challenges.LASTS)
        return _ask(site, KEY_ONLY, None, source)


def ask_person(user_id: UUID, site: Site, source: Source) -> Question:
    """Ask for one of a person's passkeys, before a weighty act."""
    return _ask(site, PROVE, user_id, source)


def ask_at_second_step(token: str | None, site: Site, source: Source) -> Question:
    """Ask who has shown the password for one of their passkeys. Raises ProofGone (409)."""
    with doors.of_challenge(token):
        begun = challenges.waiting(token, SIGN_IN)
        if begun is None:
            raise challenges.ProofGone
        return _ask(site, PROVE, begun.user_id, source)


def _ask(site: Site, purpose: str, user_id: UUID | None, source: Source) -> Question:
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import UserVerificationRequirement

    options = generate_authentication_options(
        rp_id=site.rp_id,
        allow_credentials=_known_of(user_id) if user_id else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    organization_id = db.session.scalar(select(User.organization_id).where(User.id == user_id))
    token = challenges.begin(
        purpose,
        organization_id=organization_id,
        user_id=user_id,
        challenge=options.challenge,
        ip_address=source.ip_address,
    )
    return Question(options_to_json(options), token)


def enter(token: str | None, credential: str, site: Site, source: Source) -> str:
    """Sign the owner of a passkey in by it alone; return the token of a new session.

    Raises ProofGone (409), PasskeyRefused (422).
    """
    begun = _take(token, KEY_ONLY)
    with _noted(source), _owner_of(credential), transaction():
        return _let_in(_shown(begun, credential, site), source)


def enter_second_step(
    half: str | None, token: str | None, credential: str, site: Site, source: Source
) -> str:
    """Sign in who has shown the password and now one of their passkeys; return the new session's token.

    Raises ProofGone (409), PasskeyRefused (422).
    """
    begun = _take(token, PROVE)
    with _noted(source), _owner_of(credential), transaction():
        passkey = _shown(begun, credential, site)
        if challenges.take(half, SIGN_IN).user_id != passkey.user_id:
            raise PasskeyRefused
        return _let_in(passkey, source)


def prove(actor: Actor, session_id: UUID, token: str | None, credential: str, site: Site) -> str:
    """Prove by a passkey that it is still oneself; return the session's new token.

    Raises ProofGone (409), PasskeyRefused (422).
    """
    begun = _take(token, PROVE)
    with _noted(Source(ip_address=actor.ip_address)), transaction():
        if _shown(begun, credential, site).user_id != actor.user_id:
            raise PasskeyRefused
        return proving.note(session_id, by_factor=True)


def _take(token: str | None, purpose: str) -> Begun:
    """A challenge is used up before the answer is looked at: a wrong one can't be tried again."""
    with doors.of_challenge(token), transaction():
        return challenges.take(token, purpose)


def _owner_of(credential: str) -> AbstractContextManager[None]:
    """Work for the tenant of who holds the passkey that answered; for nobody where there is none."""
    from webauthn.helpers import parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return doors.of_passkey(parse_authentication_credential_json(_bounded(credential)).raw_id)
    except (WebAuthnException, ValueError, KeyError) as error:
        raise _refused(error) from error


def _shown(begun: Begun, credential: str, site: Site) -> Factor:
    """Return the passkey that answered the challenge, its row locked, with its counter moved on."""
    from webauthn import verify_authentication_response
    from webauthn.helpers import parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        answer = parse_authentication_credential_json(_bounded(credential))
        passkey = _passkey(answer.raw_id)
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=begun.challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key or b"",
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError) as error:
        raise _refused(error) from error
    if begun.user_id not in (None, passkey.user_id):
        raise _refused(ValueError("somebody else's passkey"))
    if answer.response.user_handle not in (None, b"", passkey.user_id.bytes):
        raise _refused(ValueError("a user handle of somebody else"))
    passkey.sign_count, passkey.last_used_at = verified.new_sign_count, clock.now()
    passkey.is_backed_up = verified.credential_backed_up
    return passkey


def _passkey(credential_id: bytes) -> Factor:
    row = db.session.scalar(
        select(Factor)
        .join(User, User.id == Factor.user_id)
        .where(
            Factor.credential_id == credential_id,
            Factor.kind == PASSKEY,
            User.status == ACTIVE,
            User.deleted_at.is_(None),
        )
        .with_for_update(of=Factor)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise ValueError("an unknown passkey")
    return row


def _let_in(passkey: Factor, source: Source) -> str:
    user = db.session.get_one(User, passkey.user_id)
    one = tries.Try(id=_write_try(user.username, source, is_right=True), failures=0, person=user.id)
    tries.succeeded(one)
    devices.note(user.organization_id, user.id, source, by_factor=True)
    return open_session(user.id, source, by_second_factor=True)


@contextmanager
def _noted(source: Source) -> Iterator[None]:
    """A passkey that opened nothing is in the list of tries, and delays nobody: no signature is guessed."""
    try:
        yield
    except PasskeyRefused:
        with tenant.of(tenant.NOBODY), transaction():
            _write_try("passkey", source, is_right=False)
        raise


def _write_try(name: str, source: Source, *, is_right: bool) -> UUID:
    attempt = LoginAttempt(
        id=new_id(),
        email=name,
        ip_address=source.ip_address,
        success=is_right,
        reason=None if is_right else tries.WRONG_PASSKEY,
        attempted_at=clock.now(),
    )
    db.session.add(attempt)
    db.session.flush()
    return attempt.id


def _known_of(user_id: UUID) -> list[Any]:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    rows = db.session.execute(
        select(Factor.credential_id, Factor.transports).where(
            Factor.user_id == user_id, Factor.kind == PASSKEY
        )
    )
    return [
        PublicKeyCredentialDescriptor(
            id=row.credential_id, transports=[AuthenticatorTransport(each) for each in row.transports.split()]
        )
        for row in rows
    ]


def _bounded(credential: str) -> str:
    if len(credential) > LONGEST_CREDENTIAL:
        raise ValueError("too long")
    return credential


def _refused(error: Exception) -> PasskeyRefused:
    logger.info("passkey_refused", error_type=type(error).__name__)
    return PasskeyRefused()


def _me(actor: Actor) -> User:
    user = db.session.get(User, actor.user_id) if actor.user_id else None
    if user is None:
        raise NotFound
    return user
