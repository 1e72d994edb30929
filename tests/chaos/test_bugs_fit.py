"""The deliberate bugs of ``make mutants`` are still bugs of this program."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos import bugs

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("bug", bugs.ALL, ids=lambda bug: bug.name)
def test_the_line_that_a_bug_changes_is_there_once(bug: bugs.Bug) -> None:
    assert (ROOT / bug.file).read_text().count(bug.old) == 1
    assert bug.old != bug.new
