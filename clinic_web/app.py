"""create_app(): the only file that knows every module. It binds the ports that lower layers declare."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from clinic_web.audit import anchors
from clinic_web.audit.ports import ports as audit_ports
from clinic_web.billing import api as billing
from clinic_web.config import Settings, read_settings
from clinic_web.identity import api as identity
from clinic_web.identity.ports import ports as identity_ports
from clinic_web.kernel import broker, failpoints, housekeeping, jobs, logs, secret_store, tenant
from clinic_web.kernel.db import db, engine_options, tune_connections
from clinic_web.orders import api as orders
from clinic_web.organization import api as organization
from clinic_web.organization.ports import ports as organization_ports
from clinic_web.patients import api as patients
from clinic_web.patients.ports import ports as patients_ports
from clinic_web.payments.ports import ports as payments_ports
from clinic_web.pharmacy.ports import ports as pharmacy_ports
from clinic_web.reception import api as reception
from clinic_web.ui import compiled, operations, shell, sockets

logger = structlog.get_logger(__name__)

ROOT = Path(__file__).parents[1]
LOOPBACK = ("localhost", "127.0.0.1", "::1")
LARGEST_FORM = 1 << 20
MODULES = (
    "audit",
    "identity",
    "organization",
    "catalog",
    "patients",
    "payments",
    "inventory",
    "reception",
    "billing",
    "pharmacy",
    "lab",
    "orders",
    "portal",
    "notifications",
    "interop",
    "reports",
    "setup",
)


class Program(Flask):
    """Flask without its question, asked of every function of every request, whether that is a coroutine:
    none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings | None = None, *, is_worker: bool = False) -> Flask:
    """Build the program. ``is_worker``: without a socket server; it tells screens through Redis only."""
    settings = settings or read_settings()
    logs.configure(settings.log_level, says_messages=settings.environment == "development")
    failpoints.configure(settings)
    _warn_of_plain_http(settings)
    secret_store.configure(settings)
    app = Program(
        "clinic_web",
        root_path=str(ROOT / "clinic_web"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.jinja_environment = shell.Environment
    compiled.keep_compiled(app)
    _configure(app, settings)
    broker.configure(settings.redis_url)
    anchors.configure(settings.audit_anchors, is_production=settings.environment == "production")
    db.init_app(app)
    tune_connections(app)
    tenant.install(app)
    jobs.bind_app(app)
    housekeeping.register()
    operations.install(app)
    shell.install(app, settings)
    if is_worker:
        sockets.install_writer(settings)
    else:
        sockets.install(app, settings)
    _wire_modules(app)
    _offer_commands(app)
    shell.require_policies(app)
    return app


def _warn_of_plain_http(settings: Settings) -> None:
    """Without TLS whoever is on the way reads passwords and patients; inside one machine nobody is."""
    host = urlsplit(settings.public_url).hostname
    if settings.environment == "production" and not settings.is_https and host not in LOOPBACK:
        logger.warning("public_url_without_tls", host=host)


def _offer_commands(app: Flask) -> None:
    """Add ``flask db`` and our own commands. Web and worker have none, so they are spared loading them."""
    if os.environ.get("FLASK_RUN_FROM_CLI"):
        from flask_migrate import Migrate

        from clinic_web import cli

        cli.register(app)
        Migrate(app, db, directory=str(ROOT / "migrations"))


def _configure(app: Flask, settings: Settings) -> None:
    app.config.from_mapping(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings) | {"poolclass": tenant.Pool},
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
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def _wire_modules(app: Flask) -> None:
    """Let every module register its routes, subscriptions, jobs, menu entries and topic rules."""
    for name in MODULES:
        importlib.import_module(f"clinic_web.{name}.wiring").wire(app)
    audit_ports.tenants = tenant.all_of_them
    audit_ports.people = identity.all_names
    audit_ports.patients = patients.cards
    audit_ports.found = lambda actor, typed: list(patients.by_every_id(patients.find(actor, typed)))
    audit_ports.ids_of = patients.ids_of
    audit_ports.timezone = lambda actor: organization.facility(actor).timezone
    identity_ports.facilities = organization.facilities_offered
    identity_ports.staff = organization.staff_offered
    identity_ports.house_stands_at = organization.stands_at
    identity_ports.house_at_hand = organization.stand_at_hand
    organization_ports.upcoming = reception.upcoming
    patients_ports.is_treating = reception.is_treating
    payments_ports.visit_states = reception.visit_states
    payments_ports.stand = reception.stand_with
    payments_ports.is_given_up = billing.is_given_up
    pharmacy_ports.hold_if_wanted = orders.hold_if_wanted
