"""Engine, session, model base and the columns that many tables share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from gevent.monkey import is_module_patched
from psycopg.pq import TransactionStatus
from sqlalchemy import CheckConstraint, DateTime, Integer, MetaData, Numeric, event, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, declared_attr, mapped_column

from clinic_web.config import Settings
from clinic_web.kernel.ids import new_id

# Every constraint has a predictable name, by which a violation is told apart (see ``constraint_of``).
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

# Money is exact: 12 digits, 2 of them decimals, never float. Unit prices have 4 decimals.
Money = Annotated[Decimal, mapped_column(Numeric(12, 2))]
UnitPrice = Annotated[Decimal, mapped_column(Numeric(10, 4))]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Key = Annotated[UUID, mapped_column(primary_key=True, default=new_id)]


class Model(DeclarativeBase):
    """Base of all tables. A table names its schema in ``__table_args__``: its module's and no other."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {dict[str, Any]: JSONB, list[Any]: JSONB, datetime: DateTime(timezone=True)}  # noqa: RUF012


class Stamped:
    """Who made and who last changed a business row, and when."""

    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    updated_at: Mapped[Moment] = mapped_column(server_default=func.now(), onupdate=func.now())
    created_by: Mapped[UUID | None]
    updated_by: Mapped[UUID | None]


class Versioned:
    """Optimistic lock: an UPDATE of a row that moved on changes nothing and raises StaleDataError."""

    version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def one_of(column: str, *values: str) -> CheckConstraint:
    """Return a named CHECK that limits a text column to ``values``.

    Text with a CHECK instead of a PostgreSQL enum: a value can be removed without rewriting the table.
    """
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


db = SQLAlchemy(disable_autonaming=True)


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return the pool's and the connection's settings.

    A frozen client that holds a queue's counter would block its clinic; these time-outs bound that to
    seconds (the reasons and measurements are in docs/adr/0004-timeouts.md).
    """
    options = " ".join(
        f"-c {name}={value}"
        for name, value in {
            "lock_timeout": "2s",
            "statement_timeout": "5s",
            "idle_in_transaction_session_timeout": "5s",
            "client_connection_check_interval": "1s",
            "timezone": "UTC",
            # What it compiles takes half a second, what it would save is a part of a millisecond.
            "jit": "off",
        }.items()
    )
    return {
        # A transaction is begun by ``unit_of_work.transaction`` and nowhere else.
        "isolation_level": "AUTOCOMMIT",
        # An error that is logged must not quote what somebody typed.
        "hide_parameters": True,
        "pool_size": settings.pool_size,
        "max_overflow": 0,
        # Waiting for a connection holds no lock, so the hundredth of a rush may wait its turn.
        "pool_timeout": 8,
        "pool_pre_ping": False,  # the first statement of a request notices a lost connection, see ui/who.py
        "pool_recycle": 1800,
        "pool_reset_on_return": None,  # by `_take_back`, which asks first whether anything is open
        "pool_use_lifo": True,  # the connection used last has its statements prepared and its caches warm
        "connect_args": {
            "options": options,
            "application_name": "clinic-web",
            "prepare_threshold": 2,
            "connect_timeout": 2,
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 2,
            "tcp_user_timeout": 15000,
        },
    }


def open_session() -> Session | None:
    """Return the session of the work under way, if anything has asked for one. A press that is one statement
    of its own needs none, and making and closing one costs what a small statement does."""
    return db.session() if db.session.registry.has() else None


# The driver's hundred are fewer than the pages of one morning ask for: what it forgot is planned anew.
PREPARED_MAX = 400


def tune_connections(app: Flask) -> None:
    """Let connections keep their plans, and greenlets wait for PostgreSQL as cheaply as their loop can."""
    with app.app_context():
        event.listen(db.engine, "connect", _keep_plans)
        event.listen(db.engine, "reset", _take_back)
        if is_module_patched("select"):
            from clinic_web.kernel import green

            event.listen(db.engine, "do_connect", green.connect)


def _take_back(driver: Any, _record: object, _state: object) -> None:
    """Let no borrower find what another left open. Mostly nothing is: a statement commits by itself."""
    if driver.pgconn.transaction_status != TransactionStatus.IDLE:
        driver.rollback()


def _keep_plans(driver: Any, _record: object) -> None:
    driver.prepared_max = PREPARED_MAX
