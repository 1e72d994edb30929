"""Running other programs: their chatter goes to a log, a person sees it only when something fails."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev import places, say

HEARTBEAT_SECONDS = 10.0
TAIL_LINES = 20


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def quietly(
    command: Sequence[str | Path],
    *,
    why: str,
    log_name: str,
    env: Mapping[str, str] | None = None,
    cwd: Path = places.ROOT,
) -> None:
    """Runs a program to its end with its output in a log; raises Stop with the end of that log."""
    places.LOGS.mkdir(parents=True, exist_ok=True)
    log = places.LOGS / f"{log_name}.log"
    with log.open("w") as output:
        child = subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=env,
            cwd=cwd,
        )
        code = _wait_with_heartbeat(child, why)
    if code != 0:
        raise say.Stop(f"{why} failed (exit code {code}). The end of {log}:\n{tail(log)}")


def _wait_with_heartbeat(child: subprocess.Popen[bytes], why: str) -> int:
    """Long silences look like a hang, so every few seconds a line says that work goes on."""
    began = time.monotonic()
    try:
        while True:
            try:
                return child.wait(timeout=HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired:
                say.line(f"  still {why} ({time.monotonic() - began:.0f} s)")
    except BaseException:
        child.kill()
        child.wait()
        raise


def apt_install(package: str) -> None:
    """Debian's packages, as root only. The lists first: a fresh machine or image has none."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    quietly(["apt-get", "update"], why="apt-get update", log_name="apt-update", env=env)
    install = ["apt-get", "install", "-y", "--no-install-recommends", package]
    quietly(install, why=f"apt-get install {package}", log_name=f"apt-{package}", env=env)
