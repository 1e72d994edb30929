"""`python -m dev.safety.advisories`: has one of the packages a weakness that is publicly known?

pip-audit asks PyPI. Where it can't, this says so in words that can't be overlooked and passes: a machine
without the network must be able to prove everything else. What was asked today is not asked again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from dev import places, say, stamps

LOCK = places.ROOT / "requirements-dev.lock"
ASKED = places.LOCAL / "lint" / "advisories"
PATIENCE = 60  # seconds
NOT_ASKED = (
    "NOT CHECKED for known weaknesses: {why}.\n"
    "Run `make lint` where pypi.org can be reached before this version goes to anybody."
)


@dataclass
class Answer:
    """What the advisory data says: packages looked up, those it could not look up, and the weaknesses."""

    known: int = 0
    unknown: list[str] = field(default_factory=list)
    weaknesses: list[tuple[str, str]] = field(default_factory=list)


def main() -> int:
    today = datetime.now(UTC).date()
    if stamps.matches(ASKED, _digest(today)):
        say.plain("no known weaknesses (asked earlier today)")
        return 0
    said = ask()
    answer = read(said) if said else None
    if answer is None or answer.known == 0:
        why = "the advisory data did not answer" if answer is None else "it knows none of our packages"
        say.plain(NOT_ASKED.format(why=why))
        return 0
    return judge(answer, accepted(today), today)


def ask() -> str | None:
    """pip-audit's answer as JSON; None where it failed for another reason than a weakness."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--no-deps", "--disable-pip",
               "--format", "json", "--progress-spinner", "off", "--timeout", "5"]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.stdout.startswith("{") else None


def read(said: str) -> Answer:
    answer = Answer()
    for package in json.loads(said)["dependencies"]:
        if "skip_reason" in package:
            answer.unknown.append(package["name"])
            continue
        answer.known += 1
        for each in package["vulns"]:
            answer.weaknesses.append((f"{package['name']} {package['version']}", each["id"]))
    return answer


def judge(answer: Answer, excused: set[str], today: date) -> int:
    """Say what was found; 1 when something stands that nobody has accepted for now."""
    open_ones = [(name, each) for name, each in answer.weaknesses if each not in excused]
    for name, each in open_ones:
        say.plain(f"{name}: {each} (https://osv.dev/vulnerability/{each})")
    if answer.unknown:
        say.plain(f"not known to the advisory data: {', '.join(answer.unknown)}")
    if open_ones:
        return 1
    say.plain(f"no known weaknesses in {answer.known} packages ({len(excused)} accepted for now)")
    if not answer.unknown:
        stamps.keep(ASKED, _digest(today))
    return 0


def accepted(today: date) -> set[str]:
    """Weaknesses that somebody judged and accepted until a day, see docs/security.md."""
    settings: dict[str, Any] = tomllib.loads((places.ROOT / "pyproject.toml").read_text())
    listed = settings["tool"].get("accepted-weaknesses", [])
    return {each["id"] for each in listed if each["until"] >= today}


def _digest(today: date) -> str:
    return stamps.of_files([LOCK, places.ROOT / "pyproject.toml"], extra=today.isoformat())


if __name__ == "__main__":
    sys.exit(main())
