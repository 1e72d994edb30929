"""The checks of secrets, risky calls and other people's weaknesses find what they are for."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from dev import lock, places
from dev.safety import advisories, bill, secret_scan
from dev.safety.seen import Seen, files_below

TODAY = date(2026, 11, 21)
KEY = "AKIA" + "QWERTYUIOPASDFGH"  # in two parts, or the check would find it here


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f'key = "{KEY}"', "AWS Access Key"),
        ("postgresql://clinic:hunter22" + "@db/clinic", "Basic Auth Credentials"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "Private Key"),
        ('password: "oWx7' + 'kPq2vLr9"', "Secret Keyword"),
    ],
)
def test_a_secret_in_a_file_is_found(tmp_path: Path, line: str, kind: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(f"{line}\n")
    assert kind in {each.kind for each in secret_scan.look([file], tmp_path)}


def test_what_is_excused_still_stands_where_it_was() -> None:
    """A reason whose line is gone would excuse the next secret of the same words."""
    import tomllib

    known = {(each["file"], each["mark"]) for each in tomllib.loads(secret_scan.KNOWN.read_text())["known"]}
    files = [places.ROOT / name for name in sorted({file for file, _ in known})]
    assert known <= {(each.file, each.mark) for each in secret_scan.look(files, places.ROOT)}


def test_a_file_is_looked_at_again_only_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("one")
    kept = {"root": tmp_path, "folder": tmp_path / ".local"}
    Seen("check", "settings", **kept).remember([file])
    assert Seen("check", "settings", **kept).unseen([file]) == []
    assert Seen("check", "other settings", **kept).unseen([file]) == [file]
    file.write_text("two")
    assert Seen("check", "settings", **kept).unseen([file]) == [file]
    assert list(files_below(tmp_path)) == [file]


def test_bandit_runs_with_our_settings(tmp_path: Path) -> None:
    risky = tmp_path / "risky.py"
    risky.write_text("import yaml\nyaml.load(open('x'))\n")
    command = [sys.executable, "-m", "bandit", "-q", "-c", str(places.ROOT / "pyproject.toml"), str(risky)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "B506" in done.stdout


def _said(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": packages})


WEAK = {"name": "flask", "version": "0.1", "vulns": [{"id": "GHSA-1", "fix_versions": []}]}
UNKNOWN = {"name": "flask", "skip_reason": "not found"}


def test_a_known_weakness_fails_until_somebody_accepts_it(capsys: pytest.CaptureFixture[str]) -> None:
    answer = advisories.read(_said(WEAK, UNKNOWN))
    assert advisories.judge(answer, set(), TODAY) == 1
    assert "flask 0.1: GHSA-1" in capsys.readouterr().out
    assert advisories.judge(answer, {"GHSA-1"}, TODAY) == 0


@pytest.mark.parametrize("said", [None, _said(UNKNOWN)])
def test_without_advisory_data_the_check_passes_and_says_so(
    said: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(advisories, "ask", lambda: said)
    monkeypatch.setattr(advisories, "ASKED", tmp_path / "asked")
    assert advisories.main() == 0
    assert "NOT CHECKED" in capsys.readouterr().out
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("name", lock.LOCKED)
def test_the_lock_names_what_the_requirement_files_name(name: str) -> None:
    """Somebody changed a requirement file and forgot `make lock`?"""
    text = (places.ROOT / name).read_text()
    wanted = lock.pins(text)
    if "-r requirements.txt" in text:
        wanted |= lock.pins((places.ROOT / "requirements.txt").read_text())
    locked = lock.of(places.ROOT / name).read_text()
    assert lock.pins(locked) == wanted
    assert "http" not in locked
    assert locked.count(" \\\n") == locked.count("--hash=sha256:")


def test_the_bill_lists_each_package_once_with_its_hashes() -> None:
    python = (places.ROOT / "requirements.lock").read_text()
    npm = (places.ROOT / "package-lock.json").read_text()
    components = bill.of_locks(python, npm)["components"]
    names = {each["purl"] for each in components}
    assert len(names) == len(components)
    assert all(each["hashes"] for each in components)
    assert {f"pkg:pypi/{name}@{version}" for name, version in lock.pins(python).items()} <= names
    assert any(name.startswith("pkg:npm/htmx.org@") for name in names)
    assert not any("axe-core" in name for name in names)  # of the tests, not of the image
