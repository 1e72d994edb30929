"""Consoles of stations: the counter of cashier, pharmacy, laboratory. One key finishes and calls the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, after_this_request, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import N_, NotFound
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.reception import forms
from clinic_web.reception.queries import stations as queries
from clinic_web.reception.queries.stations import LISTS, Console
from clinic_web.reception.routes import bp
from clinic_web.reception.service import station_calling, station_joining, stations
from clinic_web.reception.service.stations import Stopped
from clinic_web.ui.headers import cookie_name
from clinic_web.ui.texts import local_name
from clinic_web.ui.web import LastAct, acted, actor, form_key, needs

Act = Callable[..., Stopped]

COUNTER, LAST_STATION = "station_counter", "station_last"
A_YEAR = 365 * 24 * 3600


@bp.get("/stations")
@needs("station.work")
def my_station() -> ResponseReturnValue:
    """Where this person worked last in this browser, or else the first station of their role's kind."""
    found = queries.choices(actor())
    if not found:
        return render_template("reception/station/nobody.html")
    last = next(
        (each for each in found if request.cookies.get(cookie_name(LAST_STATION)) == _mark(each.id)), None
    )
    chosen = last or queries.usual(actor(), found)
    return redirect(url_for("reception.station", queue_id=chosen.id))


def _mark(queue_id: UUID) -> str:
    """Several people share a browser: whoever signs in next does not begin where the last one worked."""
    return f"{actor().user_id}/{queue_id}"


@bp.get("/stations/<uuid:queue_id>")
@needs("station.work")
def station(queue_id: UUID) -> str:
    console = _console(queue_id)
    _remember(LAST_STATION, _mark(queue_id))
    if request.args.get("counter"):
        _remember(COUNTER, request.args["counter"])
    return render_template(
        "reception/station/page.html", **_shown(console), stations=queries.choices(actor())
    )


@bp.get("/stations/<uuid:queue_id>/counter")
@needs("station.work")
def station_now(queue_id: UUID) -> str:
    return render_template("reception/station/_now.html", **_shown(_console(queue_id)))


@bp.get("/stations/<uuid:queue_id>/line")
@needs("station.work")
def station_line(queue_id: UUID) -> str:
    return render_template("reception/station/_line.html", **_shown(_console(queue_id)))


@bp.get("/stations/<uuid:queue_id>/deck")
@needs("station.work")
def station_deck(queue_id: UUID) -> str:
    return render_template("reception/station/_deck.html", **_shown(_console(queue_id)))


@bp.post("/stations/<uuid:queue_id>/next")
@needs("station.work")
def station_next(queue_id: UUID) -> ResponseReturnValue:
    called = station_calling.call_next(
        actor(),
        queue_id,
        at_counter=forms.optional_id(request.form, "at_counter"),
        room_id=_counter(),
        key=form_key(),
    )
    if called is None:
        return _done(queue_id, LastAct(text=_("Nobody else is waiting.")))
    text = _("called")
    if called.finished_ticket:
        text = _("called, %(ticket)s finished", ticket=called.finished_ticket)
    if called.was_called_already:
        text = _("is at your counter")
    return _done(queue_id, LastAct(text=text, ticket=called.ticket, ticket_state="CALLED"))


@bp.post("/stations/<uuid:queue_id>/draw")
@needs("station.work")
def station_draw(queue_id: UUID) -> ResponseReturnValue:
    drawn = station_joining.draw(actor(), queue_id, key=form_key())
    act = LastAct(
        text=_("is in the line"),
        ticket=drawn.ticket,
        ticket_state="WAITING",
        undo_url=url_for("reception.stop_take_out", stop_id=drawn.stop_id),
        undo_fields={"version": drawn.version},
    )
    return _done(queue_id, act)


@bp.post("/stops/<uuid:stop_id>/call")
@needs("station.work")
def stop_call(stop_id: UUID) -> ResponseReturnValue:
    called = station_calling.call(actor(), stop_id, version=_version(), room_id=_counter())
    return _said(called, _("called"))


@bp.post("/stops/<uuid:stop_id>/call-again")
@needs("station.work")
def stop_call_again(stop_id: UUID) -> ResponseReturnValue:
    return _act(stop_id, stations.call_again, _("called again"))


@bp.post("/stops/<uuid:stop_id>/finish")
@needs("station.work")
def stop_finish(stop_id: UUID) -> ResponseReturnValue:
    return _act(stop_id, stations.finish, _("is finished"), undo="reception.stop_undo_finish")


@bp.post("/stops/<uuid:stop_id>/undo-finish")
@needs("station.work")
def stop_undo_finish(stop_id: UUID) -> ResponseReturnValue:
    return _act(stop_id, stations.undo_finish, _("is at the counter again"))


@bp.post("/stops/<uuid:stop_id>/undo-call")
@needs("station.work")
def stop_undo_call(stop_id: UUID) -> ResponseReturnValue:
    return _act(stop_id, stations.undo_call, _("waits again: the call is taken back"))


@bp.post("/stops/<uuid:stop_id>/send-back")
@needs("station.work")
def stop_send_back(stop_id: UUID) -> ResponseReturnValue:
    return _act(stop_id, stations.send_back, _("waits again, at the old place"))


@bp.post("/stops/<uuid:stop_id>/miss")
@needs("station.work")
def stop_miss(stop_id: UUID) -> ResponseReturnValue:
    return _act(stop_id, stations.miss, _("did not come"), undo="reception.stop_send_back")


@bp.post("/stops/<uuid:stop_id>/take-out")
@needs("visit.send")
def stop_take_out(stop_id: UUID) -> ResponseReturnValue:
    return _act(stop_id, stations.take_out, _("is out of the line"))


@bp.post("/visits/<uuid:visit_id>/send")
@needs("visit.send")
def send_to_station(visit_id: UUID) -> ResponseReturnValue:
    queue_id = forms.required_id(request.form, "station", N_("Choose a station."))
    sent = station_joining.send(actor(), visit_id, queue_id, key=form_key())
    chosen = next(each for each in queries.choices(actor()) if each.id == queue_id)
    act = LastAct(
        text=_("sent to: %(name)s", name=local_name(chosen.name, chosen.name_ar)),
        ticket=sent.ticket,
        ticket_state="WAITING",
        undo_url=url_for("reception.stop_take_out", stop_id=sent.stop_id),
        undo_fields={"version": sent.version},
    )
    return acted(act, redirect=url_for("reception.hand_visit", visit_id=visit_id))


def _console(queue_id: UUID) -> Console:
    shown = request.args.get("show") or None
    if shown is not None and shown not in LISTS:
        raise NotFound
    console = queries.console(actor(), queue_id, shown)
    if not console.line.is_station:
        raise NotFound
    return console


def _shown(console: Console) -> dict[str, Any]:
    rooms = organization.directory(actor().organization_id).rooms
    room_id = _counter() or console.line.room_id
    visit_id = console.mine.visit_id if console.mine else None
    elsewhere = queries.choices(actor(), visit_id) if visit_id else []
    return {
        "console": console,
        "line": console.line,
        "shown": request.args.get("show") or None,
        "counter": rooms.get(room_id) if room_id else None,
        "counters": [each for each in rooms.values() if each.is_active],
        "user_id": actor().user_id,
        "money_topic": _money_topic(console),
        "onward": [each for each in elsewhere if each.id != console.line.id],
    }


def _money_topic(console: Console) -> str | None:
    """What tells that the person at the counter has paid; None for who may not hear it."""
    clinic_id = console.mine.clinic_id if console.mine else None
    return payments.payments_topic(clinic_id) if clinic_id and actor().can("payment.view") else None


def _counter() -> UUID | None:
    """The counter this browser stands at, if it chose one."""
    try:
        return UUID(request.args.get("counter") or request.cookies.get(cookie_name(COUNTER), ""))
    except ValueError:
        return None


def _remember(name: str, value: str) -> None:
    @after_this_request
    def keep(response: Response) -> Response:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        response.set_cookie(
            cookie_name(name), value, max_age=A_YEAR, secure=secure, httponly=True, samesite="Lax"
        )
        return response


def _act(stop_id: UUID, act: Act, text: str, *, undo: str | None = None) -> ResponseReturnValue:
    return _said(act(actor(), stop_id, version=_version()), text, undo=undo)


def _said(stopped: Stopped, text: str, *, undo: str | None = None) -> ResponseReturnValue:
    act = LastAct(
        text=text,
        ticket=stopped.ticket,
        ticket_state=stopped.status,
        undo_url=url_for(undo, stop_id=stopped.stop_id) if undo else None,
        undo_fields={"version": stopped.version} if undo else {},
    )
    return _done(stopped.queue_id, act)


def _done(queue_id: UUID, act: LastAct) -> ResponseReturnValue:
    if actor().can("station.work"):
        return acted(act, redirect=url_for("reception.station", queue_id=queue_id))
    return acted(act, redirect=url_for("reception.queues"))


def _version() -> int:
    return forms.version_of(request.form)
