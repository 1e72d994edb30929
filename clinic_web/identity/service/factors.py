"""The second factors of a person: an authenticator app, passkeys, and ten codes on paper beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import ColumnElement, delete, exists, select, text

from clinic_web.audit import api as audit
from clinic_web.identity import queries
from clinic_web.identity.access import user_for
from clinic_web.identity.kinds import plain
from clinic_web.identity.models import User
from clinic_web.identity.proofs import PASSKEY, TOTP, Factor, RecoveryCode
from clinic_web.identity.service import codes
from clinic_web.kernel import clock, secret_store
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

ISSUER = "Clinic Web"
OTHER_KEY = text(
    "SELECT id FROM identity.factors WHERE kind = 'TOTP' AND key_id <> :newest ORDER BY id FOR UPDATE"
)


class WrongCode(RuleBroken):
    """The code is not right, or was used before (422)."""

    def __init__(self) -> None:
        super().__init__(N_("This code is not right, or it was used before."), field="code")


@dataclass(frozen=True)
class Setup:
    """What an authenticator app is told, once: by a picture (``uri``) or typed (``seed``)."""

    seed: str
    uri: str


@dataclass(frozen=True)
class OwnFactor:
    id: UUID
    name: str
    confirmed_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class Own:
    """A person's factors. ``codes_left`` of ten; ``is_required`` by one of their roles."""

    app: OwnFactor | None
    passkeys: list[OwnFactor]
    codes_left: int
    is_required: bool

    @property
    def has_any(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def own(user_id: UUID) -> Own:
    """Return what a person has; three statements."""
    rows = db.session.scalars(
        select(Factor)
        .where(Factor.user_id == user_id, Factor.confirmed_at.is_not(None))
        .order_by(Factor.confirmed_at)
    ).all()
    shown = [
        (row.kind, OwnFactor(row.id, row.name, row.confirmed_at, row.last_used_at))
        for row in rows
        if row.confirmed_at
    ]
    return Own(
        app=next((each for kind, each in shown if kind == TOTP), None),
        passkeys=[each for kind, each in shown if kind == PASSKEY],
        codes_left=codes.left(user_id),
        is_required=queries.requires_factor(user_id),
    )


def begin_app(actor: Actor) -> None:
    """Make a seed for an authenticator app; it counts from its first right code on."""
    with transaction():
        user = _me(actor)
        db.session.execute(delete(Factor).where(_begun(user.id)))
        app = Factor(id=new_id(), organization_id=user.organization_id, user_id=user.id, kind=TOTP)
        app.keep_secret(secret_store.seal(pyotp.random_base32().encode(), app.about()))
        db.session.add(app)


def begun(actor: Actor) -> Setup | None:
    """Return what the app is to be told, until its first code was right."""
    if actor.user_id is None:
        return None
    app = db.session.scalar(select(Factor).where(_begun(actor.user_id)))
    if app is None:
        return None
    seed = codes.seed_of(app)
    username = db.session.scalars(select(User.username).where(User.id == actor.user_id)).one()
    return Setup(seed, pyotp.TOTP(seed).provisioning_uri(name=plain(username), issuer_name=ISSUER))


def confirm_app(actor: Actor, code: str) -> list[str] | None:
    """Let the app count, instead of one before it. Return ten recovery codes if there were none.

    Raises WrongCode (422), StaleScreen (409) when there is nothing to confirm.
    """
    with transaction():
        user = _me(actor)
        app = db.session.scalar(select(Factor).where(_begun(user.id)).with_for_update())
        if app is None:
            raise StaleScreen(N_("This was finished already, or begun anew. Please look again."))
        if not codes.takes(app, codes.typed(code)):
            raise WrongCode
        former = Factor.kind == TOTP, Factor.confirmed_at.is_not(None)
        db.session.execute(delete(Factor).where(Factor.user_id == user.id, *former))
        app.confirmed_at = clock.now()
        db.session.flush()
        return added(actor, user, app)


def added(actor: Actor, user: User, factor: Factor) -> list[str] | None:
    """Note a new factor, inside the caller's transaction; with the first one come recovery codes."""
    user.rights_changed()
    audit.changed(actor, "factor.add", "user", user.id, old=None, new={"factor": factor.kind})
    has_codes = db.session.scalar(select(exists().where(RecoveryCode.user_id == user.id)))
    return None if has_codes else codes.new_codes(user.organization_id, user.id)


def renew_codes(actor: Actor) -> list[str]:
    """Return ten new recovery codes; those before open nothing any more. Raises RuleBroken (422)."""
    with transaction():
        user = _me(actor)
        if not own(user.id).has_any:
            raise RuleBroken(N_("First set up an app or a passkey; the codes stand in for it."))
        audit.changed(
            actor, "factor.renew_codes", "user", user.id, old=None, new={"recovery_codes": codes.CODES}
        )
        return codes.new_codes(user.organization_id, user.id)


def remove(actor: Actor, factor_id: UUID) -> None:
    """Remove a factor of one's own; with the last one go the codes.

    Raises NotFound, RuleBroken (422) where a role needs one.
    """
    with transaction():
        user = _me(actor)
        mine = own(user.id)
        if len([*mine.passkeys, mine.app]) - (mine.app is None) == 1 and mine.is_required:
            raise RuleBroken(N_("Your role needs a second factor. Set up another one first."))
        found = delete(Factor).where(Factor.id == factor_id, Factor.user_id == user.id)
        kind = db.session.scalar(found.returning(Factor.kind))
        if kind is None:
            raise NotFound
        _removed(actor, user, kind)


def remove_all(actor: Actor, user: User) -> None:
    """Remove all factors of a person who lost them, inside the caller's transaction."""
    db.session.execute(delete(Factor).where(Factor.user_id == user.id))
    _removed(actor, user, "all")


def _removed(actor: Actor, user: User, kind: str) -> None:
    if not db.session.scalar(
        select(exists().where(Factor.user_id == user.id, Factor.confirmed_at.is_not(None)))
    ):
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    user.rights_changed()
    audit.changed(actor, "factor.remove", "user", user.id, old={"factor": kind}, new=None)


def _begun(user_id: UUID) -> ColumnElement[bool]:
    return (Factor.user_id == user_id) & (Factor.kind == TOTP) & Factor.confirmed_at.is_(None)


def _me(actor: Actor) -> User:
    if actor.user_id is None:
        raise NotFound
    return user_for(actor, actor.user_id)


def seal_again() -> None:
    """Seal the seeds that an older key sealed with the newest one."""
    with transaction():
        for factor_id in db.session.scalars(OTHER_KEY, {"newest": secret_store.newest_key()}).all():
            app = db.session.get_one(Factor, factor_id)
            app.keep_secret(secret_store.seal(codes.seed_of(app).encode(), app.about()))
