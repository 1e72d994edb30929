"""What orders does when a step answers. Deliveries are unordered and may come twice: ``saga`` judges them."""

from __future__ import annotations

from typing import Any

from clinic_web.events.billing import BillVoided, OrderBilled, OrderBillingFailed, OrderUnbilled
from clinic_web.events.lab import (
    LabReleased,
    LabRescheduled,
    LabResultReady,
    LabScheduled,
    LabSchedulingFailed,
)
from clinic_web.events.notifications import NotificationFailed, NotificationQueued
from clinic_web.events.pharmacy import (
    PrescriptionDispensed,
    ReservationExpired,
    StockReleased,
    StockReservationFailed,
    StockReserved,
)
from clinic_web.kernel.actor import system_actor
from clinic_web.orders import saga
from clinic_web.orders.saga import BILL, NOTIFY, RESERVE, News
from clinic_web.orders.service import keeping


def note_stock_reserved(event: StockReserved) -> None:
    _hear(event, News(kind=saga.ANSWER_DONE, step=RESERVE, details=_details(expires_at=event.expires_at)))


def note_lab_scheduled(event: LabScheduled) -> None:
    _hear(event, News(kind=saga.ANSWER_DONE, step=RESERVE, details=_details(starts_at=event.starts_at)))


def turn_back_without_stock(event: StockReservationFailed) -> None:
    details = _details(line_id=event.line_id, available=event.available)
    _hear(event, News(kind=saga.ANSWER_FAILED, step=RESERVE, reason=event.reason, details=details))


def turn_back_without_slot(event: LabSchedulingFailed) -> None:
    details = _details(line_id=event.line_id)
    _hear(event, News(kind=saga.ANSWER_FAILED, step=RESERVE, reason=event.reason, details=details))


def note_released(event: StockReleased | LabReleased) -> None:
    _hear(event, News(kind=saga.ANSWER_UNDONE, step=RESERVE, reason=saga.RELEASED))


def note_reservation_expired(event: ReservationExpired) -> None:
    _hear(event, News(kind=saga.ANSWER_UNDONE, step=RESERVE, reason=saga.EXPIRED))


def note_dispensed(event: PrescriptionDispensed) -> None:
    """Each is kept by its id, so that handing over and taking back mean the same in any order."""
    what = saga.WHOLE if event.is_whole else saga.PART
    if event.undoes_id:
        what = f"{saga.TAKEN_BACK}{event.undoes_id}"
    details = {"dispensings": {str(event.dispensing_id): what}}
    _hear(event, News(kind=saga.FACT, step=RESERVE, details=details))


def note_lab_rescheduled(event: LabRescheduled) -> None:
    details = _details(starts_at=event.starts_at, move_id=event.move_id)
    _hear(event, News(kind=saga.FACT, step=RESERVE, details=details))


def note_result_ready(event: LabResultReady) -> None:
    _hear(event, News(kind=saga.FACT, step=RESERVE, details={"has_result": True}))


def note_billed(event: OrderBilled) -> None:
    details = _details(
        amount=event.total_amount,
        currency=event.currency,
        invoice_id=event.invoice_id,
        payment_id=event.payment_id,
    )
    _hear(event, News(kind=saga.ANSWER_DONE, step=BILL, details=details))


def turn_back_without_bill(event: OrderBillingFailed) -> None:
    details = _details(line_id=event.line_id)
    _hear(event, News(kind=saga.ANSWER_FAILED, step=BILL, reason=event.reason, details=details))


def note_unbilled(event: OrderUnbilled) -> None:
    details = _details(refund_due=event.refund_due or None)
    _hear(event, News(kind=saga.ANSWER_UNDONE, step=BILL, details=details))


def is_of_an_order(event: BillVoided) -> bool:
    return event.order_id is not None


def note_bill_voided(event: BillVoided) -> None:
    """Nothing to do for the bill of a visit."""
    if event.order_id is not None:
        details = _details(refund_due=event.refund_due or None)
        _hear(event, News(kind=saga.BILL_VOIDED, step=BILL, details=details))


def note_patient_told(event: NotificationQueued) -> None:
    details = _details(notification_id=event.notification_id)
    _hear(event, News(kind=saga.ANSWER_DONE, step=NOTIFY, details=details))


def note_patient_not_told(event: NotificationFailed) -> None:
    _hear(event, News(kind=saga.ANSWER_FAILED, step=NOTIFY, reason=event.reason))


def _hear(event: Any, news: News) -> None:
    keeping.hear(system_actor(event.organization_id, name="orders"), event.order_id, news)


def _details(**values: Any) -> dict[str, Any]:
    return {name: str(value) for name, value in values.items() if value is not None}
