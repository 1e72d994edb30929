"""How many fit: the capacity of a time and of a test, and the laboratory's hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.lab import forms
from clinic_web.lab.planning import DEFAULT_HOURS
from clinic_web.lab.queries import setup, times
from clinic_web.lab.routes import bp
from clinic_web.lab.routes.work import show_page
from clinic_web.lab.service import capacities
from clinic_web.ui.texts import say
from clinic_web.ui.web import (
    LastAct,
    acted,
    actor,
    form_errors,
    is_htmx,
    needs,
    page_or_fragment,
)

CAPACITY = "lab.capacity"


@bp.get("/times")
@needs("lab.view")
def day_times() -> ResponseReturnValue:
    """The times of one test on a day, with how many fit into each."""
    return _times(request.args)


@bp.post("/times")
@needs(CAPACITY)
def set_time() -> ResponseReturnValue:
    typed = request.form
    try:
        test_id = forms.id_of(typed.get("test"))
        starts_at = forms.moment_of(typed.get("starts_at"), field="capacity")
        if test_id is None:
            raise RuleBroken(capacities.NO_TEST, field="capacity")
        was = forms.whole_of(typed, "was") or 0
        capacities.set_slot(actor(), test_id, starts_at, forms.whole_of(typed, "capacity"), was=was)
    except (RuleBroken, StaleScreen) as error:
        said = {typed.get("starts_at", ""): say(error)}
        return make_response(_times(typed, said), error.status)
    act = LastAct(text=_("The places of this time are changed"))
    address = url_for("lab.day_times", day=typed.get("day"), test=test_id)
    return acted(act, redirect=address, panel=_times(typed) if is_htmx() else None)


def _times(asked: Mapping[str, str], errors: dict[str, str] | None = None) -> str:
    found = times.of_day(actor(), forms.day_of(asked.get("day")), forms.id_of(asked.get("test")))
    shown = render_template("lab/_times.html", times=found, errors=errors or {}, typed=asked)
    return shown if is_htmx() else show_page(hand=shown)


@bp.get("/setup", endpoint="set_up")
@needs(CAPACITY)
def set_up() -> str:
    return _set_up()


@bp.post("/setup/tests/<uuid:lab_test_id>")
@needs(CAPACITY)
def set_way(lab_test_id: UUID) -> ResponseReturnValue:
    typed = request.form
    try:
        own = forms.own_way(typed)
        capacities.set_way(actor(), lab_test_id, own, version=forms.version_of(typed))
    except (InvalidForm, RuleBroken, StaleScreen) as error:
        return _refused(error, {"at": lab_test_id, "typed": typed})
    act = LastAct(text=_("Changed how this test is done here"))
    return acted(act, redirect=url_for("lab.set_up"), panel=_set_up())


@bp.post("/setup/hours")
@needs(CAPACITY)
def set_hours() -> ResponseReturnValue:
    typed = request.form
    try:
        capacities.save_hours(actor(), forms.hours(typed), stamp=typed.get("stamp", ""))
    except (InvalidForm, RuleBroken, StaleScreen) as error:
        return _refused(error, {"at": "hours", "typed": typed})
    act = LastAct(text=_("The laboratory's hours are changed"))
    return acted(act, redirect=url_for("lab.set_up"), panel=_set_up())


def _refused(error: DomainError, context: dict[str, Any]) -> ResponseReturnValue:
    return make_response(_set_up(errors=form_errors(error), **context), error.status)


def _set_up(**context: Any) -> str:
    who = actor()
    hours = capacities.hours_of(who)
    values: dict[str, Any] = {"errors": {}, "typed": {}, "at": None} | context
    grid = _grid(hours or DEFAULT_HOURS)
    if values["at"] == "hours":
        grid |= {name: values["typed"].get(name, "") for name in grid}
    return page_or_fragment(
        "lab/setup.html",
        "lab/_setup.html",
        setup=setup.of_facility(who),
        grid=grid,
        stamp=capacities.stamp_of(hours),
        spans=range(forms.SPANS),
        **values,
    )


def _grid(hours: Any) -> dict[str, str]:
    """Return the week as the grid's fields have it."""
    fields = {
        f"{part}_{weekday}_{number}": ""
        for weekday in range(7)
        for number in range(forms.SPANS)
        for part in ("from", "to")
    }
    numbers: dict[int, int] = {}
    for weekday, begins, ends in sorted(hours):
        number = numbers.get(weekday, 0)
        numbers[weekday] = number + 1
        fields[f"from_{weekday}_{number}"] = f"{begins:%H:%M}"
        fields[f"to_{weekday}_{number}"] = f"{ends:%H:%M}"
    return fields
