"""Where things lie. Everything the launcher makes is below the checkout and git-ignored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TOOLS = LOCAL / "tools"
LOGS = LOCAL / "log"
NODE_MODULES = ROOT / "node_modules"
VENDOR = ROOT / "static" / "vendor"


@dataclass(frozen=True)
class Home:
    """One set of private servers with its files: `.local` for `run`, `.local/test` for `test`.

    The addresses of the tests' servers bear names of their own, so that no test can mistake them.
    """

    name: str
    folder: Path
    prefix: str

    @property
    def env_file(self) -> Path:
        return self.folder / "env"

    @property
    def secrets_file(self) -> Path:
        return self.folder / "secrets.json"

    @property
    def logins_file(self) -> Path:
        """The generated logins of the demo centre."""
        return self.folder / "demo-logins.json"

    @property
    def run_folder(self) -> Path:
        return self.folder / "run"

    @property
    def keep_mark(self) -> Path:
        """Present while the servers were asked to outlive the command that started them."""
        return self.run_folder / "keep-servers"


RUN = Home("run", LOCAL, prefix="")
TEST = Home("test", LOCAL / "test", prefix="TEST_")


def checkout_id() -> str:
    """A short name of this checkout, for what must lie outside it."""
    return hashlib.sha256(str(ROOT).encode()).hexdigest()[:10]
