"""Flask-Login on top of ``identity.sessions``: who asks, and what the shell wants to know of them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog
from flask import Flask, Response, current_app, g, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError

from clinic_web.identity import queries, remembering
from clinic_web.identity.queries import SignedIn
from clinic_web.identity.service import api_tokens, devices, proving, sessions
from clinic_web.identity.service.tries import Source
from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.ids import new_token
from clinic_web.kernel.tenant import NotProved
from clinic_web.kernel.unit_of_work import StreamMoved

logger = structlog.get_logger(__name__)

QUIET_METHODS = {"GET", "HEAD"}
SERVER_FAILED = 500
DEVICE_LASTS = 400 * 24 * 3600  # seconds; browsers keep no cookie longer


class OnlySessions(LoginManager):  # type: ignore[misc]  # Flask-Login has no types
    """Flask-Login without its other ways in: a person is who the session's token says, or nobody.

    No remember cookie, no header, no guess by address and browser: what is not there can't be attacked,
    and need not be paid for on every request.
    """

    def _load_user(self) -> None:
        token = session.get("_user_id")
        self._update_request_context_with_user(self._user_callback(token) if token else None)

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


def install(app: Flask) -> None:
    manager = OnlySessions()
    manager.session_protection = None
    manager.user_loader(load_user)
    # `current_user` is a global of the templates: the stock context processor would ask PostgreSQL who is
    # there for every fragment, also for the page that says PostgreSQL is away.
    manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals.update(
        current_user=current_user,
        sign_out_url=Address("identity.sign_out"),
        settings_url=Address("identity.save_settings"),
        account_url=Address("identity.account"),
        login_url=Address("identity.login"),
    )
    app.after_request(note_activity)


@dataclass(frozen=True)
class Address:
    """A URL for the templates' globals, made only where a template shows it."""

    endpoint: str

    def __str__(self) -> str:
        return url_for(self.endpoint)


def load_user(token: str) -> SignedIn | None:
    """Return whose session this is; the rest of the request works for their tenant."""
    user = queries.actor_of_token(
        token, ip_address=ip_address(), user_agent=request.headers.get("User-Agent")
    )
    if user:
        tenant.enter(user.actor.organization_id)
    return user


def remember() -> bool:
    """Take who asks from this process's memory, if it has them, until that is proved (see ``remembering``).
    Where somebody was asked for already, or nothing is remembered, it says no."""
    token = session.get("_user_id")
    if not token or "actor" in g or "_login_user" in g or not tenant.is_lending():
        return False
    agent = request.headers.get("User-Agent")
    user = queries.remembered(token, ip_address=ip_address(), user_agent=agent)
    if user is None:
        return False
    house = remembering.house_of(user)
    if house is None:
        return False
    tenant.enter_unproved(remembering.unproved(user, house, prove=lambda: _prove(user, house)))
    g.actor, g._login_user = user.actor, user
    return True


def _prove(user: SignedIn, house: StreamMoved) -> None:
    """Ask PostgreSQL after all, and go on only with who was remembered, in the house as it was then: another
    request of this process may have read it anew meanwhile."""
    if not queries.is_still(user) or remembering.house_of(user) != house:
        raise NotProved


def forget() -> None:
    """Nobody is known any more in this request: who wants to know asks PostgreSQL."""
    for name in ("actor", "_login_user", "place"):
        g.pop(name, None)
    db.session.rollback()
    tenant.forget()


def ip_address() -> str | None:
    """Return the browser's address as PostgreSQL's inet takes it: without an IPv6 zone."""
    return (request.remote_addr or "").partition("%")[0] or None


def source() -> Source:
    """Return where this request comes from; a browser without a device cookie gets a token to be kept."""
    if "device_token" not in g:
        g.device_token = _known_device() or new_token()
    return Source(
        ip_address=ip_address(),
        user_agent=request.headers.get("User-Agent"),
        device=devices.fingerprint_of(g.device_token),
    )


def _known_device() -> str | None:
    try:
        token = _device_signer().loads(request.cookies.get(_device_cookie(), ""))
    except BadSignature:
        return None
    return str(token)


def keep_device(response: Response) -> Response:
    """Let the browser of who was let in be known from now on."""
    source()
    response.set_cookie(
        _device_cookie(),
        str(_device_signer().dumps(g.device_token)),
        max_age=DEVICE_LASTS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def _device_cookie() -> str:
    """Beside the session's cookie, and like it ``__Host-`` where the address is https."""
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"


def _device_signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="device")


def is_fresh() -> bool:
    """Return whether who asks proved within the last half hour that it is still them."""
    user = signed_in()
    return user is not None and proving.is_fresh(user.session_id)


def renew(token: str) -> None:
    """Take the new token that a proof gave the session: what somebody copied before opens nothing."""
    session["_user_id"] = token


def proved_by_factor() -> None:
    """A factor was just set up here, which takes showing it: note that in this session."""
    user = signed_in()
    if user:
        renew(proving.by_new_factor(user.session_id))


def signed_in() -> SignedIn | None:
    """Return who is signed in, asking PostgreSQL if nobody asked before in this request."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def load_actor() -> Actor | None:
    """The shell's port: who is asking. A program shows its token at each request, and only reads: what it
    may change, it changes through the JSON API (interop)."""
    user = signed_in()
    if user:
        return user.actor
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind != "Bearer" or request.method not in QUIET_METHODS or request.endpoint is None:
        return None
    agent = request.headers.get("User-Agent")
    program = api_tokens.program_of(token.strip(), ip_address=ip_address(), user_agent=agent)
    if program is None:
        return None
    tenant.enter(program.actor.organization_id)
    return program.actor


def known() -> SignedIn | None:
    """Return who is signed in, if it is known: an error page must not ask a database that is away."""
    user = g.get("_login_user")
    return user if isinstance(user, SignedIn) else None


def session_id() -> UUID | None:
    user = signed_in()
    return user.session_id if user else None


def language() -> str | None:
    user = known()
    return user.language if user else None


def theme() -> str | None:
    user = known()
    return user.theme if user else None


def begin(token: str) -> SignedIn:
    """Let this browser be the token's person from now on. Nothing of its former session stays (fixation)."""
    leave()
    user = load_user(token)
    assert user is not None  # noqa: S101 - the session was committed a moment ago
    login_user(user)
    session.pop("_id", None)  # Flask-Login's fingerprint of the browser: unused, and sent with every request
    g.actor = user.actor
    return user


def leave() -> None:
    """End the session this browser came with, if it is still open, and forget it."""
    user = signed_in()
    if user:
        _revoke_quietly(user)
    logout_user()
    session.clear()
    g.pop("actor", None)


def _revoke_quietly(user: SignedIn) -> None:
    try:
        sessions.revoke_session(user.actor, user.session_id)
    except DomainError:  # somebody else ended it at the same moment
        logger.info("session_was_ended_already", session_id=str(user.session_id))


def note_activity(response: Response) -> Response:
    """Keep the session of a person who works. A screen that refreshes itself is not a person working, and a
    socket never comes through here. The answer is ready already: if noting fails, it still goes out."""
    user = known()
    if (
        user is None
        or is_background()
        or response.status_code >= SERVER_FAILED
        or not sessions.is_due(user.last_seen_at)
    ):
        return response
    try:
        sessions.note_activity(user.session_id)
    except SQLAlchemyError as error:
        db.session.rollback()
        logger.warning("activity_not_noted", error_type=type(error).__name__)
    return response


def is_background() -> bool:
    """Return whether the page asks by itself. Only reading can be: whoever writes is there."""
    return request.headers.get("X-Background") == "1" and request.method in QUIET_METHODS
