"""`make run`: from a bare checkout to a running program, and down again without leaving anything behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from dev import (
    assets,
    launcher,
    migrate,
    places,
    ports,
    python_env,
    say,
    servers,
    shell,
    supervise,
    web,
    words,
)

DEMO = [str(places.PYTHON), "-m", "flask", "--app", "wsgi", "demo", "ensure"]
SETUP_KEY = [str(places.PYTHON), "-m", "flask", "--app", "wsgi", "setup", "key"]
WEB = [str(places.PYTHON), "-m", "gunicorn", "wsgi:app", "-c", "gunicorn.conf.py"]
WORKER = [str(places.PYTHON), "worker.py"]
WEB_GRACE, WORKER_GRACE = 8.0, 10.0
READY_SECONDS = 90.0
SERVER_CHECK_SECONDS, SERVER_RETRY_SECONDS = 1.0, 10.0
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Address:
    host: str
    port: int
    public_url: str


def address(environment: Mapping[str, str]) -> Address:
    text = environment.get("PORT") or "8000"
    if not text.isdigit() or not 0 < int(text) < 65_536:  # noqa: PLR2004 - the number of TCP ports
        raise say.Stop(f"PORT is {text!r}; it must be a number from 1 to 65535.")
    public_url = environment.get("PUBLIC_URL") or f"http://localhost:{int(text)}"
    return Address(environment.get("HOST") or "127.0.0.1", int(text), public_url.rstrip("/"))


def run() -> None:
    where = address(os.environ)
    _end_by_signals()
    with launcher.only_one(where.public_url):
        supervise.sweep(places.RUN)
        _check_port(where)
        python_env.ensure(development=False)
        assets.ensure()
        words.ensure_compiled()
        with _running_servers() as private:
            env = program_environment(private, where)
            migrate.ensure(env, private.postgres)
            wizard = "" if wants_demo(os.environ) else _wizard_address(env)
            if wants_demo(os.environ):
                _ensure_demo(env)
            with _running_children(env) as children:
                _wait_until_ready(children, where)
                _greet(where, wizard)
                _tend_until_told(children, private)


def program_environment(private: servers.Servers, where: Address) -> dict[str, str]:
    """What the program's own processes find in their environment."""
    return {
        "APP_ENV": "development",
        **os.environ,
        **private.addresses(),
        "HOST": where.host,
        "PORT": str(where.port),
        "PUBLIC_URL": where.public_url,
        "DEMO_LOGINS_FILE": str(places.RUN.logins_file),
        "PYTHONUNBUFFERED": "1",
    }


def _end_by_signals() -> None:
    """A polite kill takes the same way out as Ctrl-C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in ENDING_SIGNALS:
        signal.signal(number, interrupt)


def _finish_undisturbed() -> None:
    """From here on a second Ctrl-C must not tear the clean end apart."""
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    launcher.say_stopping()


def _check_port(where: Address) -> None:
    if not ports.is_free(where.port, where.host):
        raise say.Stop(
            f"Port {where.port} is taken by another program. "
            f"Choose another one: make run PORT={where.port + 1}"
        )


@contextmanager
def _running_servers() -> Iterator[servers.Servers]:
    private = servers.of(places.RUN)
    try:
        servers.bring_up(private)
        yield private
    finally:
        _finish_undisturbed()
        if (private.postgres or private.valkey) and not places.RUN.keep_mark.exists():
            say.line("stopping the servers")
            servers.stop(places.RUN)


def _ensure_demo(env: Mapping[str, str]) -> None:
    with say.step("looking after the demo centre"):
        # In the open: the first time it takes a while and shows how far it is.
        made = subprocess.run(
            DEMO,
            env=env,
            cwd=places.ROOT,
            umask=0o077,
            check=False,
        )
    if made.returncode != 0:
        raise say.Stop("The demo centre could not be made; the reason stands above.")


def wants_demo(environment: Mapping[str, str]) -> bool:
    """Whether to make the demo centre: yes, unless DEMO=no says otherwise."""
    return environment.get("DEMO", "yes").lower() not in {"no", "0", "false", "off"}


def _wizard_address(env: Mapping[str, str]) -> str:
    """The address that opens the first-run wizard; empty where somebody has set the program up."""
    made = subprocess.run(SETUP_KEY, env=env, cwd=places.ROOT, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        raise say.Stop(f"The key of the set-up could not be made:\n{made.stderr.strip()}")
    return made.stdout.strip()


@contextmanager
def _running_children(env: Mapping[str, str]) -> Iterator[list[supervise.Child]]:
    # Only migrations need the owner's rights; what serves people works without them.
    own = {name: value for name, value in env.items() if name != "DATABASE_OWNER_URL"}
    children = [
        supervise.Child("web", WEB, own, grace=WEB_GRACE),
        supervise.Child("worker", WORKER, own, grace=WORKER_GRACE),
    ]
    try:
        say.line("starting web and worker")
        for child in children:
            child.start()
        yield children
    finally:
        _finish_undisturbed()
        say.line("stopping web and worker")
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop()


def _wait_until_ready(children: list[supervise.Child], where: Address) -> None:
    until = time.monotonic() + READY_SECONDS
    while not web.is_ready(where.host, where.port):
        for child in children:
            child.tend()
        supervise.give_up_if_broken(children)
        if time.monotonic() > until:
            raise say.Stop(
                f"The web process is not ready after {READY_SECONDS:.0f} s. The end of its log:\n"
                f"{shell.tail(children[0].log)}"
            )
        time.sleep(0.1)


def _greet(where: Address, wizard: str) -> None:
    say.line("everything runs; logs are in .local/log, addresses in .local/env; Ctrl-C stops it all")
    if wizard:
        say.plain(f"\nNothing is set up yet. This address opens the set-up, once:\n{wizard}\n")
    table = web.logins_table(places.RUN.logins_file, where.public_url)
    if table:
        say.plain(f"\n{table}\n")
    say.plain(f"ready: {where.public_url}")


def _mend_or_pause(private: servers.Servers) -> float:
    """A server that cannot start now (a full disk, say) is tried again later; what serves goes on serving."""
    try:
        private.mend()
    except say.Stop as sentence:
        say.line(str(sentence))
        return SERVER_RETRY_SECONDS
    return 0.0


def _tend_until_told(children: list[supervise.Child], private: servers.Servers) -> None:
    """Until Ctrl-C, a polite kill, or the death of the `make` that started us."""
    parent, next_check = os.getppid(), 0.0
    try:
        while not (os.environ.get("MAKELEVEL") and os.getppid() != parent):
            for child in children:
                child.tend()
            if time.monotonic() >= next_check:
                next_check = time.monotonic() + SERVER_CHECK_SECONDS
                next_check += _mend_or_pause(private)
            time.sleep(0.2)
    except KeyboardInterrupt:
        say.plain()
