"""Browsers that a person has signed in with before. The browser keeps a signed token, the row its hash.

A known device is no proof of who somebody is. It only keeps its tries apart from those of strangers, so that
nobody's guessing can delay the owner, and lets the owner hear of one that is new.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from clinic_web.audit import api as audit
from clinic_web.events.identity import DeviceAppeared
from clinic_web.identity.devices import Device
from clinic_web.identity.models import Session
from clinic_web.identity.queries import device_of
from clinic_web.identity.service.sessions import end
from clinic_web.identity.service.tries import Source
from clinic_web.kernel import bus, clock
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction

MOST_SHOWN = 50


def fingerprint_of(token: str) -> str:
    """Return what the database keeps of a device's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def note(organization_id: UUID, user_id: UUID, source: Source, *, by_factor: bool = False) -> None:
    """Know the device from now on, in the transaction that lets its person in; tell of one that is new."""
    if source.device is None:
        return
    now, name = clock.now(), device_of(source.user_agent)
    is_first = not db.session.scalar(select(select(Device).where(Device.user_id == user_id).exists()))
    statement = insert(Device).values(
        id=new_id(),
        organization_id=organization_id,
        user_id=user_id,
        fingerprint=source.device,
        name=name,
        # The first one is where it all began; and whoever showed a second factor is the owner.
        is_verified=is_first or by_factor,
        ip_address=source.ip_address,
        created_at=now,
        last_used=now,
    )
    row = db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["user_id", "fingerprint"],
            set_={
                "last_used": now,
                "ip_address": source.ip_address,
                "name": name,
                "is_verified": Device.is_verified | by_factor,
            },
        ).returning(Device.id, Device.created_at)
    ).one()
    if row.created_at == now and not is_first:
        event = DeviceAppeared(organization_id=organization_id, user_id=user_id, device_id=row.id)
        bus.publish(event, system_actor(organization_id))


@dataclass(frozen=True)
class OwnDevice:
    id: UUID
    name: str
    ip_address: str | None
    created_at: datetime
    last_used: datetime
    is_verified: bool
    is_this: bool


def own(user_id: UUID, here: Source) -> list[OwnDevice]:
    """Return a person's devices: this one, those they have not said to be theirs, the last used."""
    rows = db.session.scalars(
        select(Device).where(Device.user_id == user_id).order_by(Device.last_used.desc()).limit(MOST_SHOWN)
    )
    shown = [
        OwnDevice(
            id=row.id,
            name=row.name,
            ip_address=row.ip_address,
            created_at=row.created_at,
            last_used=row.last_used,
            is_verified=row.is_verified,
            is_this=row.fingerprint == here.device,
        )
        for row in rows
    ]
    return sorted(shown, key=lambda each: (not each.is_this, each.is_verified))


def has_strange(user_id: UUID, here: Source) -> bool:
    """Return whether a device signed in as this person that they have not said to be theirs."""
    strange = select(Device.id).where(
        Device.user_id == user_id, Device.is_verified.is_(False), Device.fingerprint != here.device
    )
    return bool(db.session.scalar(select(strange.exists())))


def accept(actor: Actor, device_id: UUID, here: Source) -> None:
    """The owner says: that was me. Raises NotFound, RuleBroken (422).

    Only where the owner was known before: else a stranger's browser could vouch for itself.
    """
    vouching = select(Device.id).where(
        Device.user_id == actor.user_id, Device.fingerprint == here.device, Device.is_verified.is_(True)
    )
    with transaction():
        found = db.session.scalar(
            update(Device)
            .where(Device.id == device_id, Device.user_id == actor.user_id)
            .values(is_verified=True)
            .returning(Device.id)
        )
        if found is None:
            raise NotFound
        if db.session.scalar(vouching.where(Device.id != device_id)) is None:
            raise RuleBroken(N_("Please say so on a device that you have used before."))


def forget(actor: Actor, device_id: UUID) -> None:
    """Know a device of one's own no longer, and end what is signed in on it. Raises NotFound."""
    with transaction():
        gone = db.session.execute(
            delete(Device)
            .where(Device.id == device_id, Device.user_id == actor.user_id)
            .returning(Device.fingerprint, Device.name)
        ).first()
        if gone is None:
            raise NotFound
        there = select(Session).where(
            Session.user_id == actor.user_id,
            Session.device_fingerprint == gone.fingerprint,
            Session.revoked_at.is_(None),
        )
        for session in db.session.scalars(there.with_for_update()):
            end(actor, session)
        audit.changed(actor, "device.forget", "device", device_id, old={"device": gone.name}, new=None)
