"""Errors as people see them: one fragment for htmx, one page for the address bar, a sentence in both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import structlog
from flask import Flask, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from clinic_web.kernel import ids
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, Busy, DomainError, StaleScreen
from clinic_web.kernel.unit_of_work import has_committed, raise_as_busy
from clinic_web.ui.ports import ports
from clinic_web.ui.private import this_address
from clinic_web.ui.texts import say
from clinic_web.ui.web import SignInNeeded, actor_or_none, is_htmx

logger = structlog.get_logger(__name__)

TITLES = {
    400: N_("Something is missing"),
    403: N_("You may not do this"),
    404: N_("Not here"),
    405: N_("Not here"),
    409: N_("It moved on while you worked"),
    413: N_("Too large"),
    422: N_("Something is wrong in the form"),
    429: N_("Too many tries"),
    500: N_("Something went wrong"),
    503: N_("Please try again in a moment"),
}
SENTENCES = {
    400: N_("This form is too old or incomplete. Please open the page again."),
    404: N_("This is not here (any more)."),
    405: N_("This is not here (any more)."),
    413: N_("What was sent is too large."),
    500: N_("Nothing was changed. If it happens again, tell support the code below."),
}
# The act was committed, and only then the database went away.
DONE_UNSEEN = N_("This was done, but its result could not be shown. Please look again in a moment.")
RETRY_AFTER = "2"
# Not allowed, not theirs (or not there), too many tries: many from one person or address are an attack.
REFUSED = {403, 404, 429}


@dataclass(frozen=True)
class ShownError:
    """What the error templates show."""

    status: int
    title: str
    sentence: str
    request_id: str
    retry_url: str | None
    changes: dict[str, tuple[object, object]]


Render = Callable[[int, str, Exception | None], ResponseReturnValue]
_otherwise: dict[str, Render] = {}


def show_otherwise(beginning: str, render: Render) -> None:
    """Let errors of the addresses that begin so be shown by ``render``, which is told the status, the
    translated sentence and what was raised: programs ask there, not people."""
    _otherwise[beginning] = render


def install(app: Flask) -> None:
    app.before_request(_name_request)
    app.register_error_handler(SignInNeeded, lead_to_sign_in)
    app.register_error_handler(DomainError, refuse)
    app.register_error_handler(CSRFError, _csrf_failed)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(PoolTimeout, _database_busy)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(Exception, _bug)


def _name_request() -> None:
    """Give every request a short name that a person can read to support; it is in each of its log lines."""
    g.request_id = ids.code(6)
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def lead_to_sign_in(_error: SignInNeeded) -> ResponseReturnValue:
    """Lead a person to the sign-in page, and back to where they were; a script is told 401."""
    here = this_address() if request.method == "GET" and not is_htmx() else ""
    login = url_for("identity.login") + (f"?next={quote(here)}" if here else "")
    if is_htmx():
        return "", 401, {"HX-Redirect": login}
    if request.accept_mimetypes.best == "application/json":
        return {"error": "signed-out"}, 401
    return redirect(login)


def refuse(error: DomainError) -> ResponseReturnValue:
    """Show a refusal. What it rolled back stays rolled back."""
    db.session.rollback()
    if error.status in REFUSED:
        _note_refusal(error)
    changes = error.changes if isinstance(error, StaleScreen) else {}
    by = _who_changed(error)
    is_done = isinstance(error, Busy) and request.method == "POST" and has_committed()
    sentence = say(DONE_UNSEEN) if is_done else say(error)
    return show(error.status, f"{sentence} {by}" if by else sentence, changes, error)


def _note_refusal(error: DomainError) -> None:
    """Who tried what they may not, or what is not theirs; of a request that asks for nothing kept secret."""
    who = actor_or_none()
    logger.info(
        "refused",
        status=error.status,
        why=type(error).__name__,
        permission=getattr(error, "permission", None),
        endpoint=request.endpoint,
        user_id=str(who.user_id) if who else None,
        ip_address=request.remote_addr,
    )


def _who_changed(error: DomainError) -> str | None:
    """Say who was quicker, where the refusal knows it; the person's own acts need no name."""
    changed_by = getattr(error, "changed_by", None)
    if changed_by is None:
        return None
    who = actor_or_none()
    if who is None or changed_by == who.user_id:
        return None
    name = ports.names_of(who, [changed_by]).get(changed_by)
    return gettext("It was %(name)s.", name=name) if name else None


def show(
    status: int,
    sentence: str | None = None,
    changes: dict[str, tuple[object, object]] | None = None,
    error: Exception | None = None,
) -> ResponseReturnValue:
    """Render an error of ``status`` with its sentence, as a fragment or a page."""
    for beginning, render in _otherwise.items():
        if request.path.startswith(beginning):
            return render(status, sentence or say(SENTENCES.get(status, SENTENCES[500])), error)
    _settle_who_asks()
    shown = ShownError(
        status=status,
        title=say(TITLES.get(status, TITLES[500])),
        sentence=sentence or say(SENTENCES.get(status, SENTENCES[500])),
        request_id=g.get("request_id", "------"),
        retry_url=this_address() if request.method == "GET" else None,
        changes=changes or {},
    )
    body = render_template("_error.html" if is_htmx() else "error.html", error=shown)
    response = make_response(body, status)
    if status == Busy.status:
        response.headers["Retry-After"] = RETRY_AFTER
    return response


def _settle_who_asks() -> None:
    """The error page shows who is signed in, but must not fail because PostgreSQL can't say."""
    try:
        actor_or_none()
    except (DBAPIError, PoolTimeout):
        db.session.rollback()
        g.actor = g.place = None


def _csrf_failed(_error: CSRFError) -> ResponseReturnValue:
    logger.info(
        "refused", status=400, why="CSRFError", endpoint=request.endpoint, ip_address=request.remote_addr
    )
    return show(400)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:  # noqa: PLR2004 - redirects are exceptions in werkzeug, too
        return error
    return show(error.code, error=error)


def _database_busy(_error: PoolTimeout) -> ResponseReturnValue:
    return refuse(Busy())


def _database_error(error: DBAPIError) -> ResponseReturnValue:
    db.session.rollback()
    try:
        raise_as_busy(error)
    except Busy as busy:
        logger.warning("database_busy", error_type=type(error.orig).__name__)
        return refuse(busy)
    return _bug(error)


def _bug(error: Exception) -> ResponseReturnValue:
    """A bug: logged with the request's name, shown without any detail."""
    db.session.rollback()
    logger.error(
        "unhandled_error", error_type=type(error).__name__, exc_info=error, endpoint=request.endpoint
    )
    return show(500)
