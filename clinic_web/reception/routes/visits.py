"""What the desk does: book, let in, check in, hold, cancel. Each is one POST: parse, act, say what happened.

The answer is the line in the foot, and the panel in hand where the press came from there; the lists fetch
themselves when their topic changes.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from flask import Response, get_template_attribute, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken
from clinic_web.reception import forms
from clinic_web.reception.queries.hand import name_of
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.hand import show_booking, show_visit, show_walk_in
from clinic_web.reception.service import booking, calling, cancelling, checking_in, holding, walking_in
from clinic_web.reception.service.moves import Moved
from clinic_web.reception.slots import SlotRefused, SlotTaken
from clinic_web.ui.texts import clock_time, say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs

Move = Callable[[], Moved]


@bp.post("/desk/hand/patient/<uuid:patient_id>/book")
@needs("appointment.book")
def book(patient_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        booked = booking.book(actor(), forms.booking(typed, patient_id), key=form_key() or "")
    except (SlotTaken, SlotRefused) as error:
        said = {"slot": say(error)}
        return make_response(
            show_booking(patient_id, typed, errors=said, instead=error.nearest), error.status
        )
    except (InvalidForm, RuleBroken) as error:
        said = _at_fields(error, "service", "slot", "note", "overbooking_reason")
        return make_response(show_booking(patient_id, typed, errors=said), error.status)
    text = _("%(time)s is booked", time=clock_time(booked.start_time))
    act = LastAct(text=text, ticket=booked.ticket, ticket_state="SCHEDULED")
    return _issued(act, booked.visit_id, clock_time(booked.start_time), _("Booked"))


@bp.post("/desk/hand/patient/<uuid:patient_id>/walk-in")
@needs("visit.walk_in", remembers=True)
def walk_in(patient_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        opened = walking_in.open_walk_in(actor(), forms.walk_in(typed, patient_id), key=form_key() or "")
    except (InvalidForm, RuleBroken) as error:
        said = _at_fields(error, "service", "doctor", "priority", "priority_reason")
        return make_response(show_walk_in(patient_id, typed, errors=said), error.status)
    act = LastAct(text=_("waits as a walk-in"), ticket=opened.ticket, ticket_state="WAITING")
    return _issued(act, opened.visit_id, opened.ticket, _("Waits as a walk-in"))


@bp.post("/visits/<uuid:visit_id>/check-in")
@needs("visit.check_in")
def check_in(visit_id: UUID) -> ResponseReturnValue:
    moved = checking_in.check_in(actor(), visit_id, version=_version())
    return _moved(moved, _("checked in"), undo="reception.undo_check_in")


@bp.post("/visits/<uuid:visit_id>/undo-check-in")
@needs("visit.check_in")
def undo_check_in(visit_id: UUID) -> ResponseReturnValue:
    moved = checking_in.undo_check_in(actor(), visit_id, version=_version())
    return _moved(moved, _("is expected again"), undo="reception.check_in")


@bp.post("/visits/<uuid:visit_id>/prioritise")
@needs("visit.prioritise")
def prioritise(visit_id: UUID) -> ResponseReturnValue:
    def move() -> Moved:
        kind, reason = forms.priority_of(request.form)
        return checking_in.prioritise(actor(), visit_id, kind, reason, version=_version())

    return _asked("prioritise", visit_id, move, _("has another priority"))


@bp.post("/visits/<uuid:visit_id>/hold")
@needs("visit.hold")
def hold(visit_id: UUID) -> ResponseReturnValue:
    def move() -> Moved:
        return holding.hold(actor(), visit_id, forms.reason_of(request.form), version=_version())

    return _asked("hold", visit_id, move, _("is on hold"), undo="reception.resume")


@bp.post("/visits/<uuid:visit_id>/resume")
@needs("visit.hold")
def resume(visit_id: UUID) -> ResponseReturnValue:
    moved = holding.resume(actor(), visit_id, version=_version())
    return _moved(moved, _("waits again, at the old place"))


@bp.post("/visits/<uuid:visit_id>/miss")
@needs("visit.miss")
def miss(visit_id: UUID) -> ResponseReturnValue:
    moved = holding.miss(actor(), visit_id, version=_version())
    return _moved(moved, _("did not come"), undo="reception.came_after_all")


@bp.post("/visits/<uuid:visit_id>/send-back")
@needs("visit.send_back")
def send_back(visit_id: UUID) -> ResponseReturnValue:
    moved = calling.send_back(actor(), visit_id, version=_version())
    return _moved(moved, _("waits again, at the old place"))


@bp.post("/visits/<uuid:visit_id>/came-after-all")
@needs("visit.miss")
def came_after_all(visit_id: UUID) -> ResponseReturnValue:
    moved = holding.came_after_all(actor(), visit_id, version=_version())
    return _moved(moved, _("came after all and waits"))


@bp.post("/visits/<uuid:visit_id>/cancel")
@needs("visit.cancel")
def cancel(visit_id: UUID) -> ResponseReturnValue:
    def move() -> Moved:
        return cancelling.cancel_visit(actor(), visit_id, forms.reason_of(request.form), version=_version())

    return _asked("cancel", visit_id, move, _("cancelled"))


def _version() -> int:
    return forms.version_of(request.form)


def _asked(
    ask: str, visit_id: UUID, move: Move, text: str, *, undo: str | None = None
) -> ResponseReturnValue:
    """Make a move that needed an answer first; a wrong answer keeps the question open, and what was typed."""
    try:
        moved = move()
    except (InvalidForm, RuleBroken) as error:
        return _asked_again(ask, visit_id, error)
    return _moved(moved, text, undo=undo)


def _asked_again(ask: str, visit_id: UUID, error: DomainError) -> Response:
    said = _at_fields(error, "reason", "priority", "priority_reason")
    return make_response(show_visit(visit_id, ask=ask, typed=request.form, errors=said), error.status)


def _at_fields(error: DomainError, *fields: str) -> dict[str, str]:
    """Return the sentences by field; those of no field of this form are said above it."""
    said = form_errors(error)
    above = [sentence for name, sentence in said.items() if name not in fields]
    return {name: sentence for name, sentence in said.items() if name in fields} | (
        {"": " ".join(above)} if above else {}
    )


def _moved(moved: Moved, text: str, *, undo: str | None = None) -> Response:
    """Say what happened, with its undo; show the visit again where it is in hand."""
    act = LastAct(
        text=text,
        ticket=moved.ticket,
        ticket_state=moved.status,
        who=name_of(actor(), moved.patient_id) if is_htmx() else None,
        undo_url=url_for(undo, visit_id=moved.visit_id) if undo else None,
        undo_fields={"version": moved.version} if undo else {},
    )
    return acted(
        act, redirect=_back(moved.visit_id), panel=show_visit(moved.visit_id) if _is_in_hand() else None
    )


def _issued(act: LastAct, visit_id: UUID, called: str, title: str) -> Response:
    """Say the number at once; the slip, and what is to pay, come right after by themselves."""
    done = url_for("reception.hand_done", visit_id=visit_id, pays=request.form.get("pays", ""))
    panel = None
    if is_htmx():
        issued = get_template_attribute("reception/desk/_issued.html", "issued")
        panel = issued(title, act.ticket or called, act.ticket_state, done)
    return acted(act, redirect=done, panel=panel)


def _is_in_hand() -> bool:
    return is_htmx() and request.headers.get("HX-Target") == "hand"


def _back(visit_id: UUID) -> str:
    """Where a browser without JavaScript goes on: where the form says, or to the visit."""
    wanted = request.form.get("next", "")
    is_here = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_here else url_for("reception.hand_visit", visit_id=visit_id)
