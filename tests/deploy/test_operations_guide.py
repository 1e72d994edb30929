"""docs/operations.md says what is true: every setting, every metric, every file it names."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from flask import Flask

from clinic_web.kernel import metrics

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NAME = re.compile(r"[A-Z][A-Z_]{3,}")


def read_by(file: str) -> set[str]:
    """The names that a file asks the environment for."""
    found: list[object] = []
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and "env" in ast.unparse(node):
            found += [each.value for each in node.args if isinstance(each, ast.Constant)][:1]
    return {name for name in found if isinstance(name, str) and NAME.fullmatch(name)}


def rows_of(section: str) -> dict[str, str]:
    text = GUIDE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)`( \*)? \|", text, re.MULTILINE))


def test_every_setting_stands_in_the_table_and_nothing_else() -> None:
    assert set(rows_of("Settings")) == read_by("clinic_web/config.py") | read_by("gunicorn.conf.py")


def test_what_may_come_from_a_file_is_marked() -> None:
    source = (ROOT / "clinic_web" / "config.py").read_text(encoding="utf-8")
    from_file = set(re.findall(r'_(?:required|from_file)\(env, "(\w+)"\)', source))
    assert {name for name, mark in rows_of("Settings").items() if mark} == from_file


def test_every_metric_it_names_exists_and_every_one_is_named(built_app: Flask) -> None:
    named = set(re.findall(r"`(clinic_[a-z_]+)`", GUIDE))
    counted = {"clinic_http_request_seconds", "clinic_sockets", "clinic_database_connections_in_use",
               "clinic_database_pool_size"}  # fmt: skip
    assert named == counted | {each.name for each in metrics._readings.values()}


def test_the_files_it_names_exist() -> None:
    for path in re.findall(r"\b(?:deploy|docs|tests)/[\w./-]+\w", GUIDE):
        assert (ROOT / path).exists() or path == "deploy/secrets.env", path
    for command in re.findall(r"docker compose[^\n]* (?:run --rm|stop|exec) ([a-z0-9 ]+)", GUIDE):
        for service in command.split()[:1]:
            assert f"\n  {service}:" in (ROOT / "compose.yaml").read_text(encoding="utf-8"), service
