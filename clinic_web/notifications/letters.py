"""Letters to people who sign in: invitations, forgotten passwords, addresses to confirm, new devices.

What is kept while a letter waits opens nothing: identity makes the link when the letter is written.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from clinic_web.events.identity import AddressGiven, DeviceAppeared, PasswordForgotten, StaffInvited
from clinic_web.events.portal import PatientInvited
from clinic_web.identity import api as identity
from clinic_web.kernel import clock, ids
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_
from clinic_web.kernel.ids import new_id
from clinic_web.notifications.channels import SMTP, has_channel
from clinic_web.notifications.models import EMAIL, Notification
from clinic_web.notifications.service.queueing import GRACE, send_after_commit
from clinic_web.notifications.texts import catalogue, moment
from clinic_web.portal import api as portal

SUBJECTS = {
    "staff_invitation": N_("Your access to Clinic Web"),
    "password_reset": N_("Choose another password"),
    "email_verification": N_("Is this your address?"),
    "device_appeared": N_("A new device signed in as you"),
    "portal_invitation": N_("See your visits on your telephone"),
}
BODIES = {
    "staff_invitation": N_(
        "Hello %(name)s,\n\nyou can use Clinic Web now. Your user name is %(username)s. Choose your password"
        " here within three days:\n\n%(link)s\n"
    ),
    "password_reset": N_(
        "Hello %(name)s,\n\nsomebody, probably you, said that you forgot your password. Choose another one"
        " here within half an hour:\n\n%(link)s\n\n"
        "If that was not you, there is nothing to do: nothing has changed.\n"
    ),
    "email_verification": N_(
        "Hello %(name)s,\n\nplease confirm within a day that this address is yours:\n\n%(link)s\n\n"
        "If you do not use Clinic Web, there is nothing to do.\n"
    ),
    "device_appeared": N_(
        "Hello %(name)s,\n\na device that you had not used before signed in as you on %(when)s: %(device)s,"
        " %(ip_address)s.\n\n"
        "If that was not you, open My account, sign the device out and change your password.\n"
    ),
    # Without a name: whoever reads this mailbox learns nothing about a patient.
    "portal_invitation": N_(
        "Hello,\n\nyou can see your appointments and visits yourself now. Open this address:\n\n%(link)s\n\n"
        "or type the code %(code)s there. You also need the day of birth. The code opens once, until"
        " %(when)s.\n\n"
        "If you did not ask for this, there is nothing to do.\n"
    ),
}


def queue_invitation(event: StaffInvited) -> None:
    _queue(event, "staff_invitation", str(ids.new_id()))


def queue_reset(event: PasswordForgotten) -> None:
    _queue(event, "password_reset", str(event.request_id))


def queue_confirmation(event: AddressGiven) -> None:
    _queue(event, "email_verification", str(ids.new_id()))


def queue_device_notice(event: DeviceAppeared) -> None:
    _queue(event, "device_appeared", str(event.device_id), device_id=str(event.device_id))


def queue_portal_invitation(event: PatientInvited) -> None:
    values = {"organization_id": str(event.organization_id), "invitation_id": str(event.invitation_id)}
    _write_down(event, "portal_invitation", str(event.invitation_id), values)


def _queue(event: Any, template: str, reference: str, **values: str) -> None:
    _write_down(event, template, reference, {"user_id": str(event.user_id), **values})


def _write_down(event: Any, template: str, reference: str, values: dict[str, str]) -> None:
    """Write one letter into the current transaction; without a mail server there is nobody to carry it."""
    if not has_channel(SMTP):
        return
    statement = (
        insert(Notification)
        .values(
            id=new_id(),
            organization_id=event.organization_id,
            template=template,
            notification_type=EMAIL,
            channel=SMTP,  # in the person's own language, at the moment of writing
            reference=reference,
            data=values,
            due_at=clock.now() + GRACE,
        )
        .on_conflict_do_nothing()
        .returning(Notification.id)
    )
    notification_id = db.session.execute(statement).scalar()
    if notification_id:
        send_after_commit(notification_id)


def write(template: str, data: dict[str, Any]) -> tuple[str, str, str] | None:
    """Return recipient, body and subject of a letter; None where there is nobody to write to any more."""
    if template == "portal_invitation":
        return _write_invitation(template, data)
    device_id = UUID(data["device_id"]) if data.get("device_id") else None
    letter = identity.letter_for(template, UUID(data["user_id"]), device_id)
    if letter is None:
        return None
    say = catalogue(letter.language).gettext
    values = {
        "name": letter.name,
        "username": letter.username,
        "link": letter.link,
        "device": letter.device or say(UNKNOWN_BROWSER),
        "ip_address": letter.ip_address,
        "when": moment(letter.at, is_arabic=letter.language == "ar") if letter.at else "",
    }
    return letter.recipient, say(BODIES[template]) % values, say(SUBJECTS[template])


def _write_invitation(template: str, data: dict[str, Any]) -> tuple[str, str, str] | None:
    letter = portal.invitation_letter(UUID(data["organization_id"]), UUID(data["invitation_id"]))
    if letter is None:
        return None
    say = catalogue(letter.language).gettext
    values = {
        "link": letter.link,
        "code": letter.code,
        "when": moment(letter.expires_at, is_arabic=letter.language == "ar"),
    }
    return letter.recipient, say(BODIES[template]) % values, say(SUBJECTS[template])


UNKNOWN_BROWSER = N_("Unknown browser")
