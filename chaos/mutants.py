"""``python -m chaos.mutants``: the program with one deliberate bug at a time. Each must make a named test fail.

A green chaos run means little by itself: it could be blind. So each bug below, of the kinds that lose, double
or half-do things, is put into a copy of the tree, and what should see it is run. A bug that nothing sees ends
this with 1. The table goes to docs/mutants.md.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from chaos.bugs import ALL, Bug

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "mutants.md"
LINKED = (".venv", "node_modules", "static/vendor", ".local/tools")
PATIENCE = 240
HEAD = """# Deliberate bugs, and what sees them

`make mutants` puts each of these bugs into a copy of the tree and runs what is named beside it; the same tests
pass without the bug. A bug that nothing sees fails the command. Written by `python -m chaos.mutants --write`.

| bug | what it would do | seen by | outcome |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Result:
    bug: Bug
    outcome: str
    seconds: float

    @property
    def is_caught(self) -> bool:
        return self.outcome == "caught"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m chaos.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--write", action="store_true", help="write docs/mutants.md")
    asked = parser.parse_args()
    chosen = [each for each in ALL if not asked.names or each.name in asked.names]
    with tempfile.TemporaryDirectory(prefix="mutants-", dir=ROOT.parent) as folder:
        tree = copied(Path(folder) / "tree")
        healthy = sorted({each.seen_by for each in chosen})
        failing = [each for each in healthy if not passes(tree, each)]
        if failing:
            print("These fail without any bug:", *failing, sep="\n  ", flush=True)
            chosen = [each for each in chosen if each.seen_by not in failing]
        results: list[Result] = []
        for each in chosen:
            results.append(tried(tree, each))
            if asked.write:
                TABLE.write_text(HEAD + "".join(map(_row, results)))
    caught = sum(each.is_caught for each in results)
    print(f"{caught} of {len(results)} bugs were caught")
    return 0 if caught == len(ALL if not asked.names else asked.names) else 1


def copied(tree: Path) -> Path:
    """Copy what git knows (and what is new) of the tree; link what is installed beside it."""
    names = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(names, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, listed):
        source = ROOT / name
        if source.is_file() and not any(name.startswith(each) for each in LINKED):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, tree / name)
    for name in LINKED:
        if (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).symlink_to((ROOT / name).resolve())
    return tree


def tried(tree: Path, bug: Bug) -> Result:
    began = time.monotonic()
    file = tree / bug.file
    before = file.read_text(encoding="utf-8")
    if before.count(bug.old) != 1:
        outcome = f"does not apply: {before.count(bug.old)} such places"
    else:
        file.write_text(before.replace(bug.old, bug.new), encoding="utf-8")
        outcome = "SURVIVED" if passes(tree, bug.seen_by) else "caught"
        file.write_text(before, encoding="utf-8")
    result = Result(bug, outcome, time.monotonic() - began)
    print(f"{outcome:<9} {bug.name:<34} {result.seconds:5.1f} s  {bug.seen_by}", flush=True)
    return result


def passes(tree: Path, test: str) -> bool:
    """Whether a test passes in the tree. ``chaos …`` is a run of chaos, anything else pytest's."""
    python = sys.executable
    command = (
        [python, "-m", *test.split()]
        if test.startswith("chaos ")
        else [python, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *test.split()]
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env["PYTHONDONTWRITEBYTECODE"] = "1"  # a bug is as long as what it replaces, and no second older
    try:
        done = subprocess.run(command, cwd=tree, env=env, capture_output=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1):
        print(done.stdout.decode()[-2000:], done.stderr.decode()[-2000:])
        raise RuntimeError(f"{test} could not be run")
    return done.returncode == 0


def _row(result: Result) -> str:
    return f"| {result.bug.name} | {result.bug.harm} | `{result.bug.seen_by}` | {result.outcome} |\n"


if __name__ == "__main__":
    sys.exit(main())
