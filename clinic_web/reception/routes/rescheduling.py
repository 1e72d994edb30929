"""Another time for an appointment: chosen from a list, dropped on the calendar, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.reception import forms
from clinic_web.reception.queries import appointment as held_queries
from clinic_web.reception.queries import offers
from clinic_web.reception.queries.hand import name_of
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.appointments import done, show_panel, when
from clinic_web.reception.service import rescheduling
from clinic_web.reception.service.rescheduling import NewTime, Rescheduled
from clinic_web.reception.slots import Slot, SlotRefused, SlotTaken
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, actor, form_errors, form_key, is_htmx, needs


@bp.get("/appointments/<uuid:appointment_id>/move")
@needs("appointment.reschedule")
def move_panel(appointment_id: UUID) -> str:
    return show_move(appointment_id, request.args)


@bp.post("/appointments/<uuid:appointment_id>/move")
@needs("appointment.reschedule")
def move_appointment(appointment_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        moved = rescheduling.reschedule(
            actor(), appointment_id, new_time(typed), version=forms.version_of(typed), key=form_key()
        )
    except (SlotTaken, SlotRefused) as error:
        said = {"slot": say(error)}
        return make_response(
            show_move(appointment_id, typed, errors=said, instead=error.nearest), error.status
        )
    except RuleBroken as error:
        return make_response(show_move(appointment_id, typed, errors=form_errors(error)), error.status)
    text = _("now on %(when)s", when=when(moved.start_time))
    return done(_act(moved, text, undo=True), appointment_id)


@bp.post("/appointments/<uuid:appointment_id>/undo-move")
@needs("appointment.reschedule")
def undo_rescheduling(appointment_id: UUID) -> ResponseReturnValue:
    moved = rescheduling.undo_reschedule(actor(), appointment_id, version=forms.version_of(request.form))
    text = _("on %(when)s again", when=when(moved.start_time))
    return done(_act(moved, text, undo=False), appointment_id)


def new_time(typed: Mapping[str, str]) -> NewTime:
    """Return the time that the form chose; RuleBroken (422, field ``slot`` or ``overbooking_reason``)."""
    doctor_id, start = forms.slot_of(typed.get("slot"))
    reason = forms.short_text(typed, "overbooking_reason", forms.LONGEST_REASON)
    is_over = typed.get("slot", "").endswith(forms.OVERBOOKED)
    if is_over and reason is None:
        sentence = N_("Say why this time is booked on top of the others.")
        raise RuleBroken(sentence, field="overbooking_reason")
    return NewTime(doctor_id=doctor_id, start_time=start, overbooking_reason=reason if is_over else None)


def show_move(
    appointment_id: UUID,
    typed: Mapping[str, str],
    *,
    errors: dict[str, str] | None = None,
    instead: list[Slot] | None = None,
) -> str:
    """Show where an appointment can go; ``instead`` are the nearest times of a refusal."""
    who, said = actor(), dict(errors or {})
    held = held_queries.appointment(who, appointment_id)
    timezone = organization.facility(who).timezone
    today, local = clock.today(timezone), clock.local(held.start_time, timezone)
    try:
        day = forms.day_of(typed.get("day") or max(today, local.date()).isoformat(), today)
    except RuleBroken as error:
        day, said = today, {**form_errors(error), **said}
    slot = typed.get("slot") or ""
    on_top = forms.slot_of(slot)[1] if slot.endswith(forms.OVERBOOKED) else None
    asked_doctor = forms.optional_id(typed, "doctor")
    offer = offers.choices(who, held.held.row.clinic_id, held.service_id, asked_doctor)
    return show_panel(
        "reception/calendar/_move.html",
        clinic_id=held.held.row.clinic_id,
        at=local,
        held=held,
        offer=offer,
        on_top=on_top if who.can("appointment.overbook") else None,
        times=offers.times(who, offer, day, instead=instead or ()),
        typed=typed,
        errors=said,
    )


def _act(moved: Rescheduled, text: str, *, undo: bool) -> LastAct:
    back = url_for("reception.undo_rescheduling", appointment_id=moved.appointment_id) if undo else None
    return LastAct(
        text=text,
        ticket=moved.ticket,
        ticket_state="SCHEDULED",
        who=name_of(actor(), moved.patient_id) if is_htmx() else None,
        undo_url=back,
        undo_fields={"version": moved.version} if undo else {},
    )
