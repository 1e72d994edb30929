"""Settle the appointments of a doctor who is away: a worker moves or cancels them, each by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel import clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.runs import Runner
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception.access import settlement_for
from clinic_web.reception.live import settlement_topic
from clinic_web.reception.models import Appointment, Settlement, SettlementItem
from clinic_web.reception.models.settlements import CANCELLED, MOST, MOVED, WAITS
from clinic_web.reception.service import cancelling, rescheduling
from clinic_web.reception.service.moves import said
from clinic_web.reception.service.rescheduling import NewTime

MOVE, CANCEL = "appointment.reschedule", "appointment.cancel"


@dataclass(frozen=True, kw_only=True)
class Away:
    """Who is away when: aware times, the end not part of it. ``clinic_id`` None: from all their clinics."""

    doctor_id: UUID
    starts_at: datetime
    ends_at: datetime
    clinic_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of one appointment: ``to`` another time, or cancelled where there is none. ``version`` is
    the appointment's as it was seen."""

    appointment_id: UUID
    version: int
    to: NewTime | None = None


def ask(
    actor: Actor, away: Away, decisions: Sequence[Decision], *, reason: str | None, key: str | None
) -> UUID:
    """Hand the decisions to a worker and return the settlement, the same one for the same ``key``.

    ``reason`` is for those that are cancelled. Raises RuleBroken (422, field ``marked`` or ``reason``),
    NotAllowed (403), NotFound (404: an appointment that is not this doctor's), BadRequest (400: no key).
    """
    _require_sense(actor, decisions)
    if any(each.to is None for each in decisions):
        reason = said(reason)
    with transaction():
        body = {"away": vars(away), "reason": reason, "decisions": [vars(each) for each in decisions]}
        claim = idempotency.claim(actor, "appointment.settle", key, body)
        if claim.answer is not None:
            return UUID(claim.answer["settlement_id"])
        settlement = Settlement(
            id=new_id(),
            organization_id=actor.organization_id,
            facility_id=organization.facility(actor).id,
            reason=reason,
            items=len(decisions),
            due_at=clock.now(),
            created_by=actor.user_id,
            **vars(away),
        )
        db.session.add(settlement)
        db.session.flush()
        _write_items(actor, settlement, decisions)
        claim.keep({"settlement_id": str(settlement.id)})
        RUNS.hand_on(settlement.id)
        push.changed(settlement_topic(settlement.id))
        return settlement.id


def _require_sense(actor: Actor, decisions: Sequence[Decision]) -> None:
    if not decisions:
        raise RuleBroken(N_("Mark at least one appointment."), field="marked")
    if len(decisions) > MOST:
        raise RuleBroken(N_("Mark at most %(most)s at once."), field="marked", most=MOST)
    for is_asked, right in (
        (any(each.to for each in decisions), MOVE),
        (any(each.to is None for each in decisions), CANCEL),
    ):
        if is_asked:
            actor.require(right)


def _write_items(actor: Actor, settlement: Settlement, decisions: Sequence[Decision]) -> None:
    wanted = {each.appointment_id: each for each in decisions}
    mine = select(Appointment.id, Appointment.start_time).where(
        Appointment.id.in_(wanted), Appointment.organization_id == actor.organization_id
    )
    if actor.facility_id is not None:
        mine = mine.where(Appointment.facility_id == actor.facility_id)
    starts = {row.id: row.start_time for row in db.session.execute(mine)}
    if starts.keys() != wanted.keys():
        raise NotFound
    # By time, so that what was told first is told first; each appointment once.
    for place, appointment_id in enumerate(sorted(wanted, key=lambda each: (starts[each], each))):
        decision = wanted[appointment_id]
        db.session.add(
            SettlementItem(
                settlement_id=settlement.id,
                place=place,
                appointment_id=appointment_id,
                version=decision.version,
                from_start=starts[appointment_id],
                to_doctor_id=decision.to.doctor_id if decision.to else None,
                to_start=decision.to.start_time if decision.to else None,
            )
        )
    settlement.items = len(wanted)


def try_again(actor: Actor, settlement_id: UUID) -> None:
    """Take a failed settlement up where it stopped.

    Raises StaleScreen (409) if it has not failed, NotAllowed (403) without the rights that the rest needs,
    NotFound (404).
    """
    with transaction():
        run = settlement_for(actor, settlement_id, lock=True)
        rest = select(SettlementItem.to_start.is_(None)).where(
            SettlementItem.settlement_id == run.id, SettlementItem.state == WAITS
        )
        for is_cancelled in set(db.session.scalars(rest)):
            actor.require(CANCEL if is_cancelled else MOVE)
        RUNS.take_up_again(run)


def _settle_next(run: Settlement) -> None:
    """Carry out one decision and note it in the same transaction: a kill leaves both or neither."""
    item, actor = _next(run), _who_asked(run)
    if item.to_start is None or item.to_doctor_id is None:
        done = cancelling.cancel_appointment(
            actor, item.appointment_id, run.reason or "", version=item.version
        )
        item.settle(CANCELLED, done.ticket, clock.now())
    else:
        moved = rescheduling.reschedule(
            actor,
            item.appointment_id,
            NewTime(doctor_id=item.to_doctor_id, start_time=item.to_start),
            version=item.version,
            key=f"settlement-{run.id}-{item.place}",
        )
        item.settle(MOVED, moved.ticket, clock.now())
    run.advance(clock.now())


def _note_refusal(run: Settlement, error: DomainError) -> None:
    _next(run).refuse(error, clock.now())
    run.advance(clock.now())


def _next(run: Settlement) -> SettlementItem:
    return db.session.get_one(SettlementItem, (run.id, run.items_done), populate_existing=True)


def _who_asked(run: Settlement) -> Actor:
    """The person, with the rights that they had when they asked: those this needs."""
    return Actor(
        organization_id=run.organization_id,
        facility_id=run.facility_id,
        user_id=run.created_by,
        name="settlement",
        permissions=frozenset({MOVE, CANCEL}),
    )


def _topic(run: Settlement) -> str:
    return settlement_topic(run.id)


RUNS = Runner(
    model=Settlement,
    job="reception.settle",
    column="items_done",
    step=_settle_next,
    refused=_note_refusal,
    topic=_topic,
    grace=timedelta(seconds=30),  # somebody looks on
)
go_on, sweep = RUNS.go_on, RUNS.sweep
