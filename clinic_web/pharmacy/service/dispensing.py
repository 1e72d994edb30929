"""Hand medicine over against the batches that are held for it, all of it or a part; and undo that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.billing import api as billing
from clinic_web.events.pharmacy import PrescriptionDispensed
from clinic_web.inventory import api as inventory
from clinic_web.inventory.api import Taken, Wanted
from clinic_web.kernel import bus, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.pharmacy.access import dispensing_for, lines_of, prescription_for, reservations_of
from clinic_web.pharmacy.models import (
    DISPENSED,
    HANDED_OVER,
    PUT_BACK,
    RELEASED,
    RESERVED,
    Dispensing,
    DispensingLine,
    Prescription,
    Reservation,
)
from clinic_web.pharmacy.ports import ports
from clinic_web.pharmacy.service.reserving import ORDER, Promised, write
from clinic_web.pharmacy.service.telling import ids_of, tell_worklist

PRESCRIPTION = "PRESCRIPTION"  # as rules of payment call what is handed over here
WHOLE, PART, NONE = "WHOLE", "PART", "NONE"  # what the patient has of an order

TOO_MUCH = N_("At most %(left)s of this is held.")

Portion = tuple[Reservation, Decimal]


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a screen says of a dispensing; ``version`` is the prescription's, for the undo. ``is_held``:
    something waits for the patient (still, or again)."""

    dispensing_id: UUID
    order_id: UUID
    version: int
    is_whole: bool
    is_held: bool


def dispense(
    actor: Actor,
    order_id: UUID,
    *,
    version: int,
    quantities: Mapping[UUID, Decimal] | None = None,
    key: str | None,
) -> Done:
    """Hand over so much of each line (by the line's id, in its unit), or without ``quantities`` all that is
    held; once per ``key``.

    What is late by the clock and still held is handed over all the same: the patient stands here. Raises
    StaleScreen (409) when it is not as the screen showed it, was called off, is to be paid first and is not,
    or a batch was set aside, InvalidForm or RuleBroken (422) for more than is held or for nothing, BadRequest
    (400) without a key.
    """
    with transaction():
        asked = {"order": order_id, "version": version, "quantities": _plain(quantities)}
        claim = idempotency.claim(actor, "prescription.dispense", key, asked)
        if claim.answer is not None:
            return _again(claim.answer)
        if not ports.hold_if_wanted(actor, order_id):
            raise StaleScreen(N_("The doctor has called this order off: nothing of it is handed over."))
        prescription = prescription_for(actor, order_id, lock=True)
        prescription.require_version(version)
        prescription.require_reserved()
        billing.require_paid_first(actor, order_id, PRESCRIPTION)
        held = reservations_of(prescription)
        portions = _portions(held, quantities)
        before = _given(held)
        inventory.issue(actor, _taken(portions), reference_type=ORDER, reference_id=order_id)
        for reservation, quantity in portions:
            reservation.hand_over(quantity)
            reservation.updated_by = actor.user_id
        is_whole = all(not each.left for each in held)
        if is_whole:
            prescription.close(DISPENSED, clock.now())
        dispensing = _write(actor, prescription, portions, is_whole=is_whole)
        _note(actor, "prescription.dispense", prescription, before, _given(held))
        done = _tell(actor, prescription, dispensing, WHOLE if is_whole else PART)
        claim.keep({name: str(value) for name, value in asdict(done).items()})
        return done


def undo(actor: Actor, dispensing_id: UUID, *, version: int) -> Done:
    """Put back what one dispensing handed over, on the day it did, and hold it for the patient again.

    Where the order was cancelled or the rest released since, it is only put back. Raises StaleScreen (409)
    when that was done already, the prescription moved on or a batch can't be held any more, RuleBroken (422)
    on another day.
    """
    with transaction():
        undone = dispensing_for(actor, dispensing_id)
        prescription = prescription_for(actor, undone.order_id, lock=True)
        _require_undoable(prescription, undone, version)
        held = reservations_of(prescription)
        before = _given(held)
        portions = _portions_of(undone, held)
        inventory.put_back(actor, _taken(portions), reference_type=ORDER, reference_id=undone.order_id)
        for reservation, quantity in portions:
            reservation.take_back(quantity)
            reservation.updated_by = actor.user_id
        _hold_again(actor, prescription, portions)
        dispensing = _write(actor, prescription, portions, is_whole=False, undoes_id=undone.id)
        _note(actor, "prescription.undo_dispense", prescription, before, _given(held))
        return _tell(actor, prescription, dispensing, PART if _given(held) else NONE)


def _require_undoable(prescription: Prescription, undone: Dispensing, version: int) -> None:
    undone_already = select(Dispensing.id).where(
        Dispensing.undoes_id == undone.id, Dispensing.organization_id == undone.organization_id
    )
    if undone.kind != HANDED_OVER or db.session.execute(undone_already).first() is not None:
        raise StaleScreen(N_("This was put back already."))
    prescription.require_version(version)
    there = organization.directory(undone.organization_id).facilities
    zone = there[undone.facility_id].timezone
    if clock.local(undone.dispensed_at, zone).date() != clock.today(zone):
        raise RuleBroken(N_("Only what was handed over today can be put back."))


def _hold_again(actor: Actor, prescription: Prescription, portions: Sequence[Portion]) -> None:
    """What was put back is promised anew: the stock's rules choose the batch, as they did at first."""
    if prescription.cancelled_at is not None or prescription.status not in (RESERVED, DISPENSED):
        if prescription.status == DISPENSED:
            prescription.status = RELEASED
        return
    prescription.hold_again(clock.now())
    of_line: dict[UUID, Decimal] = defaultdict(Decimal)
    for reservation, quantity in portions:
        of_line[reservation.line_id] += quantity
    medications = {reservation.line_id: reservation.medication_id for reservation, _ in portions}
    again = inventory.hold(
        actor,
        prescription.facility_id,
        [
            Wanted(line_id=line_id, medication_id=medications[line_id], quantity=quantity)
            for line_id, quantity in of_line.items()
        ],
        reference_type=ORDER,
        reference_id=prescription.order_id,
    )
    write(_promised(actor, prescription), again, medications)


def _promised(actor: Actor, prescription: Prescription) -> Promised:
    return Promised(
        **ids_of(prescription),
        visit_id=prescription.visit_id,
        priority=prescription.priority,
        expires_at=prescription.expires_at or clock.now(),
        user_id=actor.user_id,
    )


def _portions(held: Sequence[Reservation], quantities: Mapping[UUID, Decimal] | None) -> list[Portion]:
    """Return what to take of which reservation: of a line with several batches those that expire first."""
    if quantities is None:
        return [(each, each.left) for each in held if each.left]
    _require_within(held, quantities)
    left, portions = dict(quantities), []
    for each in held:
        take = min(each.left, left.get(each.line_id, Decimal(0)))
        if take > 0:
            left[each.line_id] -= take
            portions.append((each, take))
    if not portions:
        raise RuleBroken(N_("Write how much of something is handed over."))
    return portions


def _require_within(held: Sequence[Reservation], quantities: Mapping[UUID, Decimal]) -> None:
    left: dict[UUID, Decimal] = defaultdict(Decimal)
    for each in held:
        left[each.line_id] += each.left
    wrong: dict[str, DomainError] = {
        field_of(line_id): RuleBroken(TOO_MUCH, left=plain_number(left[line_id]))
        for line_id, quantity in quantities.items()
        if quantity > left[line_id] or quantity < 0
    }
    if wrong:
        raise InvalidForm(wrong)


def field_of(line_id: UUID) -> str:
    """Return the name of the field in which a line's quantity is typed."""
    return f"quantity-{line_id}"


def plain_number(quantity: Decimal) -> str:
    """Return a quantity without the zeros behind its point."""
    return f"{quantity.normalize():f}"


def _portions_of(undone: Dispensing, held: Sequence[Reservation]) -> list[Portion]:
    by_id = {each.id: each for each in held}
    return [(by_id[line.reservation_id], line.quantity) for line in lines_of(undone)]


def _taken(portions: Sequence[Portion]) -> list[Taken]:
    return [Taken(batch_id=reservation.batch_id, quantity=quantity) for reservation, quantity in portions]


def _given(held: Sequence[Reservation]) -> Decimal:
    return sum((each.dispensed_quantity for each in held), Decimal(0))


def _write(
    actor: Actor,
    prescription: Prescription,
    portions: Sequence[Portion],
    *,
    is_whole: bool,
    undoes_id: UUID | None = None,
) -> Dispensing:
    """Write what went over the counter, or back; the prescription's version moves with each."""
    dispensing = Dispensing(
        **ids_of(prescription),
        id=new_id(),
        visit_id=prescription.visit_id,
        kind=PUT_BACK if undoes_id else HANDED_OVER,
        undoes_id=undoes_id,
        is_whole=is_whole,
        dispensed_at=clock.now(),
        dispensed_by=actor.user_id,
    )
    prescription.updated_at, prescription.updated_by = clock.now(), actor.user_id
    db.session.add(dispensing)
    db.session.flush()
    db.session.add_all(
        DispensingLine(
            organization_id=prescription.organization_id,
            dispensing_id=dispensing.id,
            reservation_id=reservation.id,
            line_id=reservation.line_id,
            medication_id=reservation.medication_id,
            item_id=reservation.item_id,
            batch_id=reservation.batch_id,
            quantity=quantity,
        )
        for reservation, quantity in portions
    )
    db.session.flush()
    return dispensing


def _note(actor: Actor, action: str, prescription: Prescription, before: Decimal, after: Decimal) -> None:
    audit.saw(actor, action, "prescription", prescription.order_id)
    old, new = {"dispensed_quantity": before}, {"dispensed_quantity": after, "status": prescription.status}
    audit.changed(actor, action, "prescription", prescription.order_id, old=old, new=new)


def _tell(actor: Actor, prescription: Prescription, dispensing: Dispensing, with_patient: str) -> Done:
    told = PrescriptionDispensed(
        **ids_of(prescription),
        dispensing_id=dispensing.id,
        is_whole=dispensing.is_whole,
        undoes_id=dispensing.undoes_id,
        with_patient=with_patient,
        version=prescription.version,
    )
    bus.publish(told, actor)
    tell_worklist(prescription.facility_id)
    return Done(
        dispensing_id=dispensing.id,
        order_id=prescription.order_id,
        version=prescription.version,
        is_whole=dispensing.is_whole,
        is_held=prescription.status == RESERVED,
    )


def _again(answer: Mapping[str, Any]) -> Done:
    return Done(
        dispensing_id=UUID(answer["dispensing_id"]),
        order_id=UUID(answer["order_id"]),
        version=int(answer["version"]),
        is_whole=answer["is_whole"] == "True",
        is_held=answer["is_held"] == "True",
    )


def _plain(quantities: Mapping[UUID, Decimal] | None) -> dict[str, str] | None:
    if quantities is None:
        return None
    return {str(line_id): plain_number(quantity) for line_id, quantity in sorted(quantities.items())}
