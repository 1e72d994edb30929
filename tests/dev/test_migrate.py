"""When the migrations are run, and when it is known that they need not be."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from dev import migrate, say, shell


@dataclass
class Database:
    """A stand-in for the private server: it knows only its version."""

    folder: Path
    version: str | None

    def sql(self, text: str, *, database: str) -> str:
        if self.version is None:
            raise say.Stop("no such table")
        return self.version


@pytest.fixture
def upgrades(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    calls: list[object] = []
    monkeypatch.setattr(shell, "quietly", lambda command, **_: calls.append(command))
    return calls


def test_the_second_start_needs_no_migration(tmp_path: Path, upgrades: list[object]) -> None:
    database = Database(tmp_path, "20261121_1007")
    migrate.ensure({}, database)
    migrate.ensure({}, database)
    assert len(upgrades) == 1


def test_a_database_that_went_back_is_migrated_again(tmp_path: Path, upgrades: list[object]) -> None:
    database = Database(tmp_path, "20261121_1007")
    migrate.ensure({}, database)
    database.version = "20261121_1001"
    migrate.ensure({}, database)
    database.version = None
    migrate.ensure({}, database)
    assert len(upgrades) == 3


def test_a_given_server_is_always_asked_by_the_migrations_themselves(upgrades: list[object]) -> None:
    migrate.ensure({}, None)
    migrate.ensure({}, None)
    assert len(upgrades) == 2
