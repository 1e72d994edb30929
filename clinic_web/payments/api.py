"""The front door of payments: what a payable owes, taking money for it, and giving it up.

Money is a ``Decimal`` with two decimals, beside an ISO 4217 currency. Every function runs in the caller's
transaction, or in one of its own when there is none. Another tenant's row is NotFound (404).

A payable's life, as reception leads it: ``open_payment`` with the visit; ``give_ticket`` when a number is
drawn or a doctor takes the visit over; ``reschedule_for_visit`` when the appointment moves;
``lock_for_visit`` when the visit finishes; PaymentCompleted tells when it is paid; ``void_for_visit`` when
the visit is off, ``reopen_for_visit`` when the patient came after all. What an order owes is opened by
billing with ``open_order_payment``; ``lock`` holds a payment and tells its movements.
"""

from __future__ import annotations

from clinic_web.payments.access import require_payment, require_payment_of_visit
from clinic_web.payments.live import payments_topic
from clinic_web.payments.queries.bill import Movement
from clinic_web.payments.queries.disagreements import (
    Disagreement,
    ReceiptGap,
    disagreements,
    receipt_gaps,
)
from clinic_web.payments.queries.owed import Owed, owed_for_visits
from clinic_web.payments.queries.plain import (
    PAYMENTS_ASK,
    PlainPayment,
    movements_for,
    plain_payment,
    plain_payments,
)
from clinic_web.payments.queries.receipts import Receipt
from clinic_web.payments.service.failing import Refusal, note_failure
from clinic_web.payments.service.following import reschedule_for_visit
from clinic_web.payments.service.importing import (
    ImportedPayments,
    OverPayment,
    PastPayment,
    import_past_payments,
)
from clinic_web.payments.service.moving import NewTerms, Retermed, keeps_terms, move_for_visit
from clinic_web.payments.service.opening import (
    OPENED_TOPIC,
    NewOrderPayment,
    NewPayment,
    give_ticket,
    lock_for_visit,
    open_order_payment,
    open_payment,
    opened_with,
    reopen_for_visit,
    values_of_opening,
    void_for_visit,
)
from clinic_web.payments.service.refunding import correct, refund
from clinic_web.payments.service.settling import Moved, Settlement, lock, lock_of_visit
from clinic_web.payments.service.taking import take
from clinic_web.payments.service.voiding import reopen, void, waive_rest

__all__ = [
    "OPENED_TOPIC",
    "PAYMENTS_ASK",
    "Disagreement",
    "ImportedPayments",
    "Moved",
    "Movement",
    "NewOrderPayment",
    "NewPayment",
    "NewTerms",
    "OverPayment",
    "Owed",
    "PastPayment",
    "PlainPayment",
    "Receipt",
    "ReceiptGap",
    "Refusal",
    "Retermed",
    "Settlement",
    "correct",
    "disagreements",
    "give_ticket",
    "import_past_payments",
    "keeps_terms",
    "lock",
    "lock_for_visit",
    "lock_of_visit",
    "move_for_visit",
    "movements_for",
    "note_failure",
    "open_order_payment",
    "open_payment",
    "opened_with",
    "owed_for_visits",
    "payments_topic",
    "plain_payment",
    "plain_payments",
    "receipt_gaps",
    "refund",
    "reopen",
    "reopen_for_visit",
    "require_payment",
    "require_payment_of_visit",
    "reschedule_for_visit",
    "take",
    "values_of_opening",
    "void",
    "void_for_visit",
    "waive_rest",
]
