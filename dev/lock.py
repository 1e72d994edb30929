"""`python3 -m dev lock`: the hashes of every file that the requirement files may bring, for pip to insist on.

Run it after each change of a requirement file. Nothing is resolved: the files name every package.
"""

from __future__ import annotations

import re
from pathlib import Path

from dev import places, say, shell, tools

LOCKED = ("requirements.txt", "requirements-dev.txt", "requirements-pip.txt")
OLDEST_PYTHON = "3.11"
COMPILE = ["pip", "compile", "--quiet", "--generate-hashes", "--no-deps", "--universal", "--no-annotate",
           "--no-header", "--python-version", OLDEST_PYTHON]  # fmt: skip
PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)", re.MULTILINE)


def of(requirements: Path) -> Path:
    return requirements.with_suffix(".lock")


def write() -> None:
    folder = tools.unpacked("uv")
    if folder is None:
        raise say.Stop(
            "There is no uv for this machine, and only it knows the hashes of all machines' files."
        )
    for name in LOCKED:
        file = places.ROOT / name
        command: list[str | Path] = [folder / "bin" / "uv", *COMPILE, file, "--output-file", of(file)]
        with say.step(f"locking {name}"):
            shell.quietly(command, why=f"locking {name}", log_name="lock")


def pins(text: str) -> dict[str, str]:
    """Names as PyPI spells them, and versions, of a requirement file or a lock."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in PIN.findall(text)}
