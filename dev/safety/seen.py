"""Which files a check has looked at and found nothing in, so that it need not look at them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from dev import places

FOLDER = places.LOCAL / "lint"
NEVER = {
    ".git", ".venv", "node_modules", "vendor", ".local", "__pycache__", "backups",
    ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis",
}  # fmt: skip


def files_below(root: Path) -> Iterator[Path]:
    """Every file of the checkout that is somebody's work: neither made nor fetched."""
    for path in sorted(root.iterdir()):
        if path.name in NEVER or path.is_symlink():
            continue
        if path.is_dir():
            yield from files_below(path)
        else:
            yield path


class Seen:
    """What one check remembers. ``settings``: whatever, when it changes, makes every file new again."""

    def __init__(self, check: str, settings: str, *, root: Path = places.ROOT, folder: Path = FOLDER) -> None:
        self._note = folder / f"{check}.json"
        self._settings = hashlib.sha256(settings.encode()).hexdigest()
        self._root = root
        self._clean = self._read()

    def unseen(self, files: Iterable[Path]) -> list[Path]:
        """Those that are new or have changed since nothing was found in them."""
        return [file for file in files if self._clean.get(self._name(file)) != _digest(file)]

    def remember(self, files: Iterable[Path]) -> None:
        """Nothing is wrong in these, as they are now; files that are gone are forgotten."""
        self._clean |= {self._name(file): _digest(file) for file in files}
        kept = {name: digest for name, digest in self._clean.items() if (self._root / name).is_file()}
        self._note.parent.mkdir(parents=True, exist_ok=True)
        self._note.write_text(json.dumps({"settings": self._settings, "clean": kept}))

    def _read(self) -> dict[str, str]:
        try:
            noted = json.loads(self._note.read_text())
        except (OSError, ValueError):
            return {}
        return dict(noted["clean"]) if noted.get("settings") == self._settings else {}

    def _name(self, file: Path) -> str:
        return str(file.relative_to(self._root))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
