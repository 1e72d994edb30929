"""The order line in words: each step's mark, why it failed, what was undone, what is being waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_
from clinic_web.orders import saga
from clinic_web.orders.models import LAB, PRESCRIPTION
from clinic_web.orders.queries.shown import Happened, Shown
from clinic_web.orders.saga import BILL, NOTIFY, RESERVE, Step
from clinic_web.orders.service.ending import BY_A_PERSON, CHANGED
from clinic_web.ui.texts import clock_time, currency_sign, day, local_name, money, number, say, timezone

STATUS_WORDS = {
    saga.CREATED: N_("Being reserved"),
    saga.FULFILLING: N_("Being billed"),
    saga.BILLED: N_("Patient is being told"),
    saga.COMPLETED: N_("Complete"),
    saga.COMPENSATING: N_("Being undone"),
    saga.FAILED: N_("Failed"),
    saga.CANCELLED: N_("Cancelled"),
    saga.NEEDS_HUMAN: N_("Needs a human"),
}
STATUS_ICONS = {
    saga.CREATED: "hourglass-split",
    saga.FULFILLING: "hourglass-split",
    saga.BILLED: "hourglass-split",
    saga.COMPLETED: "check2",
    saga.COMPENSATING: "arrow-counterclockwise",
    saga.FAILED: "exclamation-octagon-fill",
    saga.CANCELLED: "slash-circle",
    saga.NEEDS_HUMAN: "person-exclamation",
}
TYPE_WORDS = {PRESCRIPTION: N_("Prescription"), LAB: N_("Laboratory order")}
TYPE_ICONS = {PRESCRIPTION: "capsule", LAB: "clipboard2-pulse"}
PRIORITY_WORDS = {"ROUTINE": N_("Routine"), "URGENT": N_("Urgent"), "STAT": N_("At once")}


# What a step is called in each of its states.
STEP_WORDS: dict[tuple[str, str], dict[str, str]] = {
    (RESERVE, PRESCRIPTION): {
        saga.WAITING: N_("Reserve"),
        saga.ASKED: N_("Reserving"),
        saga.DONE: N_("Reserved"),
        saga.FAILED: N_("Not reserved"),
        saga.UNDOING: N_("Releasing"),
        saga.UNDONE: N_("Released"),
        saga.SKIPPED: N_("Reserve"),
    },
    (RESERVE, LAB): {
        saga.WAITING: N_("Find a time"),
        saga.ASKED: N_("Finding a time"),
        saga.DONE: N_("Time held"),
        saga.FAILED: N_("No time"),
        saga.UNDOING: N_("Giving the time back"),
        saga.UNDONE: N_("Time given back"),
        saga.SKIPPED: N_("Find a time"),
    },
    (BILL, ""): {
        saga.WAITING: N_("Bill"),
        saga.ASKED: N_("Billing"),
        saga.DONE: N_("Billed"),
        saga.FAILED: N_("Not billed"),
        saga.UNDOING: N_("Taking the bill back"),
        saga.UNDONE: N_("Bill taken back"),
        saga.SKIPPED: N_("Bill"),
    },
    (NOTIFY, ""): {
        saga.WAITING: N_("Tell the patient"),
        saga.ASKED: N_("Telling the patient"),
        saga.DONE: N_("Patient told"),
        saga.FAILED: N_("Patient not told"),
        saga.SKIPPED: N_("Tell the patient"),
    },
}
LAPSED_WORDS = {saga.EXPIRED: N_("Not fetched"), saga.VOIDED: N_("Bill voided")}
STEP_ICONS = {BILL: "receipt", NOTIFY: "bell"}
MARKS = {
    saga.WAITING: "todo",
    saga.ASKED: "now",
    saga.DONE: "did",
    saga.FAILED: "failed",
    saga.UNDOING: "now back",
    saga.UNDONE: "undone",
    saga.SKIPPED: "todo",
}

# Why, in one sentence; ``%(what)s`` is the line that it is about, where one is known.
WHY: dict[str, str] = {
    "SHORT": N_("There is not enough of %(what)s on the shelf."),
    "NOT_STOCKED": N_("%(what)s is not kept at this place."),
    "INACTIVE": N_("%(what)s is not given out any more."),
    "FULL": N_("No time is free for %(what)s."),
    "NOT_OFFERED": N_("%(what)s is not done at this place."),
    "NO_PRICE": N_("%(what)s has no price yet."),
    "CANCELLED": N_("It was cancelled before it was done."),
    "NO_ADDRESS": N_("The patient has no address for messages. Please tell them yourself."),
    "REFUSED": N_("The message was refused. Please tell the patient yourself."),
    "GIVEN_UP": N_("The message did not arrive. Please tell the patient yourself."),
    saga.EXPIRED: N_("Nobody fetched it in time, so the stock is free again."),
    saga.RELEASED: N_("It was let go where it was held."),
    saga.VOIDED: N_("The bill was voided."),
    CHANGED: N_("Another order took its place."),
}
TIMED_OUT_WORDS = {
    RESERVE: N_("No answer came within ten minutes whether it is available."),
    BILL: N_("No answer came within ten minutes about the bill."),
    NOTIFY: N_("The message could not be written in time. Please tell the patient yourself."),
}
UNDONE_WORDS = {
    (RESERVE, PRESCRIPTION): N_("the stock is free again"),
    (RESERVE, LAB): N_("the time is free again"),
    (BILL, PRESCRIPTION): N_("the bill is taken back"),
    (BILL, LAB): N_("the bill is taken back"),
}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One place on the line. ``look``: did, now, todo, failed, undone."""

    step: str
    look: str
    word: str
    icon: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line. ``why`` says what went wrong, ``undone`` what was undone, ``also`` what else to know."""

    marks: list[Mark]
    word: str
    icon: str
    is_under_way: bool
    why: str = ""
    undone: str = ""
    also: str = ""


def line_of(order: Shown) -> Line:
    """Return the line of an order in the reader's language."""
    steps = order.saga.steps
    marks = [_mark(order, steps[name]) for name in saga.STEPS]
    return Line(
        marks=[*marks, _last_mark(order)],
        word=say(STATUS_WORDS[order.status]),
        icon=STATUS_ICONS[order.status],
        is_under_way=order.status in saga.UNDER_WAY,
        why=_why(order),
        undone=_undone(order),
        also=_also(order),
    )


def _mark(order: Shown, step: Step) -> Mark:
    words = STEP_WORDS.get((step.step, order.order_type)) or STEP_WORDS[step.step, ""]
    word, details = words[step.state], step.details
    if step.step == RESERVE and step.state == saga.DONE:
        if handed := details.get("dispensed"):
            word = N_("Handed over") if handed == "WHOLE" else N_("Partly handed over")
        if details.get("has_result"):
            word = N_("Result is there")
    if step.state == saga.UNDONE and (lapsed := LAPSED_WORDS.get(step.reason or "")):
        word = lapsed
    icon = STEP_ICONS.get(step.step, TYPE_ICONS[order.order_type])
    return Mark(
        step=step.step, look=MARKS[step.state], word=say(word), icon=icon, detail=_detail(order, step)
    )


def _last_mark(order: Shown) -> Mark:
    looks = {
        saga.COMPLETED: "did",
        saga.FAILED: "failed",
        saga.NEEDS_HUMAN: "failed",
        saga.CANCELLED: "undone",
        saga.COMPENSATING: "now back",
    }
    is_active = order.status in saga.ACTIVE
    word = N_("Complete") if is_active else STATUS_WORDS[order.status]
    ended = order.saga.ended_at
    return Mark(
        step="END",
        look=looks.get(order.status, "todo"),
        word=say(word),
        icon="check2" if is_active else STATUS_ICONS[order.status],
        detail=_moment(ended) if ended else "",
    )


def _detail(order: Shown, step: Step) -> str:
    details = step.details
    if step.state == saga.UNDONE:
        due = _amount(details.get("refund_due"))
        return str(_("%(sum)s to give back", sum=money(due)) if due else _moment(step.undone_at))
    if step.state in (saga.ASKED, saga.UNDOING):
        times = step.times_undo_asked if step.state == saga.UNDOING else step.times_asked
        return str(_("asked %(times)s times", times=number(times))) if times > 1 else ""
    if step.state != saga.DONE:
        return ""
    if step.step == BILL and (amount := _amount(details.get("amount"))) is not None:
        return f"{money(amount)} {currency_sign(str(details.get('currency', '')))}".strip()
    if step.step == RESERVE and (starts_at := _time(details, "starts_at")):
        return _moment(starts_at)
    if step.step == RESERVE and not details.get("dispensed") and (until := _time(details, "expires_at")):
        return str(_("until %(when)s", when=_moment(until)))
    return _moment(step.answered_at)


def _why(order: Shown) -> str:
    state, steps = order.saga, order.saga.steps
    if order.status == saga.COMPLETED:
        for name in (RESERVE, BILL, NOTIFY):
            if steps[name].state in (saga.FAILED, saga.UNDONE) and steps[name].reason:
                return _sentence(order, name, steps[name].reason or "")
        return ""
    if state.ends_as is None:
        return ""
    if state.reason == BY_A_PERSON:
        return str(_("Cancelled: %(reason)s", reason=order.said or ""))
    return _sentence(order, state.failed_step or RESERVE, state.reason or "")


def _sentence(order: Shown, step: str, reason: str) -> str:
    if reason == saga.TIMED_OUT:
        return say(TIMED_OUT_WORDS[step])
    if reason not in WHY:
        return reason
    details = order.saga.steps[step].details
    sentence = str(_(WHY[reason])) % {"what": _about(order, details)}
    free = _amount(details.get("available"))
    if reason == "SHORT" and free is not None:
        sentence = f"{sentence} " + _("Free now: %(number)s.", number=number(free))
    return sentence


def _about(order: Shown, details: Mapping[str, Any]) -> str:
    """Return the name of the line that a failure is about; of the only one, if there is one."""
    for each in order.items:
        if str(each.id) == details.get("line_id") or len(order.items) == 1:
            return local_name(each.name, each.name_ar)
    return str(_("one of the lines"))


def _undone(order: Shown) -> str:
    steps = order.saga.steps
    if order.status not in (saga.FAILED, saga.CANCELLED, saga.COMPENSATING, saga.NEEDS_HUMAN):
        return ""
    done = [
        say(UNDONE_WORDS[name, order.order_type])
        for name in saga.UNDONE_IN_REVERSE
        if steps[name].state == saga.UNDONE
    ]
    if order.status == saga.NEEDS_HUMAN:
        return str(_("It could not be undone by itself within a day. Somebody has to look after it."))
    if not done:
        return str(_("Nothing had been done yet.")) if order.status in saga.ENDED else ""
    return str(_("Undone: %(what)s.", what=_(" and ").join(done)))


def _also(order: Shown) -> str:
    due = _amount(order.saga.steps[BILL].details.get("refund_due"))
    if due:
        return str(_("What was paid, %(sum)s, waits to be given back at the cashier.", sum=money(due)))
    return ""


HISTORY_WORDS = {
    saga.TOLD_AGAIN: N_("Asked again"),
    saga.UNDO_TOLD_AGAIN: N_("Asked again to undo it"),
    saga.IGNORED: N_("Came too late or twice, and changed nothing"),
    saga.HEARD: N_("Something new was heard"),
    saga.CLOSED_BY_HAND: N_("Closed by hand"),
}


def worth_telling(history: list[Happened]) -> list[Happened]:
    """Return the lines without those states of the order that the next line, of their step, says as well."""
    return [each for each in history if each.step or each.what not in (saga.FULFILLING, saga.BILLED)]


def happened(order: Shown, each: Happened) -> str:
    """Return one line of the history in words."""
    if each.what == saga.HEARD:
        word = _heard(each)
    elif each.what in HISTORY_WORDS:
        word = say(HISTORY_WORDS[each.what])
    elif each.step:
        words = STEP_WORDS.get((each.step, order.order_type)) or STEP_WORDS[each.step, ""]
        word = say(words.get(each.what, each.what))
    elif each.what == saga.CREATED:
        word = _("Ordered")
    else:
        word = say(STATUS_WORDS.get(each.what, each.what))
    return word


def _heard(each: Happened) -> str:
    if "dispensings" in each.details:
        handed = {saga.WHOLE: N_("Handed over"), saga.PART: N_("Partly handed over")}
        return say(handed.get(each.details.get("dispensed") or "", N_("Taken back")))
    if starts_at := _time(each.details, "starts_at"):
        return str(_("Another time: %(when)s", when=_moment(starts_at)))
    return say(N_("Result is there") if "has_result" in each.details else HISTORY_WORDS[saga.HEARD])


def why_happened(order: Shown, each: Happened) -> str:
    """Return the reason of a line of the history in words, if it has one."""
    if not each.reason or each.what == saga.IGNORED:
        return ""
    if each.reason == BY_A_PERSON:
        return order.said or ""
    return _sentence(order, each.step or each.details.get("step") or RESERVE, each.reason)


def _moment(moment: datetime | None) -> str:
    """The time alone where it is of today."""
    if moment is None:
        return ""
    is_todays = clock.today(timezone()) == clock.local(moment, timezone()).date()
    return clock_time(moment) if is_todays else f"{day(moment, 'd MMM')} {clock_time(moment)}"


def _time(details: Mapping[str, Any], name: str) -> datetime | None:
    text = details.get(name)
    return datetime.fromisoformat(text) if text else None


def _amount(text: Any) -> Decimal | None:
    try:
        return Decimal(str(text)) if text is not None else None
    except InvalidOperation:
        return None
