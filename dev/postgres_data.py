"""The data folder of the private PostgreSQL: making it, reading what it says of itself, opening it again."""

from __future__ import annotations

import hashlib
import locale
import os
import shutil
import subprocess
from pathlib import Path

from dev import account, postgres_binaries, processes, say, secretsfile

SUPERUSER = "clinic_super"
_LOCALES = ("C.UTF-8", "en_US.UTF-8")
_PID, _PORT, _STATUS = 0, 3, 7  # lines of postmaster.pid


def ensure(folder: Path, owner: account.Account, binaries: postgres_binaries.Binaries, password: str) -> None:
    """Makes `data` in the folder, once; beside and renamed, so that a killed initdb leaves no ruin behind."""
    data, beside = folder / "data", folder / "data.new"
    if (data / "PG_VERSION").exists():
        return
    say.line("making the PostgreSQL data folder")
    owner.own(folder)
    shutil.rmtree(beside, ignore_errors=True)
    _initdb(beside, owner, binaries, password)
    beside.rename(data)
    _note_password(folder, password)


def _initdb(
    target: Path, owner: account.Account, binaries: postgres_binaries.Binaries, password: str
) -> None:
    password_file = target.with_name("password.new")
    secretsfile.write_private(password_file, password + "\n")
    os.chown(password_file, owner.uid, owner.gid)
    command = [binaries["initdb"], "--pgdata", str(target), "--username", SUPERUSER]
    command += ["--encoding=UTF8", f"--locale={utf8_locale()}", "--data-checksums"]
    command += ["--auth=scram-sha-256", f"--pwfile={password_file}"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, cwd="/", check=False, **owner.popen_arguments()
        )
    finally:
        password_file.unlink()
    if answer.returncode != 0:
        raise say.Stop(f"PostgreSQL could not make its data folder: {answer.stderr.strip()}")


def ensure_password(
    folder: Path, owner: account.Account, binaries: postgres_binaries.Binaries, password: str
) -> None:
    """Gives stopped data the superuser's password of today: somebody may have removed the noted one."""
    if _noted_password(folder) == _digest(password):
        return
    answer = subprocess.run(
        [binaries["postgres"], "--single", "-D", str(folder / "data"), "postgres"],
        input=f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n",
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **owner.popen_arguments(),
    )
    if answer.returncode == 0:
        _note_password(folder, password)


def utf8_locale() -> str:
    """A locale in which Arabic letters are letters: under plain C, trigrams of Arabic words are empty."""
    before = locale.setlocale(locale.LC_CTYPE)
    for name in _LOCALES:
        try:
            locale.setlocale(locale.LC_CTYPE, name)
        except locale.Error:
            continue
        locale.setlocale(locale.LC_CTYPE, before)
        return name
    raise say.Stop("This machine has no UTF-8 locale (looked for C.UTF-8 and en_US.UTF-8).")


def major_version(folder: Path) -> int | None:
    """The version that made the data, if there is any."""
    try:
        return int((folder / "data" / "PG_VERSION").read_text())
    except OSError:
        return None


def running_pid(data: Path) -> int | None:
    """The postmaster of this data folder, if it runs: its file may be older than a crash."""
    pid = pid_file(data)[0]
    return pid if pid and processes.alive(pid) and str(data) in processes.command_of(pid) else None


def ready_port(data: Path) -> int | None:
    """The port on which this data is served right now; None while it starts, stops or is gone."""
    _, port, status = pid_file(data)
    return port if status.startswith("ready") and running_pid(data) else None


def pid_file(data: Path) -> tuple[int, int, str]:
    """Process number, port and status of postmaster.pid; the file grows while the server starts."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines() + [""] * 8
        return int(lines[_PID]), int(lines[_PORT] or 0), lines[_STATUS]
    except (OSError, ValueError):
        return 0, 0, ""


def _note_password(folder: Path, password: str) -> None:
    secretsfile.write_private(folder / "password.digest", _digest(password))


def _noted_password(folder: Path) -> str:
    note = folder / "password.digest"
    return note.read_text() if note.exists() else ""


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()
