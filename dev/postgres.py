"""The private PostgreSQL: started, adopted after a crash, asked, stopped. Real and durable."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dev import account, ports, postgres_binaries, postgres_data, processes, say, shell

START_SECONDS = 120.0  # after a crash the log is played back first
# A killed postmaster leaves its children a moment to notice; until they are gone its data is taken.
START_TRIES, START_PAUSE = 20, 0.3

# No promise is bent to be quick: what holds here holds on a real server. `jit` only slows short queries.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    # What a million visits and their indexes need so as not to be fetched from the system page by page. It is
    # taken when it is used.
    "shared_buffers": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "password_encryption": "scram-sha-256",
    "client_connection_check_interval": "1s",
    "tcp_keepalives_idle": "10",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "jit": "off",
}
LONGEST_SOCKET = 107  # bytes that a socket's path may have (unix(7))
# Tests kill processes, never the machine: what the kernel has taken outlives every process, so waiting for
# the disk would prove nothing there.
FOR_TESTS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",
    # Tables of a handful of rows: any plan is as good, and making one costs more than carrying it out.
    "plan_cache_mode": "force_generic_plan",
}


@dataclass(frozen=True)
class Postgres:
    """The server of one home, running or not."""

    folder: Path
    owner: account.Account
    binaries: postgres_binaries.Binaries
    superuser_password: str
    is_for_tests: bool = False

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def port(self) -> int:
        return int((self.folder / "port").read_text())

    @property
    def socket_folder(self) -> Path | None:
        """Where tests find the socket, a third cheaper than a TCP port; None where its path is too long."""
        longest = len(os.fsencode(self.folder / ".s.PGSQL.65535"))
        return self.folder if self.is_for_tests and longest <= LONGEST_SOCKET else None

    def url(self, user: str, password: str, database: str) -> str:
        port, sockets = self.port(), self.socket_folder
        if sockets and (sockets / f".s.PGSQL.{port}").exists():
            where = f"host={quote(str(sockets), safe='')}&port={port}"
            return f"postgresql://{user}:{password}@/{database}?{where}"
        return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"

    def ensure_running(self) -> None:
        """Adopts the server that runs, or starts one."""
        made_with = (self.folder, self.owner, self.binaries, self.superuser_password)
        postgres_data.ensure(*made_with)
        if self._answers():
            return
        self._clear_away()
        postgres_data.ensure_password(*made_with)
        with say.step("starting PostgreSQL"):
            self._start()

    def sql(self, text: str, *, database: str = "postgres", **variables: str) -> str:
        """Runs a script as the superuser; the script reads the variables with \\getenv."""
        command = [self.binaries["psql"], "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
        command += ["--set=ON_ERROR_STOP=1", "--host=127.0.0.1", f"--port={self.port()}"]
        command += [f"--username={postgres_data.SUPERUSER}", f"--dbname={database}"]
        env = {
            "PGPASSWORD": self.superuser_password,
            "PGCONNECT_TIMEOUT": "5",
            "PGCLIENTENCODING": "UTF8",
            "PGOPTIONS": "-c client_min_messages=warning",
            "PATH": os.environ.get("PATH", ""),
            **variables,
        }
        answer = subprocess.run(
            command, input=text, capture_output=True, text=True, encoding="utf-8", env=env, check=False
        )
        if answer.returncode != 0:
            raise say.Stop(f"PostgreSQL refused a step of its set-up: {answer.stderr.strip()}")
        return answer.stdout.strip()

    def _answers(self) -> bool:
        port = postgres_data.ready_port(self.data)
        if port is None:
            return False
        (self.folder / "port").write_text(f"{port}\n")
        try:
            return self.sql("select 1") == "1"
        except say.Stop:
            return False

    def _clear_away(self) -> None:
        """What a crash left: a server that does not answer, or the file of one that is gone."""
        if postgres_data.running_pid(self.data):
            say.line("stopping a PostgreSQL that does not answer")
            stop(self.data, grace=4)
        if postgres_data.running_pid(self.data) is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _start(self) -> None:
        for _ in range(START_TRIES):
            if self._came_up(self._launch()):
                self.sql("select 1")
                return
            time.sleep(START_PAUSE)
        raise say.Stop(f"PostgreSQL did not start. The end of {self.log}:\n{shell.tail(self.log)}")

    def _came_up(self, child: subprocess.Popen[bytes]) -> bool:
        processes.wait_until(
            lambda: bool(postgres_data.ready_port(self.data)) or child.poll() is not None,
            timeout=START_SECONDS,
        )
        return bool(postgres_data.ready_port(self.data))

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = SETTINGS | {"port": str(ports.kept(self.folder / "port"))}
        settings["unix_socket_directories"] = str(self.socket_folder or "")
        settings |= FOR_TESTS if self.is_for_tests else {}
        command = [self.binaries["postgres"], "-D", str(self.data)]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("a") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self.owner.popen_arguments(),
            )


def stop(data: Path, *, grace: float = 10) -> None:
    """Fast: sessions are cut, everything committed is on disk. Then harder, if it does not listen."""
    pid = postgres_data.running_pid(data)
    if pid:
        processes.end(pid, (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), grace=grace)
