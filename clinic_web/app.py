"""create_app(): the only file that knows every module. It binds the ports that lower layers declare."""

from __future__ import annotations

import importlib
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from clinic_web import cli
from clinic_web.config import Settings, read_settings
from clinic_web.kernel import broker, failpoints, housekeeping, jobs, logs
from clinic_web.kernel.db import Model, db, engine_options
from clinic_web.ui import shell, sockets

ROOT = Path(__file__).parents[1]
LARGEST_FORM = 1 << 20


def create_app(settings: Settings | None = None, *, is_worker: bool = False) -> Flask:
    """Build the program. ``is_worker``: without a socket server; it tells screens through Redis only."""
    settings = settings or read_settings()
    logs.configure(settings.log_level)
    failpoints.configure(settings)
    app = Flask(
        "clinic_web",
        root_path=str(ROOT / "clinic_web"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    _configure(app, settings)
    broker.configure(settings.redis_url)
    db.init_app(app)
    Migrate(app, db, directory=str(ROOT / "migrations"))
    jobs.bind_app(app)
    housekeeping.register()
    shell.install(app, settings)
    if is_worker:
        sockets.install_writer(settings)
    else:
        sockets.install(app, settings)
    _wire_modules(app)
    shell.require_policies(app)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.from_mapping(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
        SESSION_COOKIE_NAME="__Host-clinic" if settings.is_https else "clinic",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        MAX_FORM_PARTS=500,
        WTF_CSRF_TIME_LIMIT=None,  # a desk's tab stays open for days; the token lives as long as the session
        WTF_CSRF_SSL_STRICT=False,  # origins are checked by Fetch-Metadata, see ui/headers.py
        BABEL_DEFAULT_LOCALE="en",
        TEMPLATES_AUTO_RELOAD=False,
        SEND_FILE_MAX_AGE_DEFAULT=31536000,  # static URLs carry a version
    )
    app.metadata = Model.metadata  # type: ignore[attr-defined]


def _wire_modules(app: Flask) -> None:
    """Let every module register its routes, subscriptions, jobs, menu entries and topic rules."""
    for name in ("identity", "organization", "patients", "payments", "reception", "notifications"):
        try:
            importlib.import_module(f"clinic_web.{name}.wiring").wire(app)
        except ModuleNotFoundError as error:  # TEMPORARY while the modules are being written
            if not str(error.name).startswith("clinic_web"):
                raise
    cli.register(app)
