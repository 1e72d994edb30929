"""Break-glass: a chart is opened with a reason, ended, and reviewed by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.events.patients import EmergencyOpened, EmergencyReviewed
from clinic_web.identity import api as identity
from clinic_web.kernel import bus, clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import chart, links, queries
from clinic_web.patients.live import emergencies_topic
from clinic_web.patients.models import FOLLOW_UP, JUSTIFIED, KINDS, TO_REVIEW, VERDICTS, Emergency

OPEN, REVIEW = "patient.emergency", "emergency.review"
LASTS = timedelta(hours=4)
SHORTEST, LONGEST = 10, 1000  # characters of a reason
TOO_LONG = N_("This is too long: %(count)s characters at most.")


@dataclass(frozen=True)
class Reason:
    """Why somebody must see a stranger's chart: a kind, and a sentence of their own."""

    kind: str
    text: str

    def __post_init__(self) -> None:
        errors: dict[str, DomainError] = {}
        if self.kind not in KINDS:
            errors["kind"] = RuleBroken(N_("Choose one of these."))
        if len(self.text) < SHORTEST:
            errors["reason"] = RuleBroken(
                N_("Please say what happened: %(count)s characters at least."), count=SHORTEST
            )
        elif len(self.text) > LONGEST:
            errors["reason"] = RuleBroken(TOO_LONG, count=LONGEST)
        if errors:
            raise InvalidForm(errors)


def open_chart(actor: Actor, patient_id: UUID, reason: Reason, *, key: str | None) -> UUID:
    """Open the chart to ``actor`` for ``LASTS``, once per ``key``; return the emergency's id.

    Who has it open already keeps that one. Raises NotAllowed (403), NotFound (404), BadRequest (400).
    """
    actor.require(OPEN)
    with transaction():
        survivor = queries.require(actor, patient_id)
        body = {"patient_id": survivor, "kind": reason.kind, "reason": reason.text}
        claim = idempotency.claim(actor, "patient.break_glass", key, body)
        if claim.answer is not None:
            return UUID(claim.answer["id"])
        opened = chart.open_now(actor, survivor)
        emergency_id = opened.id if opened else _open(actor, survivor, reason)
        claim.keep({"id": str(emergency_id)})
        return emergency_id


def _open(actor: Actor, patient_id: UUID, reason: Reason) -> UUID:
    now = clock.now()
    row = Emergency(
        id=new_id(),
        organization_id=actor.organization_id,
        facility_id=actor.facility_id,
        patient_id=patient_id,
        user_id=actor.user_id,
        kind=reason.kind,
        reason=reason.text,
        opened_at=now,
        closes_at=now + LASTS,
    )
    db.session.add(row)
    db.session.flush()
    audit.saw(actor, "patient.break_glass", "patient", patient_id, emergency_id=row.id)
    told = EmergencyOpened(
        organization_id=actor.organization_id,
        emergency_id=row.id,
        patient_id=patient_id,
        user_id=row.user_id,
    )
    bus.publish(told, actor)
    push.changed(emergencies_topic(actor.organization_id))
    return row.id


def end(actor: Actor, patient_id: UUID) -> None:
    """Close the patient's chart again to ``actor``, who had opened it. Twice is as good as once. NotFound."""
    with transaction():
        ids = links.ids_of(queries.require(actor, patient_id))
        now = clock.now()
        mine = select(Emergency).where(
            Emergency.organization_id == actor.organization_id,
            Emergency.user_id == actor.user_id,
            Emergency.patient_id.in_(ids),
            Emergency.ended_at.is_(None),
            Emergency.closes_at > now,
        )
        for row in db.session.scalars(mine.with_for_update()):
            row.ended_at = now
            audit.saw(actor, "patient.emergency_end", "patient", patient_id, emergency_id=row.id)
            push.changed(emergencies_topic(actor.organization_id))


def review(actor: Actor, emergency_id: UUID, verdict: str, note: str, *, version: int) -> None:
    """Say whether it was justified. A verdict stays; only one to follow up can become another.

    Raises StaleScreen (409) where somebody was quicker, RuleBroken (422), NotAllowed (403), NotFound (404).
    """
    actor.require(REVIEW)
    with transaction():
        row = emergency_for(actor, emergency_id, is_locked=True)
        if row.user_id == actor.user_id:
            raise RuleBroken(N_("Nobody reviews what they did themselves. Another reviewer can."))
        if row.verdict not in (TO_REVIEW, FOLLOW_UP) or row.version != version:
            raise _was_quicker(actor, row)
        _check(verdict, note)
        old = {"verdict": row.verdict, "note": row.note}
        row.verdict, row.note = verdict, note or None
        row.reviewed_by, row.reviewed_at = actor.user_id, clock.now()
        new = {"verdict": row.verdict, "note": row.note}
        audit.changed(actor, "emergency.review", "emergency", row.id, old=old, new=new)
        told = EmergencyReviewed(
            organization_id=row.organization_id,
            emergency_id=row.id,
            patient_id=row.patient_id,
            verdict=verdict,
        )
        bus.publish(told, actor)
        push.changed(emergencies_topic(actor.organization_id))


def _check(verdict: str, note: str) -> None:
    errors: dict[str, DomainError] = {}
    if verdict not in VERDICTS:
        errors["verdict"] = RuleBroken(N_("Choose one of these."))
    elif verdict != JUSTIFIED and not note:
        errors["note"] = RuleBroken(N_("Please say why, or what is to follow."))
    if len(note) > LONGEST:
        errors["note"] = RuleBroken(TOO_LONG, count=LONGEST)
    if errors:
        raise InvalidForm(errors)


def _was_quicker(actor: Actor, row: Emergency) -> StaleScreen:
    name = identity.names_of(actor, [row.reviewed_by]).get(row.reviewed_by) if row.reviewed_by else None
    if name:
        return StaleScreen(N_("%(name)s reviewed this while you looked at it."), name=name)
    return StaleScreen(N_("Somebody else changed this while you worked."))


def emergency_for(actor: Actor, emergency_id: UUID, *, is_locked: bool = False) -> Emergency:
    """Return an emergency of the actor's tenant; NotFound (404) else."""
    asked = select(Emergency).where(
        Emergency.id == emergency_id, Emergency.organization_id == actor.organization_id
    )
    asked = asked.with_for_update() if is_locked else asked
    row = db.session.scalars(asked.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound
    return row
