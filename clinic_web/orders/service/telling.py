"""What orders tells of a saga: the step it asks for, the step to be undone, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from clinic_web.events.orders import (
    BillingRequested,
    CompensationRequested,
    NotificationRequested,
    OrderCancelled,
    OrderCompleted,
    OrderCreated,
    OrderFailed,
)
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor
from clinic_web.orders import saga
from clinic_web.orders.saga import BILL, RESERVE, Saga, Tell

if TYPE_CHECKING:
    from clinic_web.orders.service.keeping import Known


def tell(actor: Actor, order: Known, after: Saga, what: Tell) -> None:
    """Publish one event with the transaction under way."""
    bus.publish(event_of(order, after, what), actor)


def event_of(order: Known, after: Saga, what: Tell) -> bus.Event:
    """Return the event by which others hear ``what``."""
    known: dict[str, Any] = {
        "organization_id": order.organization_id,
        "facility_id": order.facility_id,
        "order_id": order.id,
        "order_type": order.order_type,
        "patient_id": order.patient_id,
    }
    if what.what == saga.UNDO:
        return CompensationRequested(step=what.step, attempt=what.attempt, **known)
    if what.what == saga.END:
        return _end_of(order, after, known)
    return _request_of(order, after, what.step, known)


def _request_of(order: Known, after: Saga, step: str, known: dict[str, Any]) -> bus.Event:
    work: dict[str, Any] = {
        "clinic_id": order.clinic_id,
        "doctor_id": order.doctor_id,
        "visit_id": order.visit_id,
        "lines": order.lines,
    }
    if step == RESERVE:
        return OrderCreated(priority=order.priority, preferred_at=order.preferred_at, **work, **known)
    if step == BILL:
        return BillingRequested(**work, **known)
    starts_at = after.steps[RESERVE].details.get("starts_at")
    return NotificationRequested(starts_at=datetime.fromisoformat(starts_at) if starts_at else None, **known)


def _end_of(order: Known, after: Saga, known: dict[str, Any]) -> bus.Event:
    who: dict[str, Any] = {"doctor_id": order.doctor_id, "visit_id": order.visit_id}
    if after.status == saga.COMPLETED:
        return OrderCompleted(**who, **known)
    if after.status == saga.CANCELLED:
        return OrderCancelled(**who, **known)
    step, reason = after.failed_step or RESERVE, after.reason or saga.TIMED_OUT
    return OrderFailed(step=step, reason=reason, **who, **known)
