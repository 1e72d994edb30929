"""Installs the shell into the app: headers, errors, translation, template globals, health routes."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from flask import Flask, get_flashed_messages, request, session, url_for
from flask.templating import Environment as FlaskEnvironment
from flask.typing import ResponseReturnValue
from flask_babel import Babel

from clinic_web.config import Settings
from clinic_web.kernel import clock, health
from clinic_web.ui import answers, headers, nav, policies, private, texts
from clinic_web.ui.nav import Link
from clinic_web.ui.ports import ports
from clinic_web.ui.signed import FormGuard, Sessions
from clinic_web.ui.web import ACT, actor_or_none, new_key, open_to_all, place


def install(app: Flask, settings: Settings) -> None:
    app.session_interface = Sessions()
    FormGuard(app)
    Babel(
        app,
        locale_selector=_choose_language,
        default_translation_directories=str(Path(app.root_path) / "translations"),
    )
    headers.install(app, settings)
    private.install(app, settings.secret_key)
    answers.install(app)
    app.jinja_env.filters.update(texts.FILTERS)
    app.jinja_env.globals.update(asset=asset, csp_nonce=headers.csp_nonce, new_key=new_key, can=_can)
    app.jinja_env.globals.update(navigation=_navigation, flashed_act=_flashed_act)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)
    _health_routes(app, settings)


def require_policies(app: Flask) -> None:
    """Stop the start when a route names no permission, which would open it to everybody, or when anything
    else that the matrix of policies needs was left unsaid."""
    policies.require(app)


class Environment(FlaskEnvironment):
    """Templates whose globals are one dictionary: Jinja's own chain of two is walked at each render."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


def _choose_language() -> Locale:
    chosen = ports.language() or session.get("language")  # chosen before signing in, see identity
    return _locale(chosen or request.accept_languages.best_match(texts.LANGUAGES) or "en")


@cache
def _locale(language: str) -> Locale:
    """Babel looks for the language's files on the disk each time it parses a name."""
    return Locale.parse(language)


def _can(permission: str) -> bool:
    who = actor_or_none()
    return who is not None and who.can(permission)


def _navigation() -> list[Link]:
    return nav.for_actor(actor_or_none())


def _flashed_act() -> Any:
    """What was done last, for the page that shows it: asked by a fragment, it would be lost."""
    acts = get_flashed_messages(category_filter=[ACT])
    return acts[-1] if acts else None


def _context() -> dict[str, Any]:
    """What every template may use, fragments too; what only whole pages show is asked for by them."""
    here = place()
    language = texts.language()
    return {
        "locale": language,
        "direction": "rtl" if language in texts.RIGHT_TO_LEFT else "ltr",
        "theme": ports.theme() or "auto",
        "place": texts.local_name(here.name, here.name_ar) if here else None,
        "currency": here.currency if here else None,
        "facility_now": clock.now(),
        "facility_timezone": here.timezone if here else "UTC",
    }


def asset(path: str) -> str:
    """Return the URL of a static file, with a version that changes with its content."""
    return url_for("static", filename=path, v=_version(path))


@cache
def _version(path: str) -> str:
    file = Path(__file__).parents[2] / "static" / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "0"


def _health_routes(app: Flask, settings: Settings) -> None:
    @app.get("/healthz")
    @open_to_all("says only that the process answers")
    def healthz() -> ResponseReturnValue:
        return {"status": "alive"}

    @app.get("/readyz")
    @open_to_all("says only whether the servers behind it answer")
    def readyz() -> ResponseReturnValue:
        ready = health.readiness(needs_wall=settings.environment == "production")
        body = {
            "status": "ready" if ready.is_ready else "not ready",
            "database": ready.database,
            "redis": ready.redis,
            "walled": ready.is_walled,
        }
        return body, 200 if ready.is_ready else 503
