"""The web and worker processes as children: started, watched, started again, and stopped whole."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from dev import places, processes, say, shell

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
STEADY_SECONDS = 20.0  # who lived this long is forgiven the deaths before
TRIES_BEFORE_READY = 3


def pause_after(deaths: int) -> float:
    """How long to wait before the next start: doubling, so that a broken program does not eat the machine."""
    return float(min(FIRST_PAUSE * 2 ** max(deaths - 1, 0), LONGEST_PAUSE))


class Child:
    """One program kept running. It gets a session of its own, so that Ctrl-C reaches only the launcher and
    one sweep finds everything it started."""

    def __init__(self, name: str, command: list[str], env: Mapping[str, str], *, grace: float) -> None:
        self.name = name
        self.log = places.LOGS / f"{name}.log"
        self.deaths = 0
        self._command, self._env, self._grace = command, env, grace
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._due = 0.0

    def start(self) -> None:
        if self.deaths == 0:
            self.log.write_bytes(b"")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=places.ROOT,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        processes.remember(_note(self.name), self._process.pid)
        self._started = time.monotonic()

    def tend(self) -> None:
        """To be called again and again: notices a death, starts again when the pause is over."""
        if self._process is None:
            if time.monotonic() >= self._due:
                self.start()
        elif self._process.poll() is not None:
            self._bury()

    def stop(self) -> None:
        if self._process is not None:
            processes.stop_session(self._process.pid, grace=self._grace)
            self._process.wait()
            self._process = None
        _note(self.name).unlink(missing_ok=True)

    def ask_to_stop(self) -> None:
        """Without waiting, so that several can end at the same time."""
        if self._process is not None:
            self._process.terminate()

    def _bury(self) -> None:
        process = self._process
        assert process is not None  # noqa: S101 - only called for a process that ended
        processes.stop_session(process.pid, grace=0)
        steady = time.monotonic() - self._started >= STEADY_SECONDS
        self.deaths = 1 if steady else self.deaths + 1
        pause = pause_after(self.deaths)
        say.line(
            f"{self.name} ended (exit code {process.returncode}), starting it again in {pause:.1f} s; "
            f"its log is {self.log.relative_to(places.ROOT)}"
        )
        self._process, self._due = None, time.monotonic() + pause


def give_up_if_broken(children: list[Child]) -> None:
    """Before the first answer: a program that dies at each start will not get better by itself."""
    for child in children:
        if child.deaths >= TRIES_BEFORE_READY:
            raise say.Stop(
                f"The {child.name} process does not start. The end of {child.log}:\n{shell.tail(child.log)}"
            )


def sweep(home: places.Home) -> None:
    """Ends what a killed launcher left running: an old web process would hold the port with old code."""
    for note in sorted(home.run_folder.glob("child-*.json")):
        left = processes.left_over(note)
        if left:
            say.line(f"ending {len(left)} left-over {note.stem.removeprefix('child-')} processes")
            processes.stop_all(left, grace=5)
        note.unlink(missing_ok=True)


def _note(name: str) -> Path:
    return places.RUN.run_folder / f"child-{name}.json"
