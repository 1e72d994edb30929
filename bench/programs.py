"""Starting and stopping what is measured: the program's web and worker processes, and the floor's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cpu
from bench.load import Ask, Connection

ROOT = Path(__file__).parents[1]
PATIENCE = 90.0
SETTLE = 1.5  # the slower of two workers


@dataclass
class Web:
    """A running gunicorn: ``pid`` is its master's."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def web(target: str, env: dict[str, str], *, workers: int = 2) -> Iterator[Web]:
    """Run ``target`` (``wsgi:app`` or the floor) under gunicorn's gevent worker, as the program is run."""
    port = free_port()
    env = (
        os.environ
        | env
        | {"PORT": str(port), "WEB_CONCURRENCY": str(workers), "PUBLIC_URL": f"http://localhost:{port}"}
    )
    settings = ["-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", target, *settings]
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=_log(target), start_new_session=True
    )
    try:
        started = Web(port, process)
        _wait_for(started, workers)
        yield started
    finally:
        _end(process)


@contextmanager
def worker(env: dict[str, str], *parts: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python worker.py``, whole or these parts of it, in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "worker.py", *parts],
        cwd=ROOT,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=_log("worker"),
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _log(name: str) -> int:
    folder = ROOT / ".local" / "log"
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(
        folder / f"bench-{name.partition(':')[0]}.log", os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND
    )


def _wait_for(web: Web, workers: int) -> None:
    """Wait until every worker has loaded the program: only then does it listen."""
    deadline = time.monotonic() + PATIENCE
    while not _is_up(web, workers):
        if web.process.poll() is not None:
            raise RuntimeError("the program did not start; see .local/log/")
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing answers on port {web.port}")
        time.sleep(0.1)
    time.sleep(SETTLE)


def _is_up(web: Web, workers: int) -> bool:
    try:
        asked = Connection(web.port)
        asked.send(Ask("/healthz"))
        asked.close()
    except OSError:
        return False
    return len(cpu.tree(web.pid)) > workers


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
