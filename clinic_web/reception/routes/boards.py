"""Screens on walls: the boards and their snapshots for a screen, the list of screens for the desk."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from clinic_web.kernel import clock, push
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, NotFound, RuleBroken
from clinic_web.reception import board_stream
from clinic_web.reception.board_words import Two, context, name_in, two
from clinic_web.reception.live import BOARD
from clinic_web.reception.models.displays import LANGUAGES
from clinic_web.reception.queries import displays as queries
from clinic_web.reception.queries.board import Wall
from clinic_web.reception.queries.displays import QueueChoice, Screen
from clinic_web.reception.routes import bp
from clinic_web.reception.service import displays, logos
from clinic_web.reception.service.displays import DISPLAYS, PAIRING, Pairing
from clinic_web.ui import policies, sockets
from clinic_web.ui.headers import cookie_name
from clinic_web.ui.ports import ports
from clinic_web.ui.shell import asset
from clinic_web.ui.sockets import Joiner
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, needs, open_to_all

COOKIE = "clinic-display"
COOKIE_LIVES = timedelta(days=400)

ASSETS = ("css/tokens.css", "css/parts.css", "css/board.css", "js/board.js")


@bp.get("/board")
@open_to_all("a screen is known by its own token; without one it gets a code to show and nothing else")
def board() -> ResponseReturnValue:
    token = _token()
    screen = queries.screen_with(token)
    if screen is None or token is None:
        new = displays.begin_pairing(request.accept_languages.best_match(LANGUAGES) or "en")
        return remember(_page(_known(new.display_id)), new.token)
    if not screen.walls and screen.code_expires_at <= clock.now():
        displays.renew_code(screen.display_id)
        screen = _known(screen.display_id)
    return remember(_page(screen), token)


@bp.get("/board/snapshot")
@open_to_all("answers only a screen's own token, with what its wall shows anyway")
def board_snapshot() -> ResponseReturnValue:
    token = _token()
    screen = queries.screen_with(token)
    if screen is None or token is None:
        return {"error": "unpaired"}, 401
    body = {"page": fingerprint(screen), "server_time": clock.now().isoformat()}
    if not screen.walls:
        return body
    parts = [board_stream.message(part) for part in board_stream.snapshots_of(_asked_for(screen))]
    return remember(jsonify(parts[0] | body if len(parts) == 1 else {"parts": parts} | body), token)


def _asked_for(screen: Screen) -> list[Wall]:
    """Return the screen's walls whose topics the address names (``?part=``), or all."""
    wanted = set(request.args.getlist("part"))
    pairs = zip(screen.walls, screen.topics, strict=True)
    return [wall for wall, topic in pairs if topic in wanted] or list(screen.walls)


@bp.get("/board/logo/<digest>.png")
@open_to_all("a logo hangs on the wall anyway, and its address is the hash of its bytes")
def board_logo(digest: str) -> ResponseReturnValue:
    image = logos.image_of(digest)
    if image is None:
        raise NotFound
    answer = Response(image, mimetype="image/png")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def _known(display_id: UUID) -> Screen:
    screen = queries.screen_by_id(display_id)
    if screen is None:
        raise NotFound
    return screen


def _page(screen: Screen) -> Response:
    look = screen.look
    shared: dict[str, Any] = {
        **context(look.language),
        "screen": screen,
        "page": fingerprint(screen),
        "server_time": clock.now(),
        "own_at": _place_of(screen.own_topic),
    }
    if not screen.walls:
        return make_response(render_template("reception/board/pairing.html", **shared))
    head = queries.place_of(screen)
    page = render_template(
        "reception/board/page.html",
        **shared,
        parts=board_stream.snapshots_of(screen.walls),
        title=name_in(look.language, head.name, head.name_ar),
        note=_note(screen),
        timezone=head.timezone,
    )
    return make_response(page)


def _note(screen: Screen) -> Two | None:
    """Return the screen's own sentence for its foot, if it has one."""
    look = screen.look
    if not (look.note or look.note_ar):
        return None
    texts = (look.note_ar, look.note) if look.language == "ar" else (look.note, look.note_ar)
    lead, other = texts if texts[0] else (texts[1], None)
    return two(look.language, lead or "", other)


def _place_of(topic: str) -> str:
    at = push.versions([topic]).get(topic)
    return f"{at.epoch}/{at.seq}" if at else ""


def fingerprint(screen: Screen) -> str:
    """Return what a screen's page depends on besides the boards themselves; when it differs, the page loads
    again: paired, other lines, another look, or a new version of the program."""
    parts = (screen.display_id, *screen.topics, screen.look, screen.code, *(asset(path) for path in ASSETS))
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]


def remember(response: Response, token: str) -> Response:
    """Let the screen keep its token; each page and snapshot extends its life.

    For all paths, because a cookie that is bound to this host (``__Host-``) can't be of some paths only.
    """
    response.set_cookie(
        cookie_name(COOKIE),
        token,
        max_age=COOKIE_LIVES,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )
    return response


def _token() -> str | None:
    return request.cookies.get(cookie_name(COOKIE))


@bp.get("/boards")
@needs("board.pair")
def boards() -> str:
    return render_template("reception/board/boards.html", **_form(), **_list())


@bp.get("/boards/list")
@needs("board.pair")
def boards_list() -> str:
    return render_template("reception/board/_displays.html", **_list())


@bp.post("/boards/pair")
@needs("board.pair")
def boards_pair() -> ResponseReturnValue:
    try:
        pairing = _read_pairing()
        displays.pair(actor(), pairing, key=form_key())
    except (RuleBroken, InvalidForm) as error:
        return _pair_again(error)
    act = LastAct(text=_("%(name)s is paired and shows the board.", name=pairing.name))
    return acted(
        act,
        redirect=url_for("reception.boards"),
        panel=render_template("reception/board/_pair.html", **_form()),
    )


@bp.post("/boards/<uuid:display_id>/revoke")
@needs("board.revoke")
def boards_revoke(display_id: UUID) -> ResponseReturnValue:
    name = displays.revoke(actor(), display_id)
    act = LastAct(text=_("%(name)s is revoked and shows nothing any more.", name=name))
    return acted(act, redirect=url_for("reception.boards"))


def _read_pairing() -> Pairing:
    form = request.form
    try:
        queue_id = UUID(form.get("queue", ""))
    except ValueError as error:
        raise RuleBroken(N_("Choose the queue that this screen shows."), field="queue") from error
    return Pairing(
        code=form.get("code", ""),
        queue_id=queue_id,
        name=form.get("name", ""),
        language=form.get("language", "en"),
        theme=form.get("theme", "light"),
    )


def _pair_again(error: DomainError) -> ResponseReturnValue:
    typed = _form(values=request.form.to_dict(), errors=form_errors(error))
    if request.headers.get("HX-Request") == "true":
        return render_template("reception/board/_pair.html", **typed), 422
    return render_template("reception/board/boards.html", **typed, **_list()), 422


def _form(values: dict[str, str] | None = None, errors: dict[str, str] | None = None) -> dict[str, Any]:
    return {"values": values or {}, "errors": errors or {}, "lines": lines(queries.queues(actor()))}


def lines(queues: list[QueueChoice]) -> list[tuple[str, str]]:
    """Return the queues as the options of a field, named in the person's language."""
    return [(str(each.queue_id), line_name(each)) for each in queues]


def line_name(queue: QueueChoice) -> str:
    """Return a line's name in the person's language."""
    return name_in("ar" if str(get_locale()) == "ar" else "en", queue.name, queue.name_ar).lead


def _list() -> dict[str, Any]:
    topic, rows = queries.displays(actor())
    # Never the address that a browser says it asked: whoever sends the request chooses that.
    address = current_app.config["SETTINGS"].public_url.rstrip("/") + url_for("reception.board")
    return {"topic": topic, "rows": rows, "line_name": line_name, "address": address}


def wire_boards(app: Flask) -> None:
    """Bind walls to the push, the sockets and the shell; called by reception's wiring."""
    board_stream.bind(app)
    paired = "a screen's own token, for what it is paired to"
    sockets.topic_rule(
        BOARD, may_join_board, screens=paired, names="board of a queue", within=policies.FACILITY
    )
    sockets.topic_rule(PAIRING, may_join_own, screens=paired, names="display", within=policies.PERSON)
    sockets.topic_rule(
        DISPLAYS, may_join_list, permission="board.pair", names="facility", within=policies.FACILITY
    )
    ports.display_id = lambda: found.display_id if (found := asking_screen()) else None
    ports.open_displays = displays.still_open


def asking_screen() -> Screen | None:
    """Return the screen whose token came with this request or socket handshake."""
    return queries.screen_with(_token())


def may_join_board(joiner: Joiner, topic: str) -> bool:
    """A screen hears the boards it is paired to, in its language and under the queues' present privacy.

    Asked of the token again, not of the joiner: somebody may be signed in at the browser with the board.
    """
    screen = asking_screen()
    return screen is not None and topic in screen.topics


def may_join_own(joiner: Joiner, topic: str) -> bool:
    """A screen hears that it was paired, changed or revoked; nobody else does."""
    screen = asking_screen()
    return screen is not None and screen.own_topic == topic


def may_join_list(joiner: Joiner, topic: str) -> bool:
    """People who pair screens hear of those of their own facility."""
    who = joiner.actor
    return who is not None and who.can("board.pair") and topic == f"{DISPLAYS}{queries.facility_of(who)}"
