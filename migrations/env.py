"""How migrations run: as the owner, one at a time, never waiting long for a lock, then grants and roles."""

from __future__ import annotations

import importlib
from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import Connection, create_engine, make_url, pool, text

MIGRATION_LOCK = 7_306_000
SCHEMAS = (
    "kernel",
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
    "setup",
    "reports",
)
# What happened stays as it was written: the application may add rows here, nothing else.
INSERT_ONLY = (
    "audit.access_logs",
    "audit.changes",
    "audit.seals",
    "audit.traces",
    "audit.verifications",
    "billing.invoice_payment_allocations",
    "inventory.inventory_transactions",
    "inventory.stock_adjustments",
    "kernel.domain_events",
    "lab.lab_results",
    "orders.order_events",
    "notifications.notification_delivery_log",
    "organization.service_terms",
    "organization.staff_shares",
    "payments.payment_transactions",
    "payments.ledger_entries",
    "payments.receipt_prints",
    "payments.share_movements",
    "pharmacy.dispensings",
    "pharmacy.dispensing_lines",
    "reception.visit_transitions",
    "reception.appointment_moves",
    "reception.visit_moves",
    "reception.next_told",
    "reception.delays_told",
    "reports.daily_reports",
)
# What happened stays, and these of its columns can still be filled in: nothing else is changed or deleted.
FILLED_IN = {
    "patients.emergencies": "ended_at, verdict, reviewed_by, reviewed_at, note, version",
}

settings = current_app.config["SETTINGS"]
for schema in SCHEMAS:
    importlib.import_module(
        "clinic_web.kernel.tables" if schema == "kernel" else f"clinic_web.{schema}.models"
    )
metadata = importlib.import_module("clinic_web.kernel.db").Model.metadata


def grant(connection: Connection) -> None:
    """Give the application's role exactly what it needs; nothing to do where it is the owner itself."""
    role = make_url(settings.database_url).username
    if role == make_url(settings.database_owner_url).username:
        return
    for schema in SCHEMAS:
        connection.execute(text(f'GRANT USAGE ON SCHEMA {schema} TO "{role}"'))
        connection.execute(
            text(f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO "{role}"')
        )
        connection.execute(text(f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO "{role}"'))
        connection.execute(text(f'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO "{role}"'))
    for table in INSERT_ONLY:
        connection.execute(text(f'REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM "{role}"'))
    for table, columns in FILLED_IN.items():
        connection.execute(text(f'REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM "{role}"'))
        connection.execute(text(f'GRANT UPDATE ({columns}) ON {table} TO "{role}"'))


def write_roles() -> None:
    """A version brings its rights and roles along: tenants that exist already have them from now on, too."""
    importlib.import_module("clinic_web.identity.api").ensure_permissions()
    importlib.import_module("clinic_web.kernel.db").db.session.remove()


def include_name(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
    """Compare our schemas only; extensions bring tables of their own."""
    return name in SCHEMAS if kind == "schema" else True


def run_online() -> None:
    engine = create_engine(settings.database_owner_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        # A migration that waits for a lock makes everybody behind it wait, too: rather fail and try again.
        connection.execute(text("SET lock_timeout = '4s'"))
        connection.execute(text("SET statement_timeout = '15min'"))
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_schemas=True,
            include_name=include_name,
            version_table="migrations",
            compare_server_default=False,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        is_complete = _is_complete(connection)
        if is_complete:
            grant(connection)
        connection.commit()
        if is_complete:
            write_roles()


def _is_complete(connection: Connection) -> bool:
    """Grants name tables, so they wait until all of them exist (a downgrade may have taken some away)."""
    head = (Path(__file__).parent / ".current-head").read_text(encoding="utf-8").strip()
    if connection.execute(text("SELECT to_regclass('public.migrations')")).scalar() is None:
        return False
    return connection.execute(text("SELECT version_num FROM public.migrations")).scalar() == head


run_online()
