"""Whose rows the work under way may see: the second wall, behind each query's own ``organization_id``.

PostgreSQL shows the application's role only rows of the tenant that ``app.tenant`` names, and none where it
names nobody (policies: migrations/walls.py). The tenant is known at the doors: the session look-up, a token's
or a display's, an event's delivery, a job, a command. From there it goes with the work, and each connection
that is lent to it is told first, unless it was told the same before.

Every lending compares, so what a former borrower was never carries over; and most requests, which are of the
tenant of the request before, pay nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import Flask, g, has_app_context
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, QueuePool, event, text
from sqlalchemy.pool import PoolProxiedConnection

from clinic_web.kernel.db import db, open_session


@dataclass(frozen=True)
class Unproved:
    """A tenant that is known from memory only. ``values`` are what a statement proves it by that does so
    itself; ``prove`` asks PostgreSQL, and raises NotProved if it is not so."""

    organization_id: UUID
    values: Mapping[str, Any]
    prove: Callable[[], None]


class NotProved(Exception):
    """What was remembered of who asks is no longer so: whatever came of it is not to be shown."""


# What a statement proves a remembered tenant by (see ``identity.remembering``).
PROOF = ("who_token", "who_now", "who_idle_since", "who_rights", "who_topic", "who_epoch", "who_seq")
NOTHING_TO_PROVE: Final = dict.fromkeys(PROOF)

Known = UUID | str | Unproved | None
NOBODY: Final = None
_AS_IT_IS: Final = "as it is"
_current: ContextVar[Known] = ContextVar("tenant", default=NOBODY)

EVERYBODY = text("SELECT kernel.tenants()")


def current() -> UUID | None:
    """Return the tenant of the work under way, or None where nobody is known (yet)."""
    found = _current.get()
    return found if isinstance(found, UUID) else NOBODY


def enter(organization_id: UUID | None) -> Token[Known]:
    """Work for this tenant from now on; ``leave`` with what this returns goes back."""
    require_proof()
    token = _current.set(organization_id)
    _tell_session()
    return token


def leave(token: Token[Known]) -> None:
    """Work for whom it was before ``enter``."""
    _current.reset(token)
    _tell_session()


def enter_unproved(remembered: Unproved) -> None:
    """Work for a tenant from memory: until that is proved nobody is lent a connection (see ``Pool``)."""
    _current.set(remembered)


def forget() -> None:
    """Work for nobody, whoever was remembered."""
    _current.set(NOBODY)


def is_lending() -> bool:
    """Return whether connections are lent by the pool. A test that is rolled back has one of its own, which
    asks for no proof."""
    return isinstance(db.engine, Engine)


def is_asking() -> bool:
    """Return whether PostgreSQL is asked who it is, on a connection borrowed as it is. The session may just
    be about to borrow its own, and has none yet."""
    return _current.get() is _AS_IT_IS


def is_unproved() -> bool:
    return isinstance(_current.get(), Unproved)


def require_proof() -> None:
    """Prove what is remembered of who asks, where nobody has. Raises NotProved."""
    found = _current.get()
    if isinstance(found, Unproved):
        with as_it_is():
            found.prove()
        proved()


@contextmanager
def proving() -> Iterator[Mapping[str, Any]]:
    """Lend the statement inside a connection all the same: it proves who asks with the values that this
    yields, or does nothing. ``proved`` says that it did."""
    found = _current.get()
    if not isinstance(found, Unproved):
        yield NOTHING_TO_PROVE
        return
    token = _current.set(found.organization_id)
    try:
        yield found.values
    finally:
        _current.reset(token)


def proved() -> None:
    """The tenant that was remembered is who asks: work for them from now on. No connection was lent before,
    so the session has none that would have to be told."""
    found = _current.get()
    if isinstance(found, Unproved):
        _current.set(found.organization_id)


class Pool(QueuePool):
    """Lends nothing before it is proved who asks."""

    def connect(self) -> PoolProxiedConnection:
        require_proof()
        return super().connect()


@contextmanager
def of(organization_id: UUID | None) -> Iterator[None]:
    """Work for this tenant, or for nobody, inside the block."""
    token = enter(organization_id)
    try:
        yield
    finally:
        leave(token)


@contextmanager
def told(organization_id: UUID | None) -> Iterator[None]:
    """Work for this tenant inside the block; the transaction under way was told so by a statement of its
    own (``set_config`` until its end)."""
    token = _current.set(organization_id)
    try:
        yield
    finally:
        leave(token)


@contextmanager
def as_it_is() -> Iterator[None]:
    """Borrow connections without telling them anything: for the one statement that finds out who asks, and
    reads only through functions that do not heed ``app.tenant``."""
    token = _current.set(_AS_IT_IS)
    try:
        yield
    finally:
        _current.reset(token)


def all_of_them() -> list[UUID]:
    """Return all tenants, the oldest first. No actor asks this, only what the program does for each."""
    return list(db.session.scalars(EVERYBODY))


def each() -> Iterator[UUID]:
    """Go from tenant to tenant; what the loop does is done for that one."""
    for organization_id in all_of_them():
        with of(organization_id):
            yield organization_id


def in_each(run: Callable[[], object], *, and_nobody: bool = False) -> Callable[[], None]:
    """Return what runs ``run`` for each tenant in turn; ``and_nobody``: for what belongs to nobody, too.

    One tenant's failure keeps no other one waiting: the first is raised after the last tenant.
    """

    def run_each() -> None:
        failed: list[Exception] = []
        everybody: list[UUID | None] = [*all_of_them(), *([NOBODY] if and_nobody else [])]
        for each in everybody:
            try:
                with of(each):
                    run()
            except Exception as error:  # told on below
                db.session.rollback()
                failed.append(error)
        if failed:
            raise failed[0]

    return run_each


def install(app: Flask) -> None:
    """Tell every connection that the pool lends for whom it works; each request begins for nobody."""
    with app.app_context():
        event.listen(db.engine, "checkout", _lent)
    app.before_request(_begin)
    app.teardown_request(_end)


def _begin() -> None:
    g.tenant_before = _current.set(NOBODY)  # a greenlet that serves a whole connection, or a test


def _end(_error: BaseException | None) -> None:
    before = g.pop("tenant_before", None)
    if before is not None:
        leave(before)


def _lent(driver: Any, record: Any, _proxy: Any) -> None:
    wanted = _current.get()
    if wanted is not _AS_IT_IS and record.info.get("tenant", _AS_IT_IS) != wanted:
        _tell(driver, wanted, is_local=False)
        record.info["tenant"] = wanted


def _tell_session() -> None:
    """The session may hold a connection already: before the tenant was known it looked something up."""
    if not has_app_context():
        return
    session = open_session()
    if session and session.in_transaction():
        tell(session.connection())


def tell(connection: Any) -> None:
    """Tell a connection that is lent already; inside a transaction that holds until its end.

    One that was lost or whose transaction has failed takes no word any more, and shows no row before it is
    rolled back: then it stands again where it was told.
    """
    if connection.invalidated:
        return
    lent = connection.connection
    driver: Any = lent.driver_connection
    status = driver.info.transaction_status
    if status == TransactionStatus.IDLE:
        _lent(driver, lent, None)
    elif status == TransactionStatus.INTRANS:
        _tell(driver, _current.get(), is_local=True)


def _tell(driver: Any, wanted: Known, *, is_local: bool) -> None:
    driver.execute(
        "SELECT set_config('app.tenant', %s, %s)", ["" if wanted is NOBODY else str(wanted), is_local]
    )
