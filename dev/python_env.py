"""The program's environment, .venv: made once, filled again when a lock of the requirements changes."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev import places, say, shell, stamps

RUNTIME = places.ROOT / "requirements.lock"
DEVELOPMENT = places.ROOT / "requirements-dev.lock"
INSTALLER = places.ROOT / "requirements-pip.lock"
MADE = places.VENV / ".made"


def ensure(*, development: bool) -> None:
    """Brings .venv up to the locks of the requirement files; does nothing when it is there already."""
    make()
    files = [INSTALLER, RUNTIME, DEVELOPMENT] if development else [INSTALLER, RUNTIME]
    stamp = places.VENV / f".installed-{files[-1].stem}"
    digest = stamps.of_files(files)
    if not stamps.matches(stamp, digest):
        with say.step(f"installing Python packages ({files[-1].name})"):
            _install(INSTALLER)
            _install(files[-1])
            stamps.keep(stamp, digest)


def make() -> None:
    """Makes an empty .venv where there is none."""
    if not (MADE.exists() and places.PYTHON.exists()):
        with say.step("making the Python environment .venv"):
            _make()
            stamps.keep(MADE, sys.version)


def _install(file: Path) -> None:
    # --no-deps: the files name every package, so pip has nothing to resolve and can change nothing.
    # --require-hashes: a file that is not the one that was locked is refused, wherever it comes from.
    # --no-compile: Python compiles what is used when it is used, a third of all.
    pip: list[str | Path] = [
        places.PYTHON,
        "-m",
        "pip",
        "install",
        "--no-compile",
        "--no-deps",
        "--require-hashes",
        "--disable-pip-version-check",
        "-r",
        file,
    ]
    shell.quietly(pip, why="installing Python packages", log_name=f"pip-{file.stem}")


def _make() -> None:
    if importlib.util.find_spec("ensurepip") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_install("python3-venv")
    if _has_ensurepip():
        command: list[str | Path] = [sys.executable, "-m", "venv", "--clear", places.VENV]
        shell.quietly(command, why="making .venv", log_name="venv")
    elif _has_pip():
        _make_with_virtualenv()
    else:
        raise say.Stop(
            f"{sys.executable} can make no environments: it has neither `venv` nor `pip`. "
            "Install the package python3-venv and run this again."
        )


def _make_with_virtualenv() -> None:
    """Debian's Python without python3-venv: virtualenv brings its own pip."""
    target = places.TOOLS / "virtualenv"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "install", "--target", target, "virtualenv"]
    shell.quietly(pip, why="fetching virtualenv", log_name="virtualenv")
    command: list[str | Path] = [sys.executable, "-m", "virtualenv", "--clear", places.VENV]
    shell.quietly(command, why="making .venv", log_name="venv", env=os.environ | {"PYTHONPATH": str(target)})


def _apt_install(package: str) -> None:
    """Tried only as root; a machine whose apt reaches nothing still has the other ways."""
    try:
        shell.apt_install(package)
    except say.Stop:
        say.line(f"  apt-get could not install {package}, trying without")


def _has_ensurepip() -> bool:
    # In a process of its own: apt may have installed it a moment ago.
    return (
        subprocess.run(
            [sys.executable, "-c", "import ensurepip"],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )


def _has_pip() -> bool:
    return (
        subprocess.run(
            [sys.executable, "-m", "pip", "--version"],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
