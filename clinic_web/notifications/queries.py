"""Reads of messages: the list, one message with its tries, what one patient was told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from clinic_web.audit import api as audit
from clinic_web.kernel import clock, keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.kept import Stand, Standing, View
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications.kinds import KINDS
from clinic_web.notifications.live import messages_topic
from clinic_web.notifications.models import FAILED, NEEDLESS, PENDING, SENT, TROUBLE, TYPES, Try
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard

# What the address calls the states. NEEDLESS is what failed and needs nobody: it was past, or not wanted.
IN_VAIN = "NEEDLESS"
STATES = {"waiting": PENDING, "sent": SENT, "failed": FAILED, "needless": IN_VAIN}
WAYS = {each.lower(): each for each in TYPES}
STATE = f"""CASE WHEN n.failure IN ({", ".join(f"'{each}'" for each in NEEDLESS)}) THEN '{IN_VAIN}'
    WHEN n.status = 'DELIVERED' THEN 'SENT' WHEN n.status = 'BOUNCED' THEN 'FAILED' ELSE n.status END"""
GRAMMAR = Grammar(
    filters={
        "q": listing.a_text,
        "state": listing.one_of(STATES),
        "kind": listing.one_of(tuple(KINDS)),
        "channel": listing.one_of(WAYS),
        "patient": UUID,
    },
    sorts={"time": Sort(("n.created_at",), (listing.a_moment,))},
    order="-time",
    when="today",
)
COLUMNS = f"""n.id, n.patient_id, n.template, n.notification_type, n.language, n.recipient, n.status,
    n.failure, n.error_message, n.retry_count, n.created_at, n.due_at, n.sent_at, {STATE} AS state"""
MESSAGES = Table(
    columns=COLUMNS,
    source="notifications.notifications n",
    id="n.id",
    state=STATE,
    # How many of today's somebody should look after, whatever else is asked for.
    aside="""(SELECT jsonb_build_object('failed_today', count(*)) FROM notifications.notifications t
               WHERE t.organization_id = :organization_id AND t.created_at >= :today
                 AND t.patient_id IS NOT NULL AND t.status IN ('FAILED', 'BOUNCED')
                 AND t.failure = ANY(:trouble))""",
)
MOST_FOUND = 300
BEGINS, ENDS = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
OF_PATIENT = 20

ONE = text(
    f"""
    SELECT {COLUMNS}, n.subject, n.message, n.reference_type, n.reference_id, n.external_id, n.max_retries
      FROM notifications.notifications n
     WHERE n.id = :id AND n.organization_id = :organization_id AND n.patient_id IS NOT NULL
    """  # noqa: S608 - made of constants
)
OF = text(
    f"""
    SELECT {COLUMNS}, n.message, count(*) OVER () AS total
      FROM notifications.notifications n
     WHERE n.organization_id = :organization_id AND n.patient_id = ANY(:ids)
       AND (:only_sent = false OR n.status IN ('SENT', 'DELIVERED'))
     ORDER BY n.created_at DESC, n.id DESC LIMIT :limit OFFSET :offset
    """  # noqa: S608 - made of constants
)

_stand = Stand(witness=audit.SAW_KNOWN_LIST)


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """One message. ``state`` is one of the list's; ``template`` a key of KINDS."""

    id: UUID
    patient_id: UUID
    template: str
    notification_type: str | None
    language: str | None
    recipient: str | None
    failure: str | None
    error_message: str | None
    retry_count: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    state: str

    @property
    def may_go_again(self) -> bool:
        """Whether it failed and would still help."""
        kind = KINDS.get(self.template)
        lasts = kind.lasts if kind else None
        return self.state == FAILED and (lasts is None or self.created_at + lasts > clock.now())


@dataclass(frozen=True, kw_only=True)
class Told(MessageRow):
    """A message with what it said, where that is kept."""

    message: str | None


@dataclass(frozen=True, kw_only=True)
class ShownTry:
    outcome: str
    channel: str
    error_message: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ShownMessage:
    row: Told
    card: PatientCard | None
    subject: str | None
    max_retries: int
    tries: list[ShownTry]


@dataclass(frozen=True, kw_only=True)
class PatientMessages:
    """One page of what a patient was told, the latest first."""

    patient_id: UUID
    rows: list[Told]
    total: int
    page: int

    @property
    def next_page(self) -> int | None:
        return self.page + 1 if self.page * OF_PATIENT < self.total else None


def stand(actor: Actor, view: View | None = None) -> Standing:
    return _stand([messages_topic(actor.organization_id)], view)


def page(actor: Actor, asked: Asked) -> Page[MessageRow]:
    return keyset.page(MESSAGES, _where(actor, asked), asked, _row, states=_states(asked))


def everything(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[MessageRow]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    where = _where(actor, asked)
    if ids:
        where.add("n.id = ANY(:only)", only=ids)
    return keyset.chunks(MESSAGES, where, asked, _row, states=_states(asked))


def one(actor: Actor, message_id: UUID) -> ShownMessage:
    """Return one message; NotFound (404), ChartClosed (403). The look is noted."""
    with transaction():
        asked = {"id": message_id, "organization_id": actor.organization_id}
        row = db.session.execute(ONE, asked).one_or_none()
        if row is None:
            raise NotFound
        opened = patients.enter_chart(actor, row.patient_id)
        audit.saw(actor, "message.view", "message", message_id, emergency_id=opened.id if opened else None)
        return ShownMessage(
            row=_told(row),
            card=patients.cards(actor, [row.patient_id]).get(row.patient_id),
            subject=row.subject,
            max_retries=row.max_retries,
            tries=_tries(message_id),
        )


def _tries(message_id: UUID) -> list[ShownTry]:
    rows = db.session.scalars(
        select(Try).where(Try.notification_id == message_id).order_by(Try.tried_at, Try.id)
    )
    return [
        ShownTry(outcome=row.outcome, channel=row.channel, error_message=row.error_message, at=row.tried_at)
        for row in rows
    ]


def of_patient(
    actor: Actor, patient_id: UUID, ids: Sequence[UUID], page: int = 1, *, only_sent: bool = False
) -> PatientMessages:
    """Return what a patient was told, under all their ids. The caller has noted the look."""
    asked = {"organization_id": actor.organization_id, "ids": list(ids), "only_sent": only_sent}
    limits = {"limit": OF_PATIENT, "offset": (page - 1) * OF_PATIENT}
    rows = db.session.execute(OF, asked | limits).all()
    total = rows[0].total if rows else 0
    return PatientMessages(patient_id=patient_id, rows=[_told(row) for row in rows], total=total, page=page)


def _row(row: Any) -> MessageRow:
    return MessageRow(**{name: getattr(row, name) for name in MessageRow.__dataclass_fields__})


def _told(row: Any) -> Told:
    return Told(**{name: getattr(row, name) for name in Told.__dataclass_fields__})


def _states(asked: Asked) -> tuple[str, ...] | None:
    return (asked.get("state"),) if asked.get("state") else None


def _where(actor: Actor, asked: Asked) -> Where:
    where, timezone = Where(), organization.facility(actor).timezone
    today = _midnight(clock.today(timezone), timezone)
    where.values |= {"today": today, "trouble": list(TROUBLE)}
    where.add("n.organization_id = :organization_id", organization_id=actor.organization_id)
    where.add("n.patient_id IS NOT NULL")
    begins, ends = _moments(asked, timezone)
    where.add("n.created_at >= :begins AND n.created_at < :ends", begins=begins, ends=ends)
    where.add_given("n.template = :kind", asked, "kind")
    where.add_given("n.notification_type = :channel", asked, "channel")
    if patient := asked.get("patient"):
        where.add("n.patient_id = ANY(:patients)", patients=patients.ids_of(patient))
    if typed := asked.get("q"):
        found = patients.by_every_id(patients.find(actor, typed, limit=MOST_FOUND))
        where.add("n.patient_id = ANY(:found)", found=list(found))
    return where


def _moments(asked: Asked, timezone: str) -> tuple[datetime, datetime]:
    first, last = asked.period.first, asked.period.last
    begins = _midnight(first, timezone) if first else BEGINS
    return begins, _midnight(last + timedelta(days=1), timezone) if last else ENDS


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
