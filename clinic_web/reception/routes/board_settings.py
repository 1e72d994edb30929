"""How a screen is set: its lines, languages, colours, head and logo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.reception.models.displays import MOST_QUEUES
from clinic_web.reception.queries import displays as queries
from clinic_web.reception.queries.displays import Screen
from clinic_web.reception.routes import bp
from clinic_web.reception.routes.boards import lines
from clinic_web.reception.service import board_settings
from clinic_web.reception.service.board_settings import CHOICES, LENGTHS, Settings
from clinic_web.reception.service.logos import LARGEST_FILE
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, is_htmx, needs

LABELS = {
    "name": N_("Name of the screen"),
    "queues": N_("Lines"),
    "language": N_("Leading language"),
    "second_language": N_("The other language"),
    "digits": N_("Digits of times"),
    "theme": N_("Look"),
    "accent": N_("Colour of the head"),
    "privacy": N_("What it says of people"),
    "voice": N_("Voice"),
    "head": N_("Head, in English"),
    "head_ar": N_("Head, in Arabic"),
    "note": N_("Foot, in English"),
    "note_ar": N_("Foot, in Arabic"),
    "logo": N_("Logo"),
}
OPTIONS = {
    "language": {"en": N_("English"), "ar": N_("Arabic")},
    "second_language": {
        "BESIDE": N_("Beside the leading one"),
        "IN_TURNS": N_("In turns, every eight seconds"),
        "ALONE": N_("Not shown"),
    },
    "digits": {"AUTO": N_("As the leading language"), "LATN": "0123", "ARAB": "٠١٢٣"},
    "theme": {"light": N_("Light"), "dark": N_("Dark"), "auto": N_("As the system")},
    "privacy": {
        "QUEUE": N_("As the line allows"),
        "INITIALS": N_("Initials at most"),
        "NUMBER": N_("Numbers only"),
    },
    "voice": {
        "OFF": N_("Silent"),
        "en": N_("English"),
        "ar": N_("Arabic"),
        "BOTH": N_("Both, the leading one first"),
    },
    "accent": {
        "green": N_("Green"),
        "blue": N_("Blue"),
        "teal": N_("Teal"),
        "violet": N_("Violet"),
        "wine": N_("Wine red"),
        "brown": N_("Brown"),
        "slate": N_("Slate"),
    },
}


@bp.get("/boards/<uuid:display_id>")
@needs("board.pair")
def board_edit(display_id: UUID) -> str:
    screen = queries.screen_for(actor(), display_id)
    return render_template("reception/board/settings.html", **_form(screen, _values(screen)))


@bp.post("/boards/<uuid:display_id>")
@needs("board.pair")
def board_configure(display_id: UUID) -> ResponseReturnValue:
    version = request.form.get("version", type=int, default=0)
    try:
        wanted = _read()
        name = board_settings.configure(actor(), display_id, wanted, version=version, logo=_logo())
    except StaleScreen as error:
        return _again(display_id, error, moved_on=True)
    except (RuleBroken, InvalidForm) as error:
        return _again(display_id, error)
    act = LastAct(text=_("%(name)s is set and shows it now.", name=name))
    return acted(
        act, redirect=url_for("reception.board_edit", display_id=display_id), panel=_panel(display_id)
    )


def _logo() -> bytes | None:
    """Return the file that came with the form, one byte more than allowed at most."""
    file = request.files.get("logo")
    if file is None:
        return None
    with file.stream as stream:
        return stream.read(LARGEST_FILE + 1) or None


def _panel(display_id: UUID) -> str | None:
    if not is_htmx():
        return None
    screen = queries.screen_for(actor(), display_id)
    return render_template("reception/board/_settings.html", **_form(screen, _values(screen)))


def _read() -> Settings:
    form = request.form
    try:
        queue_ids = tuple(UUID(each) for each in form.getlist("queues") if each)
    except ValueError as error:
        raise RuleBroken(N_("Choose between one and six lines."), field="queues") from error
    return Settings(
        name=form.get("name", ""),
        queue_ids=queue_ids,
        keeps_logo=not form.get("no_logo"),
        **{name: form.get(name, "") for name in (*CHOICES, *LENGTHS)},
    )


def _values(screen: Screen) -> dict[str, Any]:
    """Return a screen's settings as its form holds them."""
    look = screen.look
    values = {name: getattr(look, name) or "" for name in (*CHOICES, *LENGTHS)}
    return values | {"name": screen.name, "queues": [str(wall.queue_id) for wall in screen.walls]}


def _typed() -> dict[str, Any]:
    return request.form.to_dict() | {"queues": [each for each in request.form.getlist("queues") if each]}


def _again(display_id: UUID, error: DomainError, *, moved_on: bool = False) -> ResponseReturnValue:
    """The form as it was sent, with what is wrong, or beside what somebody else has set meanwhile."""
    screen = queries.screen_for(actor(), display_id)
    typed = _typed()
    more: dict[str, Any] = {"errors": form_errors(error)}
    if moved_on:
        more = {"sentence": say(error), "clash": _differences(typed, _values(screen))}
    page = _form(screen, typed) | more
    if not moved_on:
        page["version"] = request.form.get("version", "0")
    template = "_settings.html" if is_htmx() else "settings.html"
    return make_response(render_template(f"reception/board/{template}", **page), error.status)


def _differences(typed: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """Return label, what was typed and what it is now, where they differ."""
    names = [name for name in LABELS if name in now and typed.get(name, "") != now[name]]
    return [
        (say(LABELS[name]), _shown(name, typed.get(name, "")), _shown(name, now[name]), True)
        for name in names
    ]


def _shown(name: str, value: Any) -> str:
    if name == "queues":
        known = dict(lines(queries.queues(actor())))
        return ", ".join(known.get(each, "–") for each in value)
    return str(say(OPTIONS[name][value])) if value in OPTIONS.get(name, {}) else str(value)


def _form(screen: Screen, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "screen": screen,
        "values": values,
        "version": screen.version,
        "errors": {},
        "clash": [],
        "sentence": "",
        "lines": lines(queries.queues(actor())),
        "places": range(MOST_QUEUES),
        "labels": {name: say(label) for name, label in LABELS.items()},
        "options": {
            name: [(value, say(text)) for value, text in known.items()] for name, known in OPTIONS.items()
        },
    }
