"""Move a patient who waits (or is called) to another clinic, doctor or service; and take it back."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from clinic_web.events.reception import VisitMoved
from clinic_web.kernel import bus, clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement
from clinic_web.organization import api as organization
from clinic_web.organization.api import Terms
from clinic_web.payments import api as payments
from clinic_web.payments.api import NewTerms, Retermed
from clinic_web.reception.access import queue_for, queue_of_clinic
from clinic_web.reception.models import (
    AppointmentMove,
    Queue,
    QueuePriority,
    Visit,
    VisitMove,
    VisitTransition,
)
from clinic_web.reception.models.visits import CALLED, NewPlace
from clinic_web.reception.service.following import go_over
from clinic_web.reception.service.moves import Moved, moved, moving, require_absent, tell_line
from clinic_web.reception.service.numbers import today
from clinic_web.reception.service.payables import require_here
from clinic_web.reception.service.statements import DRAW

VOID_BECAUSE_MOVED = N_("Moved to another line.")
VOID_BECAUSE_BACK = N_("Moved back to the line before.")

VOID = Statement(
    """
    UPDATE reception.queue_numbers SET state = 'VOID', void_reason = :reason
     WHERE queue_id = :queue_id AND day = :day AND visit_id = :visit_id AND state = 'ISSUED'
    """
)
# Nobody else can have drawn it: its row has been there all the time.
TAKE_UP_AGAIN = Statement(
    """
    UPDATE reception.queue_numbers SET state = 'ISSUED', void_reason = NULL
     WHERE queue_id = :queue_id AND day = :day AND visit_id = :visit_id AND number = :number
       AND state = 'VOID'
    RETURNING number
    """
)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a visit shall go; the service decides the clinic. ``doctor_id`` None: anyone."""

    service_id: UUID
    doctor_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class MovedOver:
    """A visit after it went over. ``is_kept``: its payment stays, because money had been taken;
    ``difference`` is what the new service costs more (or less, negative) than what stays."""

    visit: Moved
    from_ticket: str | None
    is_kept: bool
    difference: Decimal


@dataclass(frozen=True)
class _Target:
    """Everything that is looked up before anything is written."""

    queue: Queue
    terms: Terms
    doctor_id: UUID | None
    service_id: UUID
    priority: QueuePriority | None
    priority_reason: str | None
    reason: str = ""
    undoes: VisitMove | None = None


def move(actor: Actor, visit_id: UUID, to: Destination, *, version: int) -> MovedOver:
    """Let a visit wait elsewhere, as long as before; one who is called is sent back to the line first.

    In another line the old number is void and a new one is drawn. What is not paid yet is owed on the new
    terms; what money was taken for stays. Raises StaleScreen (409), NotFound (404: visit, service, doctor),
    RuleBroken (422: there already, waits in that line already, not today's).
    """
    with moving(actor, visit_id, version) as visit:
        witnesses = [visit.send_back()] if visit.status == CALLED else []
        target = _target(actor, visit, to)
        if (visit.service_id, visit.doctor_id) == (to.service_id, to.doctor_id):
            raise RuleBroken(N_("The patient waits there already. Choose another clinic, doctor or service."))
        return _go_over(actor, visit, target, witnesses)


def undo_move(actor: Actor, visit_id: UUID, *, version: int) -> MovedOver:
    """Take the last move back: the old number, the old terms (unless money was taken since), the old place.

    Raises StaleScreen (409: nothing to take back, or the visit moved on), RuleBroken (422), NotFound (404).
    """
    with moving(actor, visit_id, version) as visit:
        last = _last_move(visit.id)
        if last is None:
            raise StaleScreen(N_("There is no move to take back any more."))
        queue = queue_for(actor, last.from_queue_id)
        target = _Target(
            queue=queue,
            terms=organization.terms(actor, last.from_service_id, last.from_doctor_id),
            doctor_id=last.from_doctor_id,
            service_id=last.from_service_id,
            priority=_priority_there(last.from_priority, queue),
            priority_reason=last.from_priority_reason,
            undoes=last,
        )
        return _go_over(actor, visit, target, [])


def _target(actor: Actor, visit: Visit, to: Destination) -> _Target:
    terms = organization.terms(actor, to.service_id, to.doctor_id)
    require_here(actor, terms)
    queue = queue_of_clinic(actor, terms.clinic_id)
    if terms.facility_id != visit.facility_id or not queue.is_active:
        raise NotFound(N_("This line is not open here."))
    if visit.queue_day != today(actor, visit.facility_id):
        raise RuleBroken(N_("Only today's visits can be moved. Book another appointment instead."))
    return _Target(
        queue=queue,
        terms=terms,
        doctor_id=to.doctor_id,
        service_id=to.service_id,
        priority=_priority_there(visit.priority, queue),
        priority_reason=visit.priority_reason,
        reason=to.reason or "",
    )


def _go_over(actor: Actor, visit: Visit, target: _Target, witnesses: list[VisitTransition]) -> MovedOver:
    """Write it all in the one order of locks: visit, appointment, payment, number."""
    record = _record_of(visit, target)
    if target.queue.id != record.from_queue_id:
        require_absent(target.queue.id, visit.queue_day, visit.patient_id)
    clinic_id = target.terms.clinic_id
    promise = go_over(
        actor, visit, clinic_id=clinic_id, doctor_id=target.doctor_id, service_id=target.service_id
    )
    payments.lock_for_visit(actor, visit.id)
    number, ticket = _number_there(actor, visit, target)
    paid = _pay_there(actor, visit, target, ticket)
    visit.move_over(
        NewPlace(
            clinic_id=clinic_id,
            queue_id=target.queue.id,
            doctor_id=target.doctor_id,
            service_id=target.service_id,
            queue_number=number,
            ticket=ticket,
            priority=target.priority.code if target.priority else None,
            priority_rank=target.priority.rank if target.priority else 0,
            priority_reason=target.priority_reason if target.priority else None,
        )
    )
    witnesses.append(_note(actor, visit, record, paid))
    after = moved(actor, "visit.undo_move" if target.undoes else "visit.move", visit, *witnesses)
    _keep_promise(visit, record, promise)
    _tell(actor, visit, record, paid)
    tell_line(record.from_queue_id)
    return MovedOver(
        visit=after,
        from_ticket=record.from_ticket,
        is_kept=paid.is_kept,
        difference=target.terms.price - paid.total if paid.is_kept else Decimal(0),
    )


def _priority_there(code: str | None, queue: Queue) -> QueuePriority | None:
    """The same priority as the other line has it; a line that lacks it gives none."""
    return db.session.scalar(
        select(QueuePriority).where(
            QueuePriority.queue_id == queue.id, QueuePriority.code == code, QueuePriority.is_active
        )
    )


def _number_there(actor: Actor, visit: Visit, target: _Target) -> tuple[int | None, str | None]:
    """Void the number here and draw one there; a move that is taken back finds its old number again."""
    queue, undoes = target.queue, target.undoes
    if queue.id == visit.queue_id or visit.queue_number is None:
        return visit.queue_number, visit.ticket
    of_visit = {"day": visit.queue_day, "visit_id": visit.id}
    reason = VOID_BECAUSE_BACK if undoes else VOID_BECAUSE_MOVED
    VOID.run({**of_visit, "queue_id": visit.queue_id, "reason": reason})
    if undoes is not None:
        asked = {**of_visit, "queue_id": queue.id, "number": undoes.from_number}
        if TAKE_UP_AGAIN.first(asked):
            return undoes.from_number, undoes.from_ticket
    drawn = DRAW.first(
        {
            **of_visit,
            "queue_id": queue.id,
            "organization_id": actor.organization_id,
            "number_id": new_id(),
            "now": clock.now(),
        }
    )
    return drawn.number, drawn.ticket


def _pay_there(actor: Actor, visit: Visit, target: _Target, ticket: str | None) -> Retermed:
    terms, undoes = target.terms, target.undoes
    return payments.move_for_visit(
        actor,
        visit.id,
        NewTerms(
            clinic_id=terms.clinic_id,
            doctor_id=target.doctor_id,
            service_id=target.service_id,
            ticket=ticket,
            total_amount=undoes.from_total if undoes else terms.price,
            currency=terms.currency,
            share_percent=terms.share_percent,
            share_rule_version=terms.share_rule_version,
        ),
    )


def _last_move(visit_id: UUID) -> VisitMove | None:
    """The last move that has not been taken back and takes none back itself."""
    last = db.session.scalar(
        select(VisitMove)
        .where(VisitMove.visit_id == visit_id)
        .order_by(VisitMove.sequence_number.desc())
        .limit(1)
    )
    return last if last is not None and last.undoes_id is None else None


def _record_of(visit: Visit, target: _Target) -> VisitMove:
    return VisitMove(
        id=new_id(),
        organization_id=visit.organization_id,
        visit_id=visit.id,
        from_clinic_id=visit.clinic_id,
        from_queue_id=visit.queue_id,
        from_doctor_id=visit.doctor_id,
        from_service_id=visit.service_id,
        from_number=visit.queue_number,
        from_ticket=visit.ticket,
        from_priority=visit.priority,
        from_priority_reason=visit.priority_reason,
        reason=target.reason,
        undoes_id=target.undoes.id if target.undoes else None,
        at=clock.now(),
    )


def _note(actor: Actor, visit: Visit, record: VisitMove, paid: Retermed) -> VisitTransition:
    """Keep the move for good; return its line in the visit's history."""
    record.to_clinic_id, record.to_queue_id = visit.clinic_id, visit.queue_id
    record.to_doctor_id, record.to_service_id, record.to_ticket = (
        visit.doctor_id,
        visit.service_id,
        visit.ticket,
    )
    record.from_total, record.to_total, record.by_user_id = paid.old_total, paid.total, actor.user_id
    db.session.add(record)
    return VisitTransition(
        organization_id=visit.organization_id,
        visit_id=visit.id,
        from_status=visit.status,
        to_status=visit.status,
        reason=_in_short(actor, record),
        at=record.at,
    )


def _keep_promise(visit: Visit, record: VisitMove, promise: AppointmentMove | None) -> None:
    """Keep the appointment's move beside the visit's, which is written already, for its own history."""
    if promise is None:
        return
    promise.visit_move_id, promise.to_ticket = record.id, visit.ticket
    if record.undoes_id is not None:
        promise.undoes_id = db.session.scalar(
            select(AppointmentMove.id).where(AppointmentMove.visit_move_id == record.undoes_id)
        )
    db.session.add(promise)


def _in_short(actor: Actor, record: VisitMove) -> str:
    """Say what changed in signs that every language reads: tickets, or doctors' names."""
    staff = organization.directory(actor.organization_id).staff
    here, there = record.from_ticket, record.to_ticket
    if here == there:
        here, there = (
            staff[doctor].short_name if doctor in staff else "–"
            for doctor in (record.from_doctor_id, record.to_doctor_id)
        )
    said = f"{here or '–'} → {there or '–'}"
    return f"{said}: {record.reason}" if record.reason else said


def _tell(actor: Actor, visit: Visit, before: VisitMove, paid: Retermed) -> None:
    bus.publish(
        VisitMoved(
            organization_id=visit.organization_id,
            visit_id=visit.id,
            patient_id=visit.patient_id,
            from_clinic_id=before.from_clinic_id,
            clinic_id=visit.clinic_id,
            service_id=visit.service_id,
            total_amount=paid.total,
            from_ticket=before.from_ticket,
            ticket=visit.ticket,
            from_doctor_id=before.from_doctor_id,
            doctor_id=visit.doctor_id,
        ),
        actor,
    )
