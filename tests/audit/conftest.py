"""The audit on a database of its own: an owner who may do anything, and rows that people have left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, create_engine, text

from clinic_web.audit import anchors, api, sealing
from clinic_web.config import Settings
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests import factories

LOGS, CHANGES = "audit.access_logs", "audit.changes"
GUARDED = (LOGS, CHANGES, "audit.seals", "audit.traces")


@pytest.fixture
def anchor_file(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "anchors.jsonl"
    anchors.configure(file)
    yield file
    anchors.configure(None)


@pytest.fixture
def tenant(committing: Flask, anchor_file: Path) -> Actor:
    """Somebody of a tenant whose audit is empty."""
    with committing.app_context():
        here = factories.organization(name="North Garden")
    return Actor(organization_id=here, user_id=new_id(), ip_address="10.1.2.3", user_agent="Firefox")


@pytest.fixture
def owner(settings: Settings) -> Iterator[Callable[..., Any]]:
    """Runs SQL as the owner, who has told the triggers to look away."""
    engine = create_engine(settings.database_owner_url)

    def run(sql: str, **values: object) -> Any:
        with engine.begin() as connection:
            _triggers(connection, "DISABLE")
            done = connection.execute(text(sql), values)
            answer = done.fetchall() if done.returns_rows else done.rowcount
            _triggers(connection, "ENABLE")
        return answer

    yield run
    engine.dispose()


def _triggers(connection: Connection, verb: str) -> None:
    for table in GUARDED:
        connection.execute(text(f"ALTER TABLE {table} {verb} TRIGGER USER"))


def look(actor: Actor, times: int) -> None:
    """Leave rows as people do: a view of a list, and for every second one a change."""
    for number in range(times):
        with transaction():
            api.saw(actor, "patient.list", "patient", ids=[new_id(), new_id()])
            if number % 2:
                api.changed(
                    actor, "user.change", "user", new_id(), old={"name": "a\tb\\c"}, new={"name": "ن"}
                )


def sealed_in_three(actor: Actor) -> None:
    """Seal some rows, three times, and anchor the end."""
    for _ in range(3):
        look(actor, 4)
        sealing.seal(actor.organization_id)
    anchors.write_all()
