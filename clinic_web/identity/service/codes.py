"""The codes that people type as second factor: of their authenticator app, or one of ten from paper."""

from __future__ import annotations

import secrets
import unicodedata
from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import delete, func, select, update

from clinic_web.identity import passwords
from clinic_web.identity.proofs import TOTP, Factor, RecoveryCode
from clinic_web.kernel import clock, ids, secret_store
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id

CODES, GROUPS, GROUP = 10, 3, 4  # each 60 random bits, as slow to try as a password
SALT_BYTES = 16
DIGITS = 6
NEIGHBOURS = 1  # a telephone's clock may be half a minute off


def typed(code: str) -> str:
    """Return a code as it is compared: blanks and hyphens away, any script's digits as 0-9, capitals."""
    kept = (each for each in unicodedata.normalize("NFKC", code) if each.isalnum())
    return "".join(str(unicodedata.digit(each, each)) for each in kept).upper()


def is_of_an_app(code: str) -> bool:
    return len(code) == DIGITS and code.isdigit()


def seed_of(factor: Factor) -> str:
    """Return an app's seed. Raises SecretLost when the key that sealed it is gone."""
    return secret_store.unseal(factor.sealed(), factor.about()).decode()


def takes(factor: Factor, code: str) -> bool:
    """Take a code of an app whose row is locked: each half minute's only once, and never an older one."""
    try:
        step = pyotp.TOTP(seed_of(factor)).verify_and_get_timecode(
            code, for_time=clock.now(), valid_window=NEIGHBOURS
        )
    except OTPVerificationError:
        return False
    return factor.used_in(step)


def app_takes(user_id: UUID, code: str) -> bool:
    """Take a code of the person's app, inside the caller's transaction; of two at once one gets it."""
    app = db.session.scalar(
        select(Factor)
        .where(Factor.user_id == user_id, Factor.kind == TOTP, Factor.confirmed_at.is_not(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return app is not None and takes(app, code)


def new_codes(organization_id: UUID, user_id: UUID) -> list[str]:
    """Return ten new codes instead of those before, inside the caller's transaction; only hashes are kept."""
    fresh = ["-".join(ids.code(GROUP) for _ in range(GROUPS)) for _ in range(CODES)]
    salt = secrets.token_bytes(SALT_BYTES)
    hashes = [passwords.digest(typed(code), salt) for code in fresh]
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.session.add_all(
        RecoveryCode(id=new_id(), organization_id=organization_id, user_id=user_id, salt=salt, code_hash=each)
        for each in hashes
    )
    return fresh


def digest_of(user_id: UUID, code: str) -> bytes | None:
    """Return what a recovery code would be kept as; None where the person has none. Raises Busy.

    Slow on purpose, so it is made before the transaction that asks for it.
    """
    salt = db.session.scalar(select(RecoveryCode.salt).where(RecoveryCode.user_id == user_id).limit(1))
    return None if salt is None else passwords.digest(code, salt)


def recovery_takes(user_id: UUID, digest: bytes | None) -> bool:
    """Use a recovery code up, inside the caller's transaction; of two at once one gets it."""
    taken = db.session.scalar(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id, RecoveryCode.code_hash == digest, RecoveryCode.used_at.is_(None)
        )
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    return taken is not None


def left(user_id: UUID) -> int:
    """Return how many recovery codes a person has not used."""
    unused = select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(unused) or 0
