"""Files only their owner may read: the env file with its addresses, and generated passwords."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

PASSWORD_BYTES = 24


def write_private(path: Path, text: str) -> None:
    """Writes beside and renames, so that a reader never meets half a file; mode 600 from its first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def generated(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The secrets of these names, made once and kept; a missing one is made now."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in names if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(PASSWORD_BYTES) for name in missing}
        write_private(path, json.dumps(known, indent=2) + "\n")
    return known


def env_text(values: Mapping[str, str]) -> str:
    """NAME=value lines that a shell can source and `docker --env-file` can read."""
    for name, value in values.items():
        if "\n" in value:
            raise ValueError(f"{name} holds a line break")
    return "".join(f"{name}={value}\n" for name, value in values.items())


def read_env(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and line[0] != "#")
    return {name: value for name, value in pairs}
