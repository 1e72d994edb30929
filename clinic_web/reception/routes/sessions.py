"""A doctor is away: close the session, see who is affected, settle each by moving or cancelling."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.reception import forms
from clinic_web.reception.live import settlement_topic
from clinic_web.reception.models import Settlement
from clinic_web.reception.models.settlements import MOST
from clinic_web.reception.queries import affected as queries
from clinic_web.reception.queries import settlements
from clinic_web.reception.queries.affected import ANYONE, NOBODY, SAME, Affected
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.desk import choose_clinic, remember
from clinic_web.reception.service import sessions, settling
from clinic_web.reception.service.rescheduling import NewTime
from clinic_web.reception.service.sessions import Session
from clinic_web.reception.service.settling import Away, Decision
from clinic_web.reception.slots import Slot
from clinic_web.ui.texts import day as day_text
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, needs, page_or_fragment

HOW = (ANYONE, SAME, NOBODY)


@bp.get("/appointments/affected")
@needs("appointment.view")
def affected() -> str:
    """Without a span: which session. With one (``staff``, ``from``, ``to``: ISO times): who is in it."""
    return _show(request.args)


@bp.post("/appointments/sessions/cancel")
@needs("appointment.cancel_session")
def cancel_session() -> ResponseReturnValue:
    typed = request.form
    try:
        session = _session_of(typed)
        leave_id = sessions.cancel_session(actor(), session, typed.get("reason"))
    except RuleBroken as error:
        return make_response(_show(typed, errors=form_errors(error)), error.status)
    act = LastAct(
        text=_("The session on %(day)s is cancelled", day=day_text(session.starts_at)),
        undo_url=url_for("reception.take_session_up", leave_id=leave_id),
    )
    return acted(act, redirect=_address(session))


@bp.post("/appointments/sessions/<uuid:leave_id>/undo")
@needs("appointment.cancel_session")
def take_session_up(leave_id: UUID) -> ResponseReturnValue:
    leave = organization.remove_leave(actor(), leave_id, at_own_place=True)
    act = LastAct(text=_("The session on %(day)s takes place", day=day_text(leave.starts_at)))
    day = clock.local(leave.starts_at, organization.facility(actor()).timezone).date()
    return acted(act, redirect=url_for("reception.calendar", clinic=leave.clinic_id, day=day.isoformat()))


@bp.post("/appointments/affected")
@needs("appointment.view")
def settle_affected() -> ResponseReturnValue:
    """Hand what was decided for the marked ones to a worker, and show how far it is."""
    typed = request.form
    try:
        decisions = [_decision(typed, each) for each in typed.getlist("marked")]
        settlement_id = settling.ask(
            actor(), _away(typed), decisions, reason=typed.get("reason"), key=form_key()
        )
    except RuleBroken as error:
        return make_response(_show(typed, errors=form_errors(error)), error.status)
    num = len(decisions)
    text = ngettext("Settling %(num)s appointment", "Settling %(num)s appointments", num)
    return acted(LastAct(text=text), redirect=url_for(".settlement", settlement_id=settlement_id))


@bp.get("/appointments/settlements/<uuid:settlement_id>")
@needs("appointment.view")
def settlement(settlement_id: UUID) -> ResponseReturnValue:
    """How far a worker is with the marked ones; when it is done, what came of each."""
    return page_or_fragment(
        "reception/calendar/settlement.html",
        "reception/calendar/_settlement.html",
        shown=settlements.settlement(actor(), settlement_id),
        topic=settlement_topic(settlement_id),
    )


@bp.post("/appointments/settlements/<uuid:settlement_id>/retry")
@needs("appointment.view")
def retry_settlement(settlement_id: UUID) -> ResponseReturnValue:
    settling.try_again(actor(), settlement_id)
    act = LastAct(text=_("Settling the appointments again"))
    return acted(act, redirect=url_for(".settlement", settlement_id=settlement_id))


def _show(typed: Any, *, errors: dict[str, str] | None = None) -> str:
    who = actor()
    clinic_id, tabs = choose_clinic(who, forms.optional_id(typed, "clinic"))
    if clinic_id is None:
        raise NotFound
    remember(clinic_id)
    directory = organization.directory(who.organization_id)
    span, doctor_id = _span(typed), forms.optional_id(typed, "staff")
    how = typed.get("how") if typed.get("how") in HOW else ANYONE
    rows: list[Affected] = []
    lately: list[Settlement] = []
    if span and doctor_id:
        if doctor_id not in directory.staff:
            raise NotFound
        only = clinic_id if typed.get("clinic") else None
        rows = queries.affected(who, doctor_id, *span, clinic_id=only)
        away = Slot(doctor_id=doctor_id, start_time=span[0], end_time=span[1])
        rows = queries.with_proposals(who, rows, away, how=how)
        lately = settlements.settled_lately(who, doctor_id, *span)
    return render_template(
        "reception/calendar/affected.html",
        tabs=tabs,
        clinic_id=clinic_id,
        doctors=directory.doctors_of(clinic_id),
        doctor=directory.staff.get(doctor_id) if doctor_id else None,
        span=span,
        rows=rows,
        how=how,
        today=clock.today(organization.facility(who).timezone),
        typed=typed,
        errors=errors or {},
        lately=lately,
        is_cut=len(rows) == MOST,
    )


def _away(typed: Any) -> Away:
    """Return who is away when, as the list that was sent said it (NotFound 404 otherwise)."""
    span, doctor_id = _span(typed), forms.optional_id(typed, "staff")
    if span is None or doctor_id is None:
        raise NotFound
    clinic_id = forms.optional_id(typed, "clinic")
    directory = organization.directory(actor().organization_id)
    if doctor_id not in directory.staff or (clinic_id and clinic_id not in directory.clinics):
        raise NotFound
    return Away(doctor_id=doctor_id, clinic_id=clinic_id, starts_at=span[0], ends_at=span[1])


def _decision(typed: Any, marked: str) -> Decision:
    appointment_id = forms.required_id({"marked": marked}, "marked", N_("Choose one from the list."))
    slot = typed.get(f"slot-{marked}")
    to = None
    if typed.get("how") != NOBODY:
        if not slot:
            raise RuleBroken(N_("There is no free time for one that is marked. Cancel it, or move it alone."))
        doctor_id, start = forms.slot_of(slot)
        to = NewTime(doctor_id=doctor_id, start_time=start)
    version = forms.version_of({"version": typed.get(f"version-{marked}", "")})
    return Decision(appointment_id=appointment_id, version=version, to=to)


def _session_of(typed: Any) -> Session:
    """Return the session that the form names: a day, or a part of it (RuleBroken 422 at the field)."""
    doctor_id = forms.required_id(typed, "staff", N_("Choose a doctor."))
    clinic_id = forms.required_id(typed, "clinic", N_("Choose a clinic."))
    timezone = organization.facility(actor()).timezone
    day = forms.day_of(typed.get("day"), clock.today(timezone))
    begins, ends = _time(typed, "from_time"), _time(typed, "to_time")
    starts_at = organization.moment_at(day, begins or time.min, timezone)
    ends_at = organization.moment_at(day, ends, timezone) if ends else _midnight(day, timezone)
    if ends_at <= starts_at:
        raise RuleBroken(N_("The end must come after the beginning."), field="to_time")
    return Session(clinic_id=clinic_id, doctor_id=doctor_id, starts_at=starts_at, ends_at=ends_at)


def _midnight(day: date, timezone: str) -> datetime:
    return organization.moment_at(day + timedelta(days=1), time.min, timezone)


def _time(typed: Any, name: str) -> time | None:
    try:
        return time.fromisoformat(typed[name]) if typed.get(name) else None
    except ValueError as error:
        raise RuleBroken(N_("This is not a time. Write it as 09:30."), field=name) from error


def _span(typed: Any) -> tuple[datetime, datetime] | None:
    """Return the span of the address: ISO times with a zone, or local days (both whole)."""
    timezone = organization.facility(actor()).timezone
    since, until = _moment(typed.get("from"), timezone), _moment(typed.get("to"), timezone, is_end=True)
    return (since, until) if since and until and since < until else None


def _moment(text: str | None, timezone: str, *, is_end: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        if len(text) == len("2026-11-17"):
            day = date.fromisoformat(text)
            return _midnight(day, timezone) if is_end else organization.moment_at(day, time.min, timezone)
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        raise NotFound from error
    if found.tzinfo is None:
        raise NotFound
    return found.astimezone(UTC)


def _address(session: Session) -> str:
    asked: dict[str, Any] = {
        "clinic": session.clinic_id,
        "staff": session.doctor_id,
        "from": session.starts_at.isoformat(),
        "to": session.ends_at.isoformat(),
    }
    return url_for("reception.affected", **asked)
