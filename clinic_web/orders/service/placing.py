"""Place an order, take one up again, change one: the order, its lines, its steps and the first request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from clinic_web.audit import api as audit
from clinic_web.catalog import api as catalog
from clinic_web.events.orders import OrderLine
from clinic_web.kernel import clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, NotAllowed, RuleBroken, StaleScreen
from clinic_web.kernel.ids import dated_number, new_id
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.orders import deciding, saga
from clinic_web.orders.access import order_for, visit_for
from clinic_web.orders.models import LAB, ONE_RETRY, PREFIXES, PRIORITIES, ROUTINE, TYPES
from clinic_web.orders.queries.details import items_of
from clinic_web.orders.service import ending, keeping
from clinic_web.orders.service.keeping import NOTED, STEP_COLUMNS, Known, notes_as_json, steps_as_json
from clinic_web.orders.service.telling import tell
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception.api import VisitCard

MOST_LINES = 30
MOST = Decimal(10_000)  # of one item, in its unit
LONGEST_NOTE, LONGEST_DIRECTIONS = 500, 300
# A visit in one of these states was or is with the doctor today.
WITH_THE_DOCTOR = ("IN_PROGRESS", "CALLED", "WAITING", "ON_HOLD", "PENDING_PAYMENT", "COMPLETED")

INSERT = Statement(
    f"""
    WITH placed AS (
        INSERT INTO orders.orders (id, organization_id, facility_id, clinic_id, order_number, order_type,
               patient_id, doctor_id, visit_id, priority, status, preferred_at, note, retry_of, look_at,
               created_at, updated_at, created_by, updated_by)
        VALUES (:order_id, :organization_id, :facility_id, :clinic_id, :order_number, :order_type,
               :patient_id, :doctor_id, :visit_id, :priority, :status, :preferred_at, :note, :retry_of,
               :look_at,
               :now, :now, :user_id, :user_id)
    ), lines AS (
        INSERT INTO orders.order_items
               (id, organization_id, order_id, line_number, item_id, quantity, unit, directions)
        SELECT l.id, :organization_id, :order_id, l.line_number, l.item_id, l.quantity, l.unit, l.directions
          FROM jsonb_to_recordset(CAST(:lines AS jsonb))
               AS l(id uuid, line_number integer, item_id uuid, quantity numeric, unit text, directions text)
    ), stepped AS (
        INSERT INTO orders.order_steps (order_id, organization_id, step, state, asked_at, last_asked_at,
               times_asked, details)
        SELECT :order_id, :organization_id, n.step, n.state, n.asked_at, n.last_asked_at,
               n.times_asked, n.details
          FROM jsonb_to_recordset(CAST(:steps AS jsonb)) AS n({STEP_COLUMNS})
    )
    {NOTED}
    """  # noqa: S608 - constants
)


@dataclass(frozen=True, kw_only=True)
class Line:
    """``item_id`` is a medication or a test by the order's type; ``quantity`` counts the medicine's unit."""

    item_id: UUID
    quantity: Decimal = Decimal(1)
    directions: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """What a doctor orders in a visit. ``preferred_at``: when the laboratory should expect the patient."""

    order_type: str
    visit_id: UUID | None
    lines: tuple[Line, ...]
    priority: str = ROUTINE
    preferred_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Placed:
    order_id: UUID
    order_number: str


@dataclass(frozen=True)
class _Of:
    """Of whom and where a new order is; ``retry_of`` is what it takes up again."""

    facility_id: UUID
    clinic_id: UUID
    patient_id: UUID
    doctor_id: UUID
    visit_id: UUID | None
    retry_of: UUID | None = None


def place(actor: Actor, order: NewOrder, *, key: str | None) -> Placed:
    """Place an order, once per ``key``: the same key and order give the same answer again.

    Raises InvalidForm (422: ``lines``, ``item-<n>``, ``quantity-<n>`` …), RuleBroken (422: the visit is
    another doctor's, or over), NotFound (404: visit), NotAllowed (403), BadRequest (400: no key).
    """
    actor.require("order.write")
    with transaction():
        claim = idempotency.claim(actor, "order.write", key, vars(order))
        if claim.answer is not None:
            return _again(claim.answer)
        visit = visit_for(actor, order.visit_id)
        doctor_id = _doctor_of(actor, visit)
        of = _Of(visit.facility_id, visit.clinic_id, visit.patient_id, doctor_id, visit.id)
        placed = _place(actor, of, order)
        claim.keep({"order_id": str(placed.order_id), "order_number": placed.order_number})
        return placed


def retry(actor: Actor, order_id: UUID, *, key: str | None) -> Placed:
    """Place the same again after a failure or a cancellation, once for each order.

    Raises StaleScreen (409: it has not failed, or was taken up again already), and as ``place`` does.
    """
    actor.require("order.write")
    with transaction():
        claim = idempotency.claim(actor, "order.retry", key, {"order_id": order_id})
        if claim.answer is not None:
            return _again(claim.answer)
        old = order_for(actor, order_id)
        if not saga.may_be_retried(old.saga):
            raise ending.stale(old)
        placed = _take_up(actor, old, _same(actor, old))
        claim.keep({"order_id": str(placed.order_id), "order_number": placed.order_number})
        return placed


def change(actor: Actor, order_id: UUID, order: NewOrder, *, key: str | None) -> Placed:
    """Place another order instead: the old one is cancelled first where it is still under way.

    Raises StaleScreen (409: it is complete, being undone, or was taken up again already), and as ``place``.
    """
    actor.require("order.write")
    with transaction():
        claim = idempotency.claim(actor, "order.change", key, vars(order) | {"order_id": order_id})
        if claim.answer is not None:
            return _again(claim.answer)
        old = order_for(actor, order_id)
        if saga.may_be_cancelled(old.saga):
            actor.require("order.cancel")
            ending.cancel_for_change(actor, old)
        elif not saga.may_be_retried(old.saga):
            raise ending.stale(old)
        placed = _take_up(actor, old, replace(order, order_type=old.order_type))
        claim.keep({"order_id": str(placed.order_id), "order_number": placed.order_number})
        return placed


def _again(answer: dict[str, Any]) -> Placed:
    return Placed(order_id=UUID(answer["order_id"]), order_number=answer["order_number"])


def _doctor_of(actor: Actor, visit: VisitCard) -> UUID:
    """An order is written by who sees the patient, in the visit or later on the same day."""
    if actor.staff_id is None or actor.staff_id not in (visit.attending_id, visit.doctor_id):
        raise RuleBroken(N_("This visit is another doctor's. Only who sees the patient writes orders."))
    today = clock.today(organization.facility(actor).timezone)
    is_todays = visit.queue_day == today and visit.status in WITH_THE_DOCTOR
    if not (visit.status == "IN_PROGRESS" or is_todays):
        raise RuleBroken(N_("This visit is over. Orders are written on the day of the visit."))
    return actor.staff_id


def _take_up(actor: Actor, old: Known, order: NewOrder) -> Placed:
    """Who ordered it takes it up again, or whoever writes orders here in their place."""
    if actor.staff_id is None:
        raise NotAllowed("order.write")
    of = _Of(old.facility_id, old.clinic_id, old.patient_id, actor.staff_id, old.visit_id, old.id)
    try:
        return _place(actor, of, order)
    except DBAPIError as error:
        if constraint_of(error) == ONE_RETRY:
            raise StaleScreen(
                N_("%(number)s was taken up again already. Please look again."), number=old.order_number
            ) from error
        raise


def _same(actor: Actor, old: Known) -> NewOrder:
    is_to_come = old.preferred_at is not None and old.preferred_at > clock.now()
    lines = [
        Line(item_id=each.item_id, quantity=each.quantity, directions=each.directions)
        for each in items_of(actor, [old.id])[old.id]
    ]
    return NewOrder(
        order_type=old.order_type,
        visit_id=old.visit_id,
        lines=tuple(lines),
        priority=old.priority,
        preferred_at=old.preferred_at if is_to_come else None,
        note=old.note,
    )


def _place(actor: Actor, of: _Of, order: NewOrder) -> Placed:
    lines = _checked(actor, order)
    of = replace(of, patient_id=patients.hold(actor, of.patient_id))
    decision = deciding.placed(clock.now())
    known = _insert(actor, of, order, lines, decision)
    for each in decision.tells:
        tell(actor, known, decision.saga, each)
    keeping.show(known.id, known.clinic_id, known.visit_id)
    audit.saw(actor, "order.write", "patient", known.patient_id)
    written = {"order_number": known.order_number, "priority": known.priority}
    for number, line in enumerate(lines, 1):
        written[f"line_{number}"] = f"{line['quantity']} {line['unit']} {line['name']}"
    audit.changed(actor, "order.write", "order", known.id, old=None, new=written)
    return Placed(order_id=known.id, order_number=known.order_number)


def _insert(
    actor: Actor, of: _Of, order: NewOrder, lines: list[dict[str, Any]], decision: saga.Decision
) -> Known:
    now, after = clock.now(), decision.saga
    day = clock.local(now, organization.facility(actor).timezone).date()
    columns = {
        "organization_id": actor.organization_id,
        **{name: value for name, value in vars(of).items() if name != "retry_of"},
        "order_number": dated_number(PREFIXES[order.order_type], day),
        "order_type": order.order_type,
        "priority": order.priority,
        "preferred_at": order.preferred_at if order.order_type == LAB else None,
        "note": order.note,
    }
    order_id = new_id()
    INSERT.run(
        columns
        | {
            "order_id": order_id,
            "retry_of": of.retry_of,
            "status": after.status,
            "look_at": after.look_at,
            "now": now,
            "user_id": actor.user_id,
            "lines": json.dumps(lines, default=str),
            "steps": steps_as_json(tuple(after.steps.values())),
            "notes": notes_as_json(decision.notes),
        }
    )
    return Known(
        id=order_id,
        version=1,
        updated_at=now,
        saga=after,
        lines=tuple(
            OrderLine(line_id=each["id"], item_id=each["item_id"], quantity=each["quantity"])
            for each in lines
        ),
        **columns,
    )


# ---- What may be ordered ----------------------------------------------------------------------------------


def _checked(actor: Actor, order: NewOrder) -> list[dict[str, Any]]:
    """Return the lines as rows; raise InvalidForm (422) with a sentence at each field that is wrong."""
    wrong = _wrong_head(order)
    cards: Any = {}
    if order.order_type in TYPES:
        look_up: Any = catalog.lab_tests if order.order_type == LAB else catalog.medications
        cards = look_up(actor, {each.item_id for each in order.lines})
    for number, line in enumerate(order.lines):
        wrong |= _wrong_line(order, number, cards.get(line.item_id))
    if wrong:
        raise InvalidForm(wrong)
    return [_as_row(order, number, line, cards[line.item_id]) for number, line in enumerate(order.lines, 1)]


def _wrong_head(order: NewOrder) -> dict[str, DomainError]:
    wrong: dict[str, DomainError] = {}
    if not order.lines:
        wrong["lines"] = RuleBroken(N_("Choose at least one medicine or test."))
    if len(order.lines) > MOST_LINES:
        wrong["lines"] = RuleBroken(N_("One order has at most %(most)s lines."), most=MOST_LINES)
    if order.order_type not in TYPES:
        wrong["order_type"] = RuleBroken(N_("Choose one from the list."))
    if order.priority not in PRIORITIES:
        wrong["priority"] = RuleBroken(N_("Choose one from the list."))
    if order.order_type == LAB and order.preferred_at and order.preferred_at <= clock.now():
        wrong["preferred_at"] = RuleBroken(N_("This time is past."))
    if order.note and len(order.note) > LONGEST_NOTE:
        wrong["note"] = RuleBroken(N_("This is too long: at most %(most)s letters."), most=LONGEST_NOTE)
    return wrong


def _wrong_line(order: NewOrder, number: int, card: Any) -> dict[str, DomainError]:
    line, wrong = order.lines[number], {}
    if card is None:
        wrong[f"item-{number}"] = RuleBroken(N_("This is not in the catalogue."))
    elif not card.is_active:
        wrong[f"item-{number}"] = RuleBroken(
            N_("%(name)s is not ordered any more. Please choose another."), name=card.name
        )
    elif order.order_type == LAB and _is_repeated(order.lines, number):
        wrong[f"item-{number}"] = RuleBroken(N_("This test is on the order already."))
    if not (line.quantity.is_finite() and 0 < line.quantity <= MOST and _is_countable(line.quantity)):
        wrong[f"quantity-{number}"] = RuleBroken(N_("How many? A number above 0."))
    if line.directions and len(line.directions) > LONGEST_DIRECTIONS:
        wrong[f"directions-{number}"] = RuleBroken(
            N_("This is too long: at most %(most)s letters."), most=LONGEST_DIRECTIONS
        )
    return dict(wrong)


def _is_repeated(lines: Sequence[Line], number: int) -> bool:
    return any(each.item_id == lines[number].item_id for each in lines[:number])


def _is_countable(quantity: Decimal) -> bool:
    """Stock is counted in hundredths of a unit."""
    return quantity == quantity.quantize(Decimal("0.01"))


def _as_row(order: NewOrder, number: int, line: Line, card: Any) -> dict[str, Any]:
    is_lab = order.order_type == LAB
    return {
        "id": new_id(),
        "line_number": number,
        "item_id": line.item_id,
        "quantity": Decimal(1) if is_lab else line.quantity,
        "unit": "test" if is_lab else card.unit,
        "directions": (line.directions or "").strip() or None,
        "name": card.name,
    }
