"""`make test` and `make lint`: everything that proves the program, with a summary at the end."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev import assets, chromium, locks, places, python_env, say, servers, words

BIN = places.VENV / "bin"
USERS = places.TEST.run_folder / "users.lock"
CONTRACTS = places.ROOT / ".importlinter"
AXE = places.NODE_MODULES / "axe-core" / "axe.min.js"


@dataclass(frozen=True)
class Check:
    """``is_slow``: more than a few seconds. ``after``: what must be over before it begins."""

    name: str
    command: list[str]
    is_slow: bool = False
    after: Future[None] | None = None


@dataclass(frozen=True)
class Result:
    name: str
    passed: bool
    seconds: float


def lint() -> int:
    python_env.ensure(development=True)
    began = time.monotonic()
    return _report(_side_by_side(static_checks(), os.environ), began)


def test(pytest_arguments: list[str]) -> int:
    """With arguments only pytest runs: then somebody works on one thing and wants its answer quickly."""
    python_env.make()  # may ask apt, which does one thing at a time
    with ThreadPoolExecutor(max_workers=2) as beside:
        prepared = beside.submit(chromium.prepare)
        python_env.ensure(development=True)
        compiled = None if pytest_arguments else beside.submit(_compile_tests)
        assets.ensure()
        words.ensure_compiled()
        prepared.result()
        browser = chromium.find()
        with test_servers() as env:
            env["CHROMIUM"] = browser
            tests = Check("tests", _pytest(pytest_arguments), after=compiled)
            began = time.monotonic()
            return _report([_perform(tests, env)] if pytest_arguments else _all_checks(tests, env), began)


def _compile_tests() -> None:
    """Let pytest find the tests once, beside the servers' start: it compiles them and the program while it
    looks, which each of its processes would do anew. Whether they can be found at all is told later."""
    command = [_tool("pytest"), "--collect-only", "-qq", "-p", "no:cacheprovider", "-p", "no:xdist"]
    subprocess.run(command, cwd=places.ROOT, capture_output=True, check=False)


def _all_checks(tests: Check, env: Mapping[str, str]) -> list[Result]:
    """The slow ones beside the tests, which often wait."""
    return _side_by_side([*static_checks(), tests], env)


def _side_by_side(checks: list[Check], env: Mapping[str, str]) -> list[Result]:
    """One after the other; the slow ones meanwhile behind them, and what they said at the end."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        beside = [pool.submit(_perform_quietly, check, env) for check in checks if check.is_slow]
        done = [_perform(check, env) for check in checks if not check.is_slow]
        for each in beside:
            result, said = each.result()
            say.line(result.name)
            say.plain(said)
            done.append(result)
    return done


def static_checks() -> list[Check]:
    checks = [
        Check("ruff: rules", [_tool("ruff"), "check", "."]),
        Check("ruff: format", [_tool("ruff"), "format", "--check", "."]),
        Check("mypy: types", [_tool("mypy")], is_slow=True),
        Check("bandit: risky calls", _own("code_scan"), is_slow=True),
        Check("secrets in files", _own("secret_scan"), is_slow=True),
        Check("known weaknesses", _own("advisories"), is_slow=True),
    ]
    if CONTRACTS.exists():
        checks.append(Check("import contracts", [_tool("lint-imports")]))
    return checks


@contextmanager
def test_servers() -> Iterator[dict[str, str]]:
    """Servers of the tests' own, shared by test runs that overlap; whoever ends last stops them."""
    private = servers.of(places.TEST, given_for_tests(os.environ))
    with locks.shared(USERS):
        servers.bring_up(private)
        yield test_environment(os.environ, private.addresses())
    last = locks.try_take(USERS)
    if last is not None:
        if not places.TEST.keep_mark.exists():
            servers.stop(places.TEST)
        last.close()


def given_for_tests(environment: Mapping[str, str]) -> dict[str, str]:
    """The servers given for tests under the names of the program's own; those given for `run` never count."""
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    return {name: environment[f"TEST_{name}"] for name in names if environment.get(f"TEST_{name}")}


def test_environment(environment: Mapping[str, str], addresses: Mapping[str, str]) -> dict[str, str]:
    """For pytest: the tests' servers, and none of the addresses that a person works with."""
    env = {name: value for name, value in environment.items() if name not in addresses}
    keys = {name: value for name, value in addresses.items() if name in servers.KEYS}
    env |= {f"TEST_{name}": value for name, value in addresses.items() if name not in keys}
    return env | {"APP_ENV": "test", "AXE_SCRIPT": str(AXE)} | keys


def _pytest(arguments: list[str]) -> list[str]:
    """One process more than there are cores, as some always wait, unless the arguments say how many.

    Whoever is done takes over half of what the slowest has before it, so that all end together.
    """
    if any(word.startswith(("-n", "--numprocesses", "--pdb")) for word in arguments):
        return [_tool("pytest"), *arguments]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [_tool("pytest"), "-n", str(cores + 1), "--dist", "worksteal", *arguments]


def _perform(check: Check, env: Mapping[str, str]) -> Result:
    if check.after:
        check.after.result()
    say.line(check.name)
    began = time.monotonic()
    done = subprocess.run(check.command, env=env, cwd=places.ROOT, check=False)
    return Result(check.name, done.returncode == 0, time.monotonic() - began)


def _perform_quietly(check: Check, env: Mapping[str, str]) -> tuple[Result, str]:
    """The same without a word, and what there would have been to read."""
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        env=env,
        cwd=places.ROOT,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    return Result(check.name, done.returncode == 0, time.monotonic() - began), done.stdout.rstrip()


def _report(results: list[Result], began: float) -> int:
    """One line for each check; the last says how long all took, some of them side by side."""
    rows = [
        {
            "check": result.name,
            "result": "passed" if result.passed else "FAILED",
            "seconds": f"{result.seconds:6.1f}",
        }
        for result in results
    ]
    rows.append({"check": "all", "result": "", "seconds": f"{time.monotonic() - began:6.1f}"})
    say.plain("\n" + say.table(rows, ["check", "result", "seconds"]))
    return 0 if all(result.passed for result in results) else 1


def _own(name: str) -> list[str]:
    return [str(places.PYTHON), "-m", f"dev.safety.{name}"]


def _tool(name: str) -> str:
    return str(Path(BIN, name))
