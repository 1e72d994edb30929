"""What a message says and how it goes, by what is true and known of the patient when it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.notifications import letters, texts
from clinic_web.notifications.channels import RECORD, SMTP, has_channel
from clinic_web.notifications.kinds import KINDS
from clinic_web.notifications.models import (
    EMAIL,
    GONE,
    NO_ADDRESS,
    PAST,
    SETTLED,
    SMS,
    UNWANTED,
    Notification,
    NotificationTemplate,
)
from clinic_web.notifications.service import preferring
from clinic_web.notifications.service.preferring import Wishes
from clinic_web.notifications.texts import Wording
from clinic_web.organization import api as organization
from clinic_web.organization.api import Directory
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.reception import api as reception


@dataclass(frozen=True, kw_only=True)
class Written:
    """A message as it leaves. ``is_secret``: what it says opens something, and is kept nowhere."""

    notification_type: str
    channel: str
    language: str
    recipient: str
    subject: str
    body: str
    template_id: UUID | None = None
    is_secret: bool = False


@dataclass(frozen=True)
class NotNow:
    """The patient sleeps: it goes at ``until``."""

    until: datetime


@dataclass(frozen=True)
class Never:
    """Nothing is sent, and why."""

    failure: str


def write(row: Notification) -> Written | NotNow | Never:
    """Return the message of a row, or that and why it does not go."""
    if row.template not in KINDS:
        return _letter(row)
    if row.patient_id is None:
        return Never(GONE)
    actor = system_actor(row.organization_id, facility_id=row.facility_id, name="notifications")
    try:
        card = patients.card(actor, row.patient_id)
    except NotFound:
        return Never(GONE)
    return _message(actor, row, card)


def _letter(row: Notification) -> Written | Never:
    letter = letters.write(row.template, row.data)
    if letter is None:
        return Never(GONE)
    recipient, body, subject = letter
    return Written(
        notification_type=EMAIL,
        channel=SMTP,
        language=row.language or "",
        recipient=recipient,
        subject=subject,
        body=body,
        is_secret=True,
    )


def _message(actor: Actor, row: Notification, card: PatientCard) -> Written | NotNow | Never:
    wishes = preferring.wishes_of(actor, patients.ids_of_card(card))
    directory = organization.directory(row.organization_id)
    if failure := _why_not(actor, row, wishes):
        return Never(failure)
    if until := wishes.sleeps_until(row.template, texts.facility_of(row.data, directory).timezone):
        return NotNow(until)
    way = _way(actor, card, wishes)
    return _worded(row, card, directory, way) if way else Never(NO_ADDRESS)


def _why_not(actor: Actor, row: Notification, wishes: Wishes) -> str | None:
    if not wishes.wants(row.template):
        return UNWANTED
    if _is_past(row):
        return PAST
    if row.template == "session_cancelled" and not _is_still_off(actor, row):
        return SETTLED
    return None


def _is_past(row: Notification) -> bool:
    lasts = KINDS[row.template].lasts
    if lasts and row.created_at + lasts <= clock.now():
        return True
    starts: str = row.data.get("start_time") or ""
    return bool(starts) and datetime.fromisoformat(starts) <= clock.now()


def _is_still_off(actor: Actor, row: Notification) -> bool:
    """Whether the patient would still come to a session that does not take place."""
    data = row.data
    start_time = datetime.fromisoformat(data["start_time"])
    doctor_id, clinic_id = UUID(data["doctor_id"]), UUID(data["clinic_id"])
    instant = start_time + timedelta(microseconds=1)
    if not (row.reference_id and reception.is_promised(actor, row.reference_id, doctor_id, start_time)):
        return False
    return bool(
        organization.leaves(actor, staff_id=doctor_id, clinic_id=clinic_id, since=start_time, until=instant)
    )


def _way(actor: Actor, card: PatientCard, wishes: Wishes) -> tuple[str, str, str] | None:
    """Return type, channel and address: as the patient wishes, else by letter where there is an address."""
    for notification_type in wishes.order:
        if notification_type == SMS and card.phone:
            return SMS, RECORD, card.phone
        if (
            notification_type == EMAIL
            and has_channel(SMTP)
            and (address := patients.email_of(actor, card.id))
        ):
            return EMAIL, SMTP, address
    return None


def _worded(row: Notification, card: PatientCard, directory: Directory, way: Sequence[str]) -> Written:
    language = card.language or "en"
    template_id, wording = wording_of(row.organization_id, row.template, language)
    said = wording.filled(texts.values_of(row.data, language, directory, card.name))
    notification_type, channel, recipient = way
    return Written(
        notification_type=notification_type,
        channel=channel,
        language=language,
        recipient=recipient,
        subject=said.subject,
        body=said.body,
        template_id=template_id,
    )


def wording_of(organization_id: UUID, template: str, language: str) -> tuple[UUID | None, Wording]:
    """Return the organization's own words and their row, or the shipped ones."""
    own = db.session.execute(
        select(
            NotificationTemplate.id, NotificationTemplate.subject, NotificationTemplate.body_template
        ).where(
            NotificationTemplate.organization_id == organization_id,
            NotificationTemplate.event_trigger == template,
            NotificationTemplate.language == language,
            NotificationTemplate.is_active,
        )
    ).one_or_none()
    if own:
        return own.id, Wording(own.subject, own.body_template)
    return None, texts.shipped(template, language)
