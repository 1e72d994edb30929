"""The doctor's console: one press finishes the patient in the room and calls the next.

Every POST answers with the line in the foot and no more; the parts of the page fetch themselves. What is not
this doctor's is not here (404).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import InvalidForm, NotFound, RuleBroken
from clinic_web.reception import forms
from clinic_web.reception.queries import doctor as queries
from clinic_web.reception.queries import stations
from clinic_web.reception.queries.doctor import LISTS, MyDay
from clinic_web.reception.routes import bp
from clinic_web.reception.service import calling, finishing, holding
from clinic_web.reception.service.calling import Called
from clinic_web.reception.service.moves import Moved
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs

# A use case on one visit: (actor, visit id, version) to what became of it.
Move = Callable[..., Moved]


@bp.get("/doctor")
@needs("doctor.view")
def doctor() -> str:
    if actor().staff_id is None:
        return render_template("reception/doctor/nobody.html")
    day = queries.my_day(actor())
    return render_template("reception/doctor/page.html", **_console(day))


@bp.get("/doctor/room")
@needs("doctor.view")
def doctor_room() -> str:
    return render_template("reception/doctor/_room.html", **_room(queries.my_day(actor())))


@bp.get("/doctor/line")
@needs("doctor.view")
def doctor_line() -> str:
    return render_template("reception/doctor/_line.html", **_line(queries.my_day(actor())))


@bp.get("/doctor/deck")
@needs("doctor.view")
def doctor_deck() -> str:
    return render_template("reception/doctor/_deck.html", **_deck(queries.my_day(actor())))


@bp.post("/doctor/next")
@needs("visit.call", remembers=True)
def doctor_next() -> ResponseReturnValue:
    called = calling.call_next(actor(), key=form_key() or "")
    if called is None:
        return _done(LastAct(text=_("Nobody is waiting for you.")))
    return _said_called(called)


@bp.post("/doctor/visits/<uuid:visit_id>/call")
@needs("visit.call")
def doctor_call(visit_id: UUID) -> ResponseReturnValue:
    queries.require_mine(actor(), visit_id)
    return _said_called(calling.call(actor(), visit_id, version=_version()))


@bp.post("/doctor/visits/<uuid:visit_id>/call-again")
@needs("visit.call")
def doctor_call_again(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, calling.call_again, _("called again"))


@bp.post("/doctor/visits/<uuid:visit_id>/open")
@needs("visit.open")
def doctor_open(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, calling.open_visit, _("is in"))


@bp.post("/doctor/visits/<uuid:visit_id>/send-back")
@needs("visit.send_back")
def doctor_send_back(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, calling.send_back, _("waits again, at the old place"))


@bp.post("/doctor/visits/<uuid:visit_id>/undo-call")
@needs("visit.call")
def doctor_undo_call(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, calling.undo_call, _("waits again: the call is taken back"))


@bp.post("/doctor/visits/<uuid:visit_id>/miss")
@needs("visit.miss")
def doctor_miss(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, holding.miss, _("did not come"), undo="reception.doctor_came_after_all")


@bp.post("/doctor/visits/<uuid:visit_id>/came-after-all")
@needs("visit.miss")
def doctor_came_after_all(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, holding.came_after_all, _("came after all and waits"))


@bp.post("/doctor/visits/<uuid:visit_id>/hold")
@needs("visit.hold")
def doctor_hold(visit_id: UUID) -> ResponseReturnValue:
    try:
        reason = forms.reason_of(request.form)
        return _move(
            visit_id, partial(holding.hold, reason=reason), _("is on hold"), undo="reception.doctor_resume"
        )
    except (RuleBroken, InvalidForm) as error:
        return _hold_again(form_errors(error))


@bp.post("/doctor/visits/<uuid:visit_id>/resume")
@needs("visit.hold")
def doctor_resume(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, holding.resume, _("waits again, at the old place"))


@bp.post("/doctor/visits/<uuid:visit_id>/finish")
@needs("visit.finish")
def doctor_finish(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, finishing.finish, _("is finished"), undo="reception.doctor_undo_finish")


@bp.post("/doctor/visits/<uuid:visit_id>/undo-finish")
@needs("visit.finish")
def doctor_undo_finish(visit_id: UUID) -> ResponseReturnValue:
    return _move(visit_id, finishing.undo_finish, _("is in the room again"))


def _console(day: MyDay) -> dict[str, Any]:
    return _room(day) | _line(day) | _deck(day)


def _room(day: MyDay) -> dict[str, Any]:
    return {"day": day, "now": queries.in_room(actor(), day)}


def _line(day: MyDay) -> dict[str, Any]:
    shown = request.args.get("show") or None
    if shown is not None and shown not in LISTS:
        raise NotFound
    people = queries.listed(actor(), shown) if shown else queries.named(actor(), day.line)
    return {"day": day, "shown": shown, "people": people, "late": queries.my_delay(actor(), day)}


def _deck(day: MyDay) -> dict[str, Any]:
    """The deck names whom the next press concerns, and nobody else."""
    concerned = day.with_me if day.is_called else day.next
    people = queries.named(actor(), (concerned,)) if concerned else ()
    inside = day.with_me if day.is_in_room and actor().can("visit.send") else None
    return {
        "day": day,
        "concerned": people[0] if people else None,
        "sign": queries.room_sign(actor(), day),
        "stations": stations.choices(actor(), inside.row.visit_id) if inside else [],
    }


def _said_called(called: Called) -> Response:
    if called.was_called_already:
        text = _("is called and not in yet")
    elif called.finished_ticket:
        text = _("called, %(ticket)s finished", ticket=called.finished_ticket)
    else:
        text = _("called")
    return _done(LastAct(text=text, ticket=called.ticket, ticket_state="CALLED"))


def _move(visit_id: UUID, move: Move, text: str, *, undo: str | None = None) -> Response:
    queries.require_mine(actor(), visit_id)
    moved = move(actor(), visit_id, version=_version())
    return _done(
        LastAct(
            text=text,
            ticket=moved.ticket,
            ticket_state=moved.status,
            undo_url=url_for(undo, visit_id=visit_id) if undo else None,
            undo_fields={"version": moved.version} if undo else {},
        )
    )


def _done(act: LastAct) -> Response:
    return acted(act, redirect="" if is_htmx() else url_for("reception.doctor"))


def _hold_again(errors: dict[str, str]) -> Response:
    """The question stays open with what was typed; without JavaScript the whole page stands around it."""
    asked = {"errors": errors, "reason": request.form.get("reason", ""), "is_asking": True}
    day = queries.my_day(actor())
    if is_htmx():
        deck = make_response(render_template("reception/doctor/_deck.html", **_deck(day), **asked), 422)
        deck.headers |= {"HX-Retarget": "#doctor-deck", "HX-Reswap": "outerHTML"}
        return deck
    page = render_template("reception/doctor/page.html", **_console(day), **asked)
    return make_response(page, 422)


def _version() -> int:
    return forms.version_of(request.form)
