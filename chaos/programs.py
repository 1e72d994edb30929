"""The program's processes as a house runs them: web and workers, each started again when it is gone."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import cpu
from bench.programs import Web as BenchWeb
from bench.programs import _wait_for, free_port

ROOT = Path(__file__).parents[1]


@dataclass
class Program:
    """One process with children: gunicorn's master or ``worker.py``."""

    name: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        self.starts += 1

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def children(self) -> list[int]:
        """Return the processes below the parent, the oldest first."""
        return sorted(cpu.tree(self.pid) - {self.pid}) if self.is_running else []

    def mend(self) -> None:
        if not self.is_running:
            self.start()

    def thaw(self) -> None:
        for pid in [self.pid, *self.children()] if self.is_running else []:
            signal_to(pid, signal.SIGCONT)

    def end(self) -> None:
        if not self.is_running or self.process is None:
            return
        self.thaw()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class House:
    """Web and workers, and the dice by which one of their processes is chosen."""

    web: Program
    worker: Program
    port: int
    dice: random.Random
    frozen: dict[int, float] = field(default_factory=dict)

    def mend(self) -> None:
        """Start again what ended, wake what slept long enough."""
        for program in (self.web, self.worker):
            program.mend()
        for pid, until in list(self.frozen.items()):
            if time.monotonic() >= until:
                signal_to(pid, signal.SIGCONT)
                self.frozen.pop(pid, None)

    def thaw(self) -> None:
        self.frozen.clear()
        for program in (self.web, self.worker):
            program.thaw()

    def kill_child(self, program: Program) -> bool:
        children = program.children()
        return bool(children) and signal_to(self.dice.choice(children), signal.SIGKILL)

    def kill_parent(self, program: Program) -> bool:
        """The parent alone: its children die with it (workers) or notice it (gunicorn's), as they are made to."""
        if not program.is_running or program.process is None:
            return False
        pid = program.pid
        children = program.children()
        signal_to(pid, signal.SIGKILL)
        program.process.wait()
        for child in children:  # those of gunicorn hold the port until they look for their parent
            if program is self.web:
                signal_to(child, signal.SIGKILL)
        return True

    def freeze_child(self, program: Program, seconds: float) -> bool:
        children = program.children()
        if not children:
            return False
        pid = self.dice.choice(children)
        self.frozen[pid] = time.monotonic() + seconds
        return signal_to(pid, signal.SIGSTOP)


def signal_to(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def running(
    env: dict[str, str], of_each: dict[str, dict[str, str]], folder: Path, dice: random.Random
) -> Iterator[House]:
    """Run web and workers in ``env`` and what ``of_each`` has for one of them; their logs lie in ``folder``."""
    port = free_port()
    whole = os.environ | env | {"PORT": str(port), "PUBLIC_URL": f"http://localhost:{port}"}
    gunicorn = [sys.executable, "-m", "gunicorn", "wsgi:app", "-c", "gunicorn.conf.py"]
    commands = {"web": [*gunicorn, "--bind", f"127.0.0.1:{port}"], "worker": [sys.executable, "worker.py"]}
    web, worker = (
        Program(name, command, whole | of_each.get(name, {}), folder / f"{name}.log")
        for name, command in commands.items()
    )
    house = House(web, worker, port, dice)
    try:
        house.mend()
        assert web.process is not None
        _wait_for(BenchWeb(port, web.process), 2)
        yield house
    finally:
        house.thaw()
        for program in (web, worker):
            program.end()
