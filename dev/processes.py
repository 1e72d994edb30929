"""Processes by number: a number alone proves nothing after a crash, so it is kept with its start time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_PROC = Path("/proc")
_STATE, _SESSION, _STARTED = 0, 3, 19  # fields of /proc/<pid>/stat behind the program's name


def alive(pid: int) -> bool:
    """Whether the process runs. A dead child that nobody waited for (a zombie) does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _state(pid) not in ("", "Z", "X")


def started_at(pid: int) -> str:
    """When the process started, in whatever unit the system has: only compared, never shown."""
    if not _has_proc():
        return _ps(pid, "lstart")
    fields = _stat(pid)
    return fields[_STARTED] if fields else ""


def command_of(pid: int) -> str:
    if not _has_proc():
        return _ps(pid, "command")
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def session_members(leader: int) -> list[int]:
    """Every live process of the session that the leader opened, also those in groups of their own."""
    if not _has_proc():
        return [leader] if alive(leader) else []
    numbers = (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit())
    return [pid for pid in numbers if _session(pid) == leader and alive(pid)]


def remember(path: Path, pid: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "started": started_at(pid)}))


def remembered(path: Path) -> int | None:
    """The number noted in the file, if that very process still runs."""
    pid, started = _read_note(path)
    return pid if pid and alive(pid) and started_at(pid) == started else None


def left_over(path: Path) -> list[int]:
    """What still runs of the session noted in the file, also after its leader alone was killed."""
    pid, started = _read_note(path)
    if not pid or (alive(pid) and started_at(pid) != started):
        return []  # the number belongs to a stranger by now
    return session_members(pid)  # the system gives no number away while a session bears it


def _read_note(path: Path) -> tuple[int, str]:
    try:
        note = json.loads(path.read_text())
    except (OSError, ValueError):
        return 0, ""
    return int(note["pid"]), str(note["started"])


def stop_session(leader: int, *, grace: float) -> None:
    """Asks the leader to end, gives it time, then kills whatever is left of its session."""
    _signal(leader, signal.SIGTERM)
    wait_until(lambda: not alive(leader), timeout=grace)
    for pid in session_members(leader):
        _signal(pid, signal.SIGKILL)
    wait_until(lambda: not session_members(leader), timeout=2)


def stop_all(pids: list[int], *, grace: float) -> None:
    """Asks them all to end, then kills those that did not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            _signal(pid, number)
        if wait_until(lambda: not any(alive(pid) for pid in pids), timeout=grace):
            return


def end(pid: int, signals: tuple[signal.Signals, ...], *, grace: float) -> bool:
    """Sends one signal after the other, each with its time to work; says whether the process is gone."""
    for number in signals:
        _signal(pid, number)
        if wait_until(lambda: not alive(pid), timeout=grace):
            return True
    return not alive(pid)


def wait_until(condition: Callable[[], bool], *, timeout: float, pause: float = 0.02) -> bool:
    until = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(pause)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _has_proc() -> bool:
    return (_PROC / "self").exists()


def _state(pid: int) -> str:
    if not _has_proc():
        return _ps(pid, "state")[:1]
    fields = _stat(pid)
    return fields[_STATE] if fields else ""


def _session(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[_SESSION]) if fields else 0


def _stat(pid: int) -> list[str] | None:
    """The fields behind the program's name, which itself may hold blanks and brackets."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _ps(pid: int, field: str) -> str:
    """The same for systems without /proc, such as macOS."""
    command = ["ps", "-o", f"{field}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
