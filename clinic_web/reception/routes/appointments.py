"""The calendar of appointments, and the panels beside it: a free time, an appointment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_, InvalidForm, NotFound, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception import forms
from clinic_web.reception.queries import appointment as held_queries
from clinic_web.reception.queries import calendar as queries
from clinic_web.reception.queries import offers, waiting
from clinic_web.reception.queries.calendar import DAY, WEEK, Asked, Calendar
from clinic_web.reception.queries.grid import agenda, grid
from clinic_web.reception.queries.hand import name_of
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.desk import choose_clinic, remember
from clinic_web.reception.service import booking, cancelling, holding, noting
from clinic_web.reception.slots import Slot, SlotRefused, SlotTaken
from clinic_web.ui.texts import clock_time, say
from clinic_web.ui.texts import day as day_text
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs

FOUND = 8


@bp.get("/appointments")
@needs("appointment.view")
def calendar() -> str:
    return calendar_page("reception/calendar/_empty.html")


@bp.get("/appointments/grid")
@needs("appointment.view")
def calendar_grid() -> str:
    shown = calendar_asked()
    if shown is None:
        raise NotFound
    return render_template("reception/calendar/_grid.html", **drawn(shown))


@bp.get("/appointments/empty")
@needs("appointment.view")
def calendar_empty() -> str:
    return show_panel("reception/calendar/_empty.html")


@bp.get("/appointments/print")
@needs("appointment.view")
def calendar_print() -> str:
    """The day (or a doctor's week) on paper, A4."""
    shown = calendar_asked()
    if shown is None:
        raise NotFound
    return render_template("reception/calendar/print.html", shown=shown)


@bp.get("/appointments/slot")
@needs("appointment.book")
def slot_panel() -> str:
    return show_slot(request.args)


@bp.get("/appointments/slot/patients")
@needs("patient.search")
def slot_patients() -> str:
    """Who is meant, while the panel of a free time asks for the patient."""
    typed = request.args.get("q", "").strip()[:100]
    hits = patients.find(actor(), typed, limit=FOUND) if typed else []
    return render_template(
        "reception/calendar/_who.html", typed=typed, hits=hits, kept=_kept(request.args, "patient", "q")
    )


@bp.post("/appointments/book")
@needs("appointment.book")
def calendar_book() -> ResponseReturnValue:
    typed = request.form
    patient_id = forms.required_id(typed, "patient", N_("Choose a patient."))
    try:
        booked = booking.book(actor(), forms.booking(typed, patient_id), key=form_key() or "")
    except (SlotTaken, SlotRefused) as error:
        said = {"slot": say(error)}
        return make_response(show_slot(typed, errors=said, instead=error.nearest), error.status)
    except (InvalidForm, RuleBroken) as error:
        return make_response(show_slot(typed, errors=form_errors(error)), error.status)
    act = LastAct(
        text=_("%(time)s is booked", time=clock_time(booked.start_time)),
        ticket=booked.ticket,
        ticket_state="SCHEDULED",
        who=name_of(actor(), patient_id) if is_htmx() else None,
    )
    return done(act, booked.appointment_id)


@bp.get("/appointments/<uuid:appointment_id>")
@needs("appointment.view")
def appointment(appointment_id: UUID) -> str:
    return show_appointment(appointment_id, ask=request.args.get("ask"), is_asked_for=True)


@bp.post("/appointments/<uuid:appointment_id>/cancel")
@needs("appointment.cancel")
def cancel_appointment(appointment_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        reason = forms.reason_of(typed)
        moved = cancelling.cancel_appointment(
            actor(), appointment_id, reason, version=forms.version_of(typed)
        )
    except RuleBroken as error:
        panel = show_appointment(appointment_id, ask="cancel", typed=typed, errors=form_errors(error))
        return make_response(panel, error.status)
    act = LastAct(
        text=_("cancelled"),
        ticket=moved.ticket,
        ticket_state=moved.status,
        who=name_of(actor(), moved.patient_id) if is_htmx() else None,
    )
    return done(act, appointment_id)


@bp.post("/appointments/<uuid:appointment_id>/note")
@needs("appointment.book")
def note_appointment(appointment_id: UUID) -> ResponseReturnValue:
    """Correct what is written beside an appointment."""
    typed = request.form
    try:
        text = forms.short_text(typed, "note", forms.LONGEST_NOTE)
        noting.note(actor(), appointment_id, text, version=forms.version_of(typed))
    except RuleBroken as error:
        panel = show_appointment(appointment_id, ask="note", typed=typed, errors=form_errors(error))
        return make_response(panel, error.status)
    return done(LastAct(text=_("The note is written.")), appointment_id)


@bp.post("/appointments/<uuid:appointment_id>/miss")
@needs("appointment.miss")
def miss_appointment(appointment_id: UUID) -> ResponseReturnValue:
    held = held_queries.appointment(actor(), appointment_id).held
    moved = holding.miss(actor(), held.row.visit_id, version=forms.version_of(request.form))
    act = LastAct(
        text=_("did not come"),
        ticket=moved.ticket,
        ticket_state=moved.status,
        who=held.card.name if is_htmx() else None,
        undo_url=url_for("reception.came_after_all", visit_id=moved.visit_id),
        undo_fields={"version": moved.version},
    )
    return done(act, appointment_id)


def calendar_page(panel: str, *, clinic_id: UUID | None = None, **context: Any) -> str:
    """Show the whole calendar around a panel; without a clinic there is nothing to show but that."""
    shown = calendar_asked(clinic_id=clinic_id, at=context.get("at"))
    _clinic, tabs = choose_clinic(actor(), shown.clinic.id if shown else None)
    offered = waiting.open_offers(actor(), shown.clinic.id) if shown else []
    parts = drawn(shown) if shown else {"shown": None, "drawing": None}
    return render_template(
        "reception/calendar/page.html",
        panel=panel,
        tabs=tabs,
        offered=offered,
        clinic_id=shown.clinic.id if shown else None,
        **{**parts, **context},
    )


def calendar_asked(*, clinic_id: UUID | None = None, at: Any = None) -> Calendar | None:
    """Return the calendar that the address asks for, or the one around ``at`` in ``clinic_id``."""
    who = actor()
    chosen, _tabs = choose_clinic(who, clinic_id)
    if chosen is None:
        return None
    remember(chosen)
    day = at.date() if at else forms.any_day(request.args.get("day"))
    doctor_id = None if at else forms.optional_id(request.args, "doctor")
    asked = Asked(
        clinic_id=chosen,
        view=WEEK if request.args.get("view") == WEEK else DAY,
        day=day,
        doctor_id=doctor_id,
        service_id=None if at else forms.optional_id(request.args, "service"),
    )
    return queries.calendar(who, asked)


def drawn(shown: Calendar) -> dict[str, Any]:
    """What the templates of the calendar need."""
    return {"shown": shown, "drawing": grid(shown), "agenda": agenda, "kept": _kept(request.args)}


def show_panel(panel: str, **context: Any) -> str:
    """Show the panel alone to htmx, the whole calendar around it to the address bar."""
    if is_htmx():
        return render_template(panel, **context)
    return calendar_page(panel, **context)


def show_slot(
    typed: Mapping[str, str],
    *,
    errors: dict[str, str] | None = None,
    instead: list[Slot] | None = None,
) -> str:
    """Show a time to be booked; ``instead`` are the nearest ones of a refusal."""
    who = actor()
    doctor_id, start = forms.slot_of(typed.get("slot"))
    clinic_id, _tabs = choose_clinic(who, forms.optional_id(typed, "clinic"))
    if clinic_id is None:
        raise NotFound
    offer = offers.choices(who, clinic_id, forms.optional_id(typed, "service"), doctor_id)
    patient_id = forms.optional_id(typed, "patient")
    staff = organization.directory(who.organization_id).staff
    asked = typed.get("q", "").strip()[:100] if patient_id is None else ""
    local = clock.local(start, organization.facility(who).timezone)
    return show_panel(
        "reception/calendar/_slot.html",
        clinic_id=clinic_id,
        at=local,
        offer=offer,
        start=start,
        is_over=typed.get("slot", "").endswith(forms.OVERBOOKED),
        card=patients.card(who, patient_id) if patient_id else None,
        fitting=waiting.fitting(who, clinic_id, doctor_id, start) if patient_id is None else [],
        nearest=[offers.Time(slot, staff[slot.doctor_id]) for slot in instead or ()],
        hits=patients.find(who, asked, limit=FOUND) if asked else [],
        typed=typed,
        errors=errors or {},
    )


def show_appointment(
    appointment_id: UUID,
    *,
    ask: str | None = None,
    typed: Mapping[str, str] | None = None,
    errors: dict[str, str] | None = None,
    is_asked_for: bool = False,
) -> str:
    """Show an appointment with what may be done now; ``ask`` opens the question that an act needs first."""
    held = held_queries.appointment(actor(), appointment_id, is_asked_for=is_asked_for)
    return show_panel(
        "reception/calendar/_appointment.html",
        clinic_id=held.held.row.clinic_id,
        at=clock.local(held.start_time, organization.facility(actor()).timezone),
        held=held,
        ask=ask if ask in held.acts else None,
        typed=typed or {},
        errors=errors or {},
    )


def done(act: LastAct, appointment_id: UUID) -> ResponseReturnValue:
    """Answer an act on an appointment: the line in the foot, and the appointment as it stands now."""
    back = url_for("reception.appointment", appointment_id=appointment_id)
    return acted(act, redirect=back, panel=show_appointment(appointment_id) if is_htmx() else None)


def when(moment: Any) -> str:
    """A day and a time, as a sentence names them."""
    return f"{day_text(moment)} {clock_time(moment)}"


def _kept(args: Mapping[str, str], *without: str) -> dict[str, str]:
    """The address's own words, so that a link changes one and keeps the others."""
    names = ("clinic", "view", "day", "doctor", "service", "slot", "patient", "q")
    return {name: args[name] for name in names if args.get(name) and name not in without}
