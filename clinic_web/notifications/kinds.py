"""What patients are told: each kind of message with its shipped words and what may stand in them.

No shipped text names a medicine, a test or an illness: whoever sees the telephone lie there reads it, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from clinic_web.kernel.errors import N_

APPOINTMENTS, TURN, MEDICINE, LABORATORY, MONEY = "APPOINTMENTS", "TURN", "MEDICINE", "LABORATORY", "MONEY"
GROUPS = {
    APPOINTMENTS: N_("Appointments"),
    TURN: N_("Your turn"),
    MEDICINE: N_("Medicine"),
    LABORATORY: N_("Laboratory"),
    MONEY: N_("Payments"),
}

# Every word that may stand in a message, and what it is.
PLACEHOLDERS = {
    "place": N_("the centre"),
    "clinic": N_("the clinic"),
    "doctor": N_("the doctor"),
    "patient": N_("the patient's name"),
    "when": N_("day and time"),
    "ticket": N_("the number in the line"),
    "booking_id": N_("the booking's number"),
    "before": N_("how many come first"),
    "room": N_("the room"),
    "amount": N_("the sum"),
    "reason": N_("why it failed"),
}

_APPOINTMENT = ("place", "clinic", "doctor", "patient", "when", "booking_id")
_ORDER = ("place", "patient")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """``words`` may stand in it as ``{{word}}``. ``lasts``: how long after it was written it still helps.

    ``is_awaited``: whoever asked for it wants to know whether it goes out.
    """

    name: str
    group: str
    label: str
    subject: str
    body: str
    words: tuple[str, ...]
    lasts: timedelta | None = None
    is_awaited: bool = False


_ALL = (
    Kind(
        name="booking_confirmation",
        group=APPOINTMENTS,
        label=N_("Booked"),
        subject=N_("Your appointment"),
        body=N_(
            "%(clinic)s: you see %(doctor)s on %(when)s. Your number is %(ticket)s,"
            " your booking %(booking_id)s."
        ),
        words=(*_APPOINTMENT, "ticket"),
    ),
    Kind(
        name="booking_moved",
        group=APPOINTMENTS,
        label=N_("Moved"),
        subject=N_("Your appointment has moved"),
        body=N_(
            "%(clinic)s: your appointment has moved. You see %(doctor)s on %(when)s. Your number is"
            " %(ticket)s, your booking %(booking_id)s."
        ),
        words=(*_APPOINTMENT, "ticket"),
    ),
    Kind(
        name="booking_cancelled",
        group=APPOINTMENTS,
        label=N_("Cancelled"),
        subject=N_("Your appointment is cancelled"),
        body=N_(
            "%(clinic)s: your appointment with %(doctor)s on %(when)s is cancelled. Your booking was"
            " %(booking_id)s."
        ),
        words=_APPOINTMENT,
    ),
    Kind(
        name="session_cancelled",
        group=APPOINTMENTS,
        label=N_("The doctor is away"),
        subject=N_("Your appointment can not take place"),
        body=N_(
            "%(clinic)s: %(doctor)s can not see you on %(when)s. We will tell you another time. Your booking"
            " is %(booking_id)s."
        ),
        words=_APPOINTMENT,
    ),
    Kind(
        name="visit_next",
        group=TURN,
        label=N_("Soon your turn"),
        subject=N_("It is soon your turn"),
        body=N_("%(clinic)s: it is soon your turn. Before you: %(before)s. Your number is %(ticket)s."),
        words=("place", "clinic", "patient", "ticket", "before"),
        lasts=timedelta(minutes=20),
    ),
    Kind(
        name="visit_called",
        group=TURN,
        label=N_("It is your turn"),
        subject=N_("It is your turn"),
        body=N_("%(clinic)s: it is your turn. Number %(ticket)s, room %(room)s."),
        words=("place", "clinic", "patient", "ticket", "room"),
        lasts=timedelta(minutes=10),
    ),
    Kind(
        name="medicine_ready",
        group=MEDICINE,
        label=N_("Medicine ready"),
        subject=N_("Your medicine is ready"),
        body=N_("%(place)s: your medicine is ready at the pharmacy. Please bring your identity card."),
        words=_ORDER,
        is_awaited=True,
    ),
    Kind(
        name="medicine_failed",
        group=MEDICINE,
        label=N_("Medicine can not be given"),
        subject=N_("About your prescription"),
        body=N_(
            "%(place)s: your prescription could not be prepared: %(reason)s. Your doctor knows and decides"
            " what happens now. You owe nothing for it; please ask at the desk."
        ),
        words=(*_ORDER, "reason"),
    ),
    Kind(
        name="medicine_cancelled",
        group=MEDICINE,
        label=N_("Prescription cancelled"),
        subject=N_("About your prescription"),
        body=N_(
            "%(place)s: your prescription is cancelled. You owe nothing for it. If you expected it, please"
            " ask your doctor."
        ),
        words=_ORDER,
    ),
    Kind(
        name="lab_time",
        group=LABORATORY,
        label=N_("Laboratory time"),
        subject=N_("Your time at the laboratory"),
        body=N_("%(place)s: the laboratory expects you on %(when)s."),
        words=(*_ORDER, "when"),
        is_awaited=True,
    ),
    Kind(
        name="lab_moved",
        group=LABORATORY,
        label=N_("Laboratory time moved"),
        subject=N_("Your time at the laboratory has moved"),
        body=N_("%(place)s: your time at the laboratory has moved. It expects you on %(when)s."),
        words=(*_ORDER, "when"),
    ),
    Kind(
        name="lab_failed",
        group=LABORATORY,
        label=N_("Test can not be made"),
        subject=N_("About your tests"),
        body=N_(
            "%(place)s: your tests could not be arranged: %(reason)s. Your doctor knows and decides what"
            " happens now. You owe nothing for them; please ask at the desk."
        ),
        words=(*_ORDER, "reason"),
    ),
    Kind(
        name="lab_cancelled",
        group=LABORATORY,
        label=N_("Tests cancelled"),
        subject=N_("About your tests"),
        body=N_(
            "%(place)s: your tests at the laboratory are cancelled. You owe nothing for them. If you expected"
            " them, please ask your doctor."
        ),
        words=_ORDER,
    ),
    Kind(
        name="receipt",
        group=MONEY,
        label=N_("Receipt"),
        subject=N_("Your receipt"),
        body=N_("%(place)s: we received %(amount)s from you. Thank you."),
        words=("place", "patient", "amount"),
    ),
    Kind(
        name="receipt_corrected",
        group=MONEY,
        label=N_("Receipt corrected"),
        subject=N_("Your receipt was corrected"),
        body=N_(
            "%(place)s: the receipt of %(amount)s was a mistake and does not count any more. If another takes"
            " its place, you hear of it."
        ),
        words=("place", "patient", "amount"),
    ),
    Kind(
        name="refund",
        group=MONEY,
        label=N_("Refund"),
        subject=N_("Your refund"),
        body=N_("%(place)s: we gave %(amount)s back to you."),
        words=("place", "patient", "amount"),
    ),
    Kind(
        name="refund_due",
        group=MONEY,
        label=N_("Refund due"),
        subject=N_("Money is due to you"),
        body=N_(
            "%(place)s: a bill of yours was taken back, and %(amount)s that you paid is due to you. Please"
            " ask at the cashier's."
        ),
        words=("place", "patient", "amount"),
    ),
)

KINDS: dict[str, Kind] = {each.name: each for each in _ALL}

# Why an order failed, as a patient may read it; whatever else happened is nothing that helps them.
REASONS = {
    "SHORT": N_("not everything is in stock"),
    "NOT_STOCKED": N_("not everything is in stock"),
    "INACTIVE": N_("it is not offered any more"),
    "NOT_OFFERED": N_("it is not offered here"),
    "FULL": N_("no time was free"),
}
OTHER_REASON = N_("something went wrong on our side")
