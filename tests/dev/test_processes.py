"""Process numbers, kept with what proves them; ports and locks."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dev import locks, ports, postgres_data, processes, secretsfile, stamps


@pytest.fixture
def sleeper():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield child
    child.kill()
    child.wait()


def test_a_noted_process_is_found_again(sleeper, tmp_path: Path) -> None:
    processes.remember(tmp_path / "note", sleeper.pid)
    assert processes.left_over(tmp_path / "note") == [sleeper.pid]


def test_a_number_that_now_belongs_to_a_stranger_is_left_alone(sleeper, tmp_path: Path) -> None:
    note = tmp_path / "note"
    note.write_text(json.dumps({"pid": sleeper.pid, "started": "long ago"}))
    assert processes.left_over(note) == []


def test_a_broken_note_means_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("{")
    assert processes.left_over(tmp_path / "note") == []


def test_a_killed_process_that_nobody_waited_for_is_not_alive(sleeper) -> None:
    sleeper.kill()
    assert processes.wait_until(lambda: not processes.alive(sleeper.pid), timeout=5)


def test_a_noted_port_is_kept_while_it_is_free(tmp_path: Path) -> None:
    first = ports.kept(tmp_path / "port")
    assert ports.kept(tmp_path / "port") == first


def test_a_noted_port_that_is_taken_is_changed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        (tmp_path / "port").write_text(str(taken))
        assert ports.kept(tmp_path / "port") != taken


def test_a_lock_is_taken_once(tmp_path: Path) -> None:
    first = locks.try_take(tmp_path / "lock")
    assert first is not None
    assert locks.try_take(tmp_path / "lock") is None
    first.close()
    assert locks.is_free(tmp_path / "lock")


def test_generated_secrets_are_kept_and_private(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = secretsfile.generated(file, ("a",))
    assert secretsfile.generated(file, ("a", "b"))["a"] == first["a"]
    assert len(first["a"]) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_changed_file_breaks_its_stamp(tmp_path: Path) -> None:
    file, stamp = tmp_path / "list", tmp_path / "made" / ".stamp"
    file.write_text("one")
    stamps.keep(stamp, stamps.of_files([file]))
    assert stamps.matches(stamp, stamps.of_files([file]))
    file.write_text("two")
    assert not stamps.matches(stamp, stamps.of_files([file]))


def test_a_half_written_postmaster_file_names_no_server(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text("12\n/data\n")
    assert postgres_data.pid_file(tmp_path) == (12, 0, "")


def test_a_postmaster_file_older_than_a_crash_names_no_server(tmp_path: Path) -> None:
    lines = [os.getpid(), tmp_path, 1, 5432, "", "127.0.0.1", "", "ready"]
    (tmp_path / "postmaster.pid").write_text("\n".join(map(str, lines)))
    assert postgres_data.ready_port(tmp_path) is None  # the number is ours by now, and we serve no data
