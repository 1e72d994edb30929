"""Hold stock for a prescription order, once, whatever is told twice, late or in another order.

It is on the way of every prescription, so it adds two statements to what the stock itself asks: hear the
order (its row decides whether this is the first time), and the record of the unit of work, which writes the
reservations along with the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from clinic_web.events.orders import OrderCreated
from clinic_web.events.pharmacy import StockReservationFailed, StockReserved
from clinic_web.inventory import api as inventory
from clinic_web.inventory.api import Held, ShortOfStock, Wanted
from clinic_web.kernel import bus, clock, record, unit_of_work
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.pharmacy.access import prescription_for
from clinic_web.pharmacy.models import PROMISE, RANKS, ROUTINE
from clinic_web.pharmacy.service.joining import STATION
from clinic_web.pharmacy.service.telling import answer, ids_of, tell_worklist
from clinic_web.reception import api as reception

ORDER = "order"  # what stock is held for, in the inventory's books

HEAR = Statement(
    """
    WITH heard AS (
        INSERT INTO pharmacy.prescription_orders
               (order_id, organization_id, facility_id, patient_id, visit_id, clinic_id, doctor_id,
                priority, priority_rank, status, reserved_at, expires_at, created_at, updated_at)
        VALUES (:order_id, :organization_id, :facility_id, :patient_id, CAST(:visit_id AS uuid), :clinic_id,
                :doctor_id, :priority, :priority_rank, 'RESERVED', :now, :expires_at, :now, :now)
            ON CONFLICT DO NOTHING
        RETURNING order_id
    ), visit AS (
        INSERT INTO pharmacy.heard_visits AS v (visit_id, organization_id, has_prescription)
        SELECT CAST(:visit_id AS uuid), :organization_id, true FROM heard
         WHERE CAST(:visit_id AS uuid) IS NOT NULL
            ON CONFLICT (visit_id) DO UPDATE SET has_prescription = true
        RETURNING finished_at
    )
    SELECT (SELECT count(*) FROM heard) = 1 AS is_first, (SELECT finished_at FROM visit) AS visit_finished_at
    """
)
FAIL = Statement(
    """
    UPDATE pharmacy.prescription_orders
       SET status = 'FAILED', reason = :reason, failed_line_id = :line_id, available = :available,
           closed_at = :now, version = version + 1
     WHERE order_id = :order_id AND organization_id = :organization_id
    """
)
record.also(
    "reservations",
    """
    INSERT INTO pharmacy.reservations
           (id, organization_id, facility_id, order_id, line_id, patient_id, visit_id, medication_id, item_id,
            batch_id, batch_number, expiration_date, quantity, unit_cost, status, priority, reserved_at,
            expires_at, created_at, updated_at, created_by, updated_by)
    SELECT r.*, 'RESERVED', h.priority, CAST(:now AS timestamptz), h.expires_at, CAST(:now AS timestamptz),
           CAST(:now AS timestamptz), h.user_id, h.user_id
      FROM jsonb_array_elements(CAST(:reservations AS jsonb)) AS each,
           jsonb_to_record(each) AS h(priority text, expires_at timestamptz, user_id uuid),
           jsonb_to_record(each) AS r(id uuid, organization_id uuid, facility_id uuid, order_id uuid,
                line_id uuid, patient_id uuid, visit_id uuid, medication_id uuid, item_id uuid, batch_id uuid,
                batch_number text, expiration_date date, quantity numeric, unit_cost numeric)
    """,
)


@dataclass(frozen=True, kw_only=True)
class Promised:
    """To whom stock is promised, and until when."""

    organization_id: UUID
    facility_id: UUID
    order_id: UUID
    patient_id: UUID
    visit_id: UUID | None
    priority: str
    expires_at: datetime
    user_id: UUID | None = None


def reserve(event: OrderCreated) -> None:
    """Hold every line or none, and answer; an order that was heard before gets its answer again."""
    actor = system_actor(event.organization_id, facility_id=event.facility_id, name="pharmacy")
    expires_at = clock.now() + PROMISE
    with transaction():
        heard = HEAR.first(_values(event, expires_at))
        if not heard.is_first:
            answer(actor, prescription_for(actor, event.order_id))
            return
        try:
            held = inventory.hold(
                actor,
                event.facility_id,
                [
                    Wanted(line_id=each.line_id, medication_id=each.item_id, quantity=each.quantity)
                    for each in event.lines
                ],
                reference_type=ORDER,
                reference_id=event.order_id,
            )
        except ShortOfStock as short:
            _fail(actor, event, short)
            return
        write(_promised(event, expires_at), held, {each.line_id: each.item_id for each in event.lines})
        bus.publish(StockReserved(**ids_of(event), expires_at=expires_at), actor)
        tell_worklist(event.facility_id)
        # The visit was over first: whoever comes second lets the ticket join (see HeardVisit). Nobody who
        # holds a visit waits for stock, so that it is locked last here makes no circle.
        if heard.visit_finished_at is not None and event.visit_id is not None:
            reception.join_station(actor, STATION, event.visit_id, again=True)


def write(to: Promised, held: list[Held], medications: dict[UUID, UUID]) -> None:
    """Let the record of the unit of work write what was held. ``medications``: by the line's id."""
    unit_of_work.current().collected["reservations"] += [
        {
            "id": str(new_id()),
            "organization_id": str(to.organization_id),
            "facility_id": str(to.facility_id),
            "order_id": str(to.order_id),
            "line_id": str(each.line_id),
            "patient_id": str(to.patient_id),
            "visit_id": str(to.visit_id) if to.visit_id else None,
            "medication_id": str(medications[each.line_id]),
            "item_id": str(each.item_id),
            "batch_id": str(each.batch_id),
            "batch_number": each.batch_number,
            "expiration_date": each.expiration_date.isoformat() if each.expiration_date else None,
            "quantity": str(each.quantity),
            "unit_cost": str(each.unit_cost) if each.unit_cost is not None else None,
            "priority": to.priority,
            "expires_at": to.expires_at.isoformat(),
            "user_id": str(to.user_id) if to.user_id else None,
        }
        for each in held
    ]


def _promised(event: OrderCreated, expires_at: datetime) -> Promised:
    return Promised(
        organization_id=event.organization_id,
        facility_id=event.facility_id,
        order_id=event.order_id,
        patient_id=event.patient_id,
        visit_id=event.visit_id,
        priority=known_priority(event.priority),
        expires_at=expires_at,
    )


def known_priority(told: str) -> str:
    """Return the priority as the worklist knows it: one that nobody has heard of is not urgent."""
    return told if told in RANKS else ROUTINE


def _values(event: OrderCreated, expires_at: datetime) -> dict[str, Any]:
    return {
        "order_id": event.order_id,
        "organization_id": event.organization_id,
        "facility_id": event.facility_id,
        "patient_id": event.patient_id,
        "visit_id": event.visit_id,
        "clinic_id": event.clinic_id,
        "doctor_id": event.doctor_id,
        "priority": known_priority(event.priority),
        "priority_rank": RANKS[known_priority(event.priority)],
        "expires_at": expires_at,
        "now": clock.now(),
    }


def _fail(actor: Actor, event: OrderCreated, short: ShortOfStock) -> None:
    FAIL.run(
        {
            "order_id": event.order_id,
            "organization_id": event.organization_id,
            "reason": short.reason,
            "line_id": short.line_id,
            "available": short.available,
            "now": clock.now(),
        }
    )
    failed = StockReservationFailed(
        **ids_of(event), reason=short.reason, line_id=short.line_id, available=short.available
    )
    bus.publish(failed, actor)
