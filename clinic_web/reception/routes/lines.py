"""All lines of the facility with their figures, and how each of them works."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.organization.api import RoomInfo
from clinic_web.reception import forms, line_forms
from clinic_web.reception.queries import lines as queries
from clinic_web.reception.queries import priorities
from clinic_web.reception.routes import bp
from clinic_web.reception.service import settings
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs


@bp.get("/queues")
@needs("visit.view")
def queues() -> str:
    return render_template("reception/lines/page.html", **_list(), typed={}, errors={}, rooms=_rooms())


@bp.get("/queues/list")
@needs("visit.view")
def queues_list() -> str:
    return render_template("reception/lines/_list.html", **_list())


@bp.post("/queues")
@needs("organization.manage")
def open_station() -> ResponseReturnValue:
    typed = request.form
    try:
        new = line_forms.station(typed)
        queue_id = settings.open_station(actor(), new, key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return _station_again(error)
    act = LastAct(text=_("%(name)s has a line now", name=new.name))
    return acted(act, redirect=url_for("reception.queue_settings", queue_id=queue_id))


@bp.get("/queues/<uuid:queue_id>")
@needs("organization.manage")
def queue_settings(queue_id: UUID) -> str:
    return render_template("reception/lines/settings.html", **_settings(queue_id))


@bp.post("/queues/<uuid:queue_id>")
@needs("organization.manage")
def change_queue(queue_id: UUID) -> ResponseReturnValue:
    try:
        wanted = line_forms.settings(request.form)
        settings.change_queue(actor(), queue_id, wanted, version=forms.version_of(request.form))
    except (InvalidForm, RuleBroken) as error:
        return _settings_again(queue_id, "_settings", error)
    return _changed(queue_id, "_settings", _("The line works as set from now on"))


@bp.post("/queues/<uuid:queue_id>/priorities")
@needs("organization.manage")
def change_priorities(queue_id: UUID) -> ResponseReturnValue:
    known = priorities.of_queue(actor(), queue_id, also_unused=True)
    try:
        settings.save_priorities(actor(), queue_id, line_forms.priorities(request.form, known))
    except (InvalidForm, RuleBroken) as error:
        return _settings_again(queue_id, "_priorities", error)
    return _changed(queue_id, "_priorities", _("The priorities are as set from now on"))


def _list() -> dict[str, Any]:
    found = queries.lines_now(actor())
    return {"lines": found, "topics": [each.line.topic for each in found]}


def _rooms() -> list[RoomInfo]:
    return [each for each in organization.directory(actor().organization_id).rooms.values() if each.is_active]


def _settings(queue_id: UUID) -> dict[str, Any]:
    return {
        "line": queries.line(actor(), queue_id),
        "priorities": priorities.of_queue(actor(), queue_id, also_unused=True),
        "rooms": _rooms(),
        "settings_typed": None,
        "settings_errors": {},
        "priorities_typed": None,
        "priorities_errors": {},
        "NEW": line_forms.NEW,
    }


def _changed(queue_id: UUID, part: str, text: str) -> ResponseReturnValue:
    panel = render_template(f"reception/lines/{part}.html", **_settings(queue_id)) if is_htmx() else None
    return acted(
        LastAct(text=text), redirect=url_for("reception.queue_settings", queue_id=queue_id), panel=panel
    )


def _settings_again(queue_id: UUID, part: str, error: DomainError) -> ResponseReturnValue:
    """The form stays as it was filled in; each refusal stands at its field."""
    name = part.removeprefix("_")
    shown = {f"{name}_errors": form_errors(error), f"{name}_typed": request.form}
    template = f"reception/lines/{part if is_htmx() else 'settings'}.html"
    return make_response(render_template(template, **(_settings(queue_id) | shown)), error.status)


def _station_again(error: DomainError) -> ResponseReturnValue:
    shown = {"typed": request.form, "errors": form_errors(error), "rooms": _rooms()}
    if is_htmx():
        return make_response(render_template("reception/lines/_station.html", **shown), error.status)
    return make_response(render_template("reception/lines/page.html", **_list(), **shown), error.status)
