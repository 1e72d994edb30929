"""An order's saga between the tables and ``deciding.decide``: one statement reads it, one writes it.

Reading takes no lock. The write is conditional on the version that was read, so of two who decide at once the
later one's write finds nothing and it reads and decides again, now by what the first has done. (A read that
locks the order would see its steps as they were before it had to wait.)
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.events.orders import OrderLine
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import Busy
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement
from clinic_web.orders import deciding, live
from clinic_web.orders.saga import (
    CANCELLED,
    COMPENSATING,
    FAILED,
    NEEDS_HUMAN,
    Decision,
    News,
    Note,
    Saga,
    Step,
)
from clinic_web.orders.service.telling import tell

TRIES = 20

READ = Statement(
    """
    SELECT o.*,
           (SELECT jsonb_agg(to_jsonb(s)) FROM orders.order_steps s WHERE s.order_id = o.id) AS steps,
           (SELECT jsonb_agg(jsonb_build_array(i.id, i.item_id, CAST(i.quantity AS text))
                            ORDER BY i.line_number)
              FROM orders.order_items i WHERE i.order_id = o.id) AS lines
      FROM orders.orders o
     WHERE o.id = :order_id AND o.organization_id = :organization_id
    """
)
STEP_COLUMNS = """step text, state text, asked_at timestamptz, last_asked_at timestamptz,
    answered_at timestamptz, times_asked integer, undo_asked_at timestamptz, last_undo_asked_at timestamptz,
    undone_at timestamptz, times_undo_asked integer, reason text, details jsonb"""
NOTED = """
    INSERT INTO orders.order_events
           (id, organization_id, order_id, what, step, reason, details, by_user_id, at)
    SELECT n.id, :organization_id, :order_id, n.what, n.step, n.reason, n.details, :user_id, :now
      FROM jsonb_to_recordset(CAST(:notes AS jsonb))
           AS n(id uuid, what text, step text, reason text, details jsonb)
"""
WRITE = Statement(
    f"""
    WITH moved AS (
        UPDATE orders.orders
           SET status = :status, ends_as = :ends_as, failed_step = :failed_step, reason = :reason,
               said = COALESCE(:said, said), undoing_since = :undoing_since, look_at = :look_at,
               ended_at = :ended_at, version = version + 1, updated_at = :now,
               updated_by = COALESCE(:user_id, updated_by)
         WHERE id = :order_id AND version = :version
        RETURNING id
    ), stepped AS (
        UPDATE orders.order_steps s
           SET state = n.state, asked_at = n.asked_at, last_asked_at = n.last_asked_at,
               answered_at = n.answered_at, times_asked = n.times_asked, undo_asked_at = n.undo_asked_at,
               last_undo_asked_at = n.last_undo_asked_at, undone_at = n.undone_at,
               times_undo_asked = n.times_undo_asked, reason = n.reason, details = n.details
          FROM moved, jsonb_to_recordset(CAST(:steps AS jsonb)) AS n({STEP_COLUMNS})
         WHERE s.order_id = moved.id AND s.step = n.step
    ), noted AS (
        {NOTED} WHERE EXISTS (SELECT FROM moved)
    )
    SELECT id FROM moved
    """  # noqa: S608 - constants
)
NOTE_ONLY = Statement(NOTED)
ONE = "SELECT status FROM orders.orders WHERE id = :order_id AND organization_id = :organization_id"
HOLD = Statement(f"{ONE} FOR NO KEY UPDATE")
HOLD_IF_WANTED = Statement(f"{ONE} FOR SHARE")
OFF = {COMPENSATING, FAILED, CANCELLED, NEEDS_HUMAN}

_STEP = [each.name for each in dataclasses.fields(Step)]
_MOMENTS = {name for name in _STEP if name.endswith("_at")}
_SAGA = [each.name for each in dataclasses.fields(Saga) if each.name != "steps"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """An order as it was read: what others are told of it, and its saga."""

    id: UUID
    organization_id: UUID
    facility_id: UUID
    clinic_id: UUID
    order_number: str
    order_type: str
    patient_id: UUID
    doctor_id: UUID
    visit_id: UUID | None
    priority: str
    preferred_at: datetime | None
    note: str | None
    version: int
    updated_at: datetime
    lines: tuple[OrderLine, ...]
    saga: Saga


_PLAIN = [each.name for each in dataclasses.fields(Known) if each.name not in ("lines", "saga")]


def hold(actor: Actor, order_id: UUID) -> None:
    """Hold an order that is to be called off: who is handing something of it over is waited for."""
    HOLD.run({"order_id": order_id, "organization_id": actor.organization_id})


def hold_if_wanted(actor: Actor, order_id: UUID) -> bool:
    """Return whether something of an order may be handed over; until the commit nobody calls it off."""
    row = HOLD_IF_WANTED.first({"order_id": order_id, "organization_id": actor.organization_id})
    return row is None or row.status not in OFF


def read(organization_id: UUID, order_id: UUID) -> Known | None:
    """Return the order, its steps and its lines as they are at one instant, or None."""
    row = READ.first({"order_id": order_id, "organization_id": organization_id})
    return None if row is None else known_of(row)


def known_of(row: Any) -> Known:
    steps = {each["step"]: step_of(each) for each in row.steps}
    lines = tuple(
        OrderLine(line_id=UUID(line), item_id=UUID(item), quantity=Decimal(quantity))
        for line, item, quantity in row.lines
    )
    return Known(
        **{name: getattr(row, name) for name in _PLAIN},
        lines=lines,
        saga=Saga(steps=steps, **{name: getattr(row, name) for name in _SAGA}),
    )


def step_of(row: Mapping[str, Any]) -> Step:
    """Return a step of its JSON object."""
    values: dict[str, Any] = {name: row[name] for name in _STEP}
    for name in _MOMENTS:
        values[name] = datetime.fromisoformat(row[name]) if row[name] else None
    return Step(**values)


def hear(actor: Actor, order_id: UUID, news: News) -> Known | None:
    """Let an order hear ``news`` inside the transaction under way. Returns it as it was before, or None when
    there is no such order."""
    for _ in range(TRIES):
        order = read(actor.organization_id, order_id)
        if order is None or carry_out(actor, order, news):
            return order
    raise Busy


def carry_out(actor: Actor, order: Known, news: News, *, said: str | None = None) -> bool:
    """Decide by the order as it was read, write it and tell it; False when it has moved on meanwhile."""
    return put_down(actor, order, deciding.decide(order.saga, news, clock.now()), said=said)


def put_down(actor: Actor, order: Known, decision: Decision, *, said: str | None = None) -> bool:
    """Write a decision and tell it; False when the order is not as it was read any more."""
    if not write(actor, order, decision, said=said):
        return False
    for each in decision.tells:
        tell(actor, order, decision.saga, each)
    if decision.has_changed:
        show(order.id, order.clinic_id, order.visit_id)
    return True


def write(actor: Actor, order: Known, decision: Decision, *, said: str | None = None) -> bool:
    """Write what changed; False when somebody was faster."""
    values = {
        "order_id": order.id,
        "organization_id": order.organization_id,
        "user_id": actor.user_id,
        "now": clock.now(),
        "notes": notes_as_json(decision.notes),
    }
    if not decision.has_changed:
        if decision.notes:
            NOTE_ONLY.run(values)
        return True
    after = decision.saga
    columns = {name: getattr(after, name) for name in _SAGA}
    more = {"steps": steps_as_json(decision.steps), "version": order.version, "said": said}
    return WRITE.first(values | columns | more) is not None


def steps_as_json(steps: tuple[Step, ...]) -> str:
    return json.dumps([vars(each) for each in steps], default=str)


def notes_as_json(notes: tuple[Note, ...]) -> str:
    return json.dumps([{"id": new_id(), **vars(each)} for each in notes], default=str)


def show(order_id: UUID, clinic_id: UUID, visit_id: UUID | None) -> None:
    """Every screen with this order on it looks again."""
    push.changed(live.order_topic(order_id))
    push.changed(live.clinic_topic(clinic_id))
    if visit_id:
        push.changed(live.visit_topic(visit_id))
