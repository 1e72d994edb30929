"""What a letter to one of our own people says: to whom, in which language, with which link.

Notifications asks for it at the moment of sending: only then the link is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.identity import AddressGiven, StaffInvited
from clinic_web.identity.access import user_for
from clinic_web.identity.devices import Device
from clinic_web.identity.links import INVITE, RESET, VERIFY
from clinic_web.identity.models import DISABLED, User
from clinic_web.identity.ports import ports
from clinic_web.identity.service import links
from clinic_web.identity.service.people import taken
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.unit_of_work import transaction

LINKS = {"staff_invitation": INVITE, "password_reset": RESET, "email_verification": VERIFY}


@dataclass(frozen=True)
class Letter:
    """``link`` is there for letters that carry one; ``device`` for the one about a new device."""

    recipient: str
    language: str
    name: str
    username: str
    link: str = ""
    device: str = ""
    ip_address: str = ""
    at: datetime | None = None


def letter_for(template: str, user_id: UUID, device_id: UUID | None) -> Letter | None:
    """Return a letter's values, its link made now; None where there is nobody to write to any more."""
    with transaction():
        user = db.session.scalar(select(User).where(User.id == user_id).with_for_update())
        if user is None or user.deleted_at or user.status == DISABLED or not user.email:
            return None
        # Only an address that was shown to be theirs may open the way to a new password.
        if template in ("password_reset", "device_appeared") and not user.email_verified:
            return None
        device = db.session.get(Device, device_id) if device_id else None
        if template == "device_appeared" and device is None:
            return None
        return Letter(
            recipient=user.email,
            language=user.language,
            name=user.display_name,
            username=user.username,
            link=links.make(user, LINKS[template], is_mailed=True) if template in LINKS else "",
            device=device.name if device else "",
            ip_address=str(device.ip_address or "") if device else "",
            at=device.created_at if device else None,
        )


def invite(actor: Actor, user: User) -> str | None:
    """Invite a person, inside the caller's transaction: by a letter, or by the link that is returned."""
    if ports.can_mail and user.email:
        bus.publish(StaffInvited(organization_id=user.organization_id, user_id=user.id), actor)
        return None
    return links.make(user, INVITE)


def change_address(actor: Actor, email: str) -> None:
    """Give oneself another e-mail address, which counts once a letter has arrived there.

    Raises RuleBroken (422, field ``email``).
    """
    if actor.user_id is None:
        raise NotFound
    with transaction():
        user = user_for(actor, actor.user_id)
        if email == (user.email or "") and user.email_verified:
            return
        old = user.email
        user.email, user.email_verified = email or None, False
        keep_address(user)
        if email and ports.can_mail:
            bus.publish(AddressGiven(organization_id=user.organization_id, user_id=user.id), actor)
        new = {"email": "changed" if email else "removed"}
        audit.changed(actor, "user.change_email", "user", user.id, old={"had_one": bool(old)}, new=new)


def address_of(actor: Actor) -> tuple[str, bool]:
    """Return one's own address, and whether it was shown to be one's own."""
    row = db.session.execute(select(User.email, User.email_verified).where(User.id == actor.user_id)).first()
    return (row.email or "", row.email_verified) if row else ("", False)


def keep_address(user: User) -> None:
    """Write a person's new address, in the caller's transaction. Raises RuleBroken (422) if it is taken."""
    try:
        db.session.flush()
    except IntegrityError as error:
        raise taken(error) from error
