"""The launcher's commands, and the one place where its sentences for people end."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

from dev import (
    assets,
    chromium,
    launcher,
    lock,
    places,
    prove,
    python_env,
    run,
    say,
    servers,
    supervise,
    words,
)
from dev.safety import asvs, bill

REBUILT = (
    ".venv",
    "node_modules",
    "static/vendor",
    ".local/tools",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".import_linter_cache",
    ".hypothesis",
)


def start(arguments: list[str]) -> int:
    """run             install what is missing, start everything, print the logins and `ready: <address>`"""
    run.run()
    return 0


def test(arguments: list[str]) -> int:
    """test [args]     prove everything; with arguments for pytest, only the tests they name"""
    return prove.test(arguments)


def lint(arguments: list[str]) -> int:
    """lint            the static checks alone: rules, format, types, import contracts, secrets, weaknesses"""
    return prove.lint()


def bench(arguments: list[str]) -> int:
    """bench [args]    measure the program beside its floors (python -m bench)"""
    return _module_beside_servers("bench", arguments)


def attack(arguments: list[str]) -> int:
    """attack [args]   attack the running program, thousands of ways (python -m attack)"""
    return _module_beside_servers("attack", arguments)


def chaos(arguments: list[str]) -> int:
    """chaos [args]    drive orders while the program is killed and frozen (python -m chaos)"""
    python_env.ensure(development=True)
    command = [str(places.PYTHON), "-m", "chaos", *arguments]
    return subprocess.run(command, cwd=places.ROOT, check=False).returncode


def mutants(arguments: list[str]) -> int:
    """mutants [names] deliberate bugs, one at a time, and what sees each (python -m chaos.mutants)"""
    return _module_beside_servers("chaos.mutants", arguments)


def shots(arguments: list[str]) -> int:
    """shots [args]    pictures of every page (python -m tests.browser.shots)"""
    return _module_beside_servers("tests.browser.shots", arguments)


def start_servers(arguments: list[str]) -> int:
    """servers [test]  bring up only the private servers (or those of the tests) and print their addresses"""
    home, given = (
        (places.TEST, prove.given_for_tests(os.environ)) if "test" in arguments else (places.RUN, os.environ)
    )
    python_env.ensure(development=False)
    servers.bring_up(servers.of(home, given))
    home.keep_mark.touch()
    say.plain(home.env_file.read_text().rstrip())
    return 0


def stop(arguments: list[str]) -> int:
    """stop            end a running program and every private server, those of the tests too"""
    launcher.stop_running()
    supervise.sweep(places.RUN)
    for home in (places.RUN, places.TEST):
        servers.stop(home)
    return 0


def make_assets(arguments: list[str]) -> int:
    """assets          fetch the browser libraries into static/vendor"""
    python_env.ensure(development=False)
    assets.ensure()
    return 0


def collect_words(arguments: list[str]) -> int:
    """words [language]  collect the texts to translate into the catalogues, and compile them"""
    python_env.ensure(development=True)
    words.collect(arguments)
    return 0


def write_lock(arguments: list[str]) -> int:
    """lock            note the hashes of all packages, after a change of a requirement file"""
    python_env.ensure(development=False)
    lock.write()
    return 0


def write_sbom(arguments: list[str]) -> int:
    """sbom            write the software bill of materials (CycloneDX) to .local/sbom.json"""
    say.plain(f"{bill.write()} components in {bill.FILE.relative_to(places.ROOT)}")
    return 0


def write_security(arguments: list[str]) -> int:
    """security        write the list of docs/security.md from docs/security/asvs.tsv"""
    asvs.write()
    return 0


def clean(arguments: list[str]) -> int:
    """clean [data]    stop all, remove what can be made again; with `data` the databases too"""
    stop([])
    if "data" in arguments:
        for home in (places.TEST, places.RUN):
            servers.remove(home)
    for name in REBUILT:
        shutil.rmtree(places.ROOT / name, ignore_errors=True)
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "run": start,
    "test": test,
    "lint": lint,
    "bench": bench,
    "attack": attack,
    "chaos": chaos,
    "mutants": mutants,
    "servers": start_servers,
    "stop": stop,
    "assets": make_assets,
    "shots": shots,
    "words": collect_words,
    "lock": write_lock,
    "sbom": write_sbom,
    "security": write_security,
    "clean": clean,
}


def main(arguments: list[str]) -> int:
    os.umask(0o022)  # the servers' account must be able to read their programs
    name = arguments[0] if arguments else "help"
    if name not in COMMANDS:
        say.plain("python3 -m dev <command>\n")
        say.plain("\n".join((command.__doc__ or "").strip() for command in COMMANDS.values()))
        return 0 if name == "help" else 2
    try:
        return COMMANDS[name](arguments[1:])
    except say.Stop as sentence:
        say.plain(f"\n{sentence}")
        return 1
    except PermissionError as refused:
        say.plain(f"\n{refused.filename} belongs to another account: run this as that one, or remove it.")
        return 1
    except KeyboardInterrupt:
        return 130


def _module_beside_servers(module: str, arguments: list[str]) -> int:
    """Runs one of the program's own modules beside the servers of the tests."""
    path = places.ROOT.joinpath(*module.split("."))
    if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists()):
        raise say.Stop(f"There is no module {module} yet.")
    python_env.ensure(development=True)
    assets.ensure()
    browser = chromium.find()
    with prove.test_servers() as env:
        command = [str(places.PYTHON), "-m", module, *arguments]
        return subprocess.run(
            command,
            env=env | {"CHROMIUM": browser},
            cwd=places.ROOT,
            check=False,
        ).returncode
