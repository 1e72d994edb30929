"""Whoever reads the audit reads words: every action and every thing that the program writes down has one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from clinic_web.audit.words import ACTIONS, THINGS

SOURCE = Path(__file__).parents[2] / "clinic_web"


def _written() -> Iterator[tuple[str, str]]:
    """Action and thing of each ``audit.changed(actor, action, thing, …)`` that says both in so many words."""
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.changed":
                said = [each.value for each in node.args[1:3] if isinstance(each, ast.Constant)]
                if len(said) == 2 and all(isinstance(each, str) for each in said):
                    yield said[0], said[1]


def test_every_change_has_words() -> None:
    written = set(_written())
    assert len(written) > 40
    assert {action for action, _ in written} - set(ACTIONS) == set()
    assert {thing for _, thing in written} - set(THINGS) == set()
