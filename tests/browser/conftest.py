"""A real program under gunicorn, a real worker, real Chromium: the whole house, on a database of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from clinic_web.app import create_app
from clinic_web.config import Settings
from clinic_web.identity import api as identity
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests import databases
from tests.browser.rest import JOINS, settle
from tests.cast import PASSWORD, Cast
from tests.conftest import empty_tables, rows_of_the_cast
from tests.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
# Only a machine that has other work, too, lets one wait so long; it promises nothing of how quick a thing is.
PATIENCE = 120.0
METRICS_TOKEN = "tests-only-tests-only-tests-only-metrics"
expect.set_options(timeout=30_000)


@dataclass
class House:
    """The running program: ``url`` for browsers, its processes for whoever wants to kill them."""

    url: str
    env: dict[str, str]
    cast: Cast
    app: Flask
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        command = {
            "web": [sys.executable, "-m", "gunicorn", "wsgi:app", "-c", "gunicorn.conf.py"],
            "worker": [sys.executable, "worker.py"],
        }[name]
        with open(Path(self.env["LOG_FOLDER"]) / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """SIGKILL the process and all its children at once."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"{self.url}/readyz", timeout=2).close()  # noqa: S310 - our own address
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("the web process does not answer")

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def sign_in(house: House, context: BrowserContext, name: str) -> None:
    """Give the browser a session of the person's, as the sign-in page does, in place of what it has."""
    signer = SecureCookieSessionInterface().get_signing_serializer(house.app)
    assert signer is not None
    with house.app.app_context():
        token = identity.open_session(house.cast.people[name].user_id)
    cookie = signer.dumps({"_user_id": token, "_fresh": True})
    context.add_cookies(
        [{"name": house.app.config["SESSION_COOKIE_NAME"], "value": cookie, "url": house.url}]
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The program on a database of its own, started once; tests begin with empty tables (``house``)."""
    name = f"clinic_browser_{os.getpid()}"
    databases.create_copy(name)
    port = free_port()
    settings = Settings(
        environment="test",
        secret_key="tests-only-tests-only-tests-only-tests",
        secret_store_key="only-tests-only-tests-only-tests-only",
        database_url=databases.app_url(name),
        database_owner_url=databases.owner_url(name),
        redis_url=databases.redis_url_of_a_house(),
        public_url=f"http://localhost:{port}",
        pool_size=5,
        log_level="WARNING",
    )
    env = os.environ | {
        "APP_ENV": "test",
        "SECRET_KEY": settings.secret_key,
        "SECRET_STORE_KEY": settings.secret_store_key,
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.database_owner_url,
        "REDIS_URL": settings.redis_url,
        "PUBLIC_URL": settings.public_url,
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "LOG_FOLDER": str(tmp_path_factory.mktemp("log")),
        # As talkative as can be: test_no_patient_leaks_out.py looks through all of it.
        "LOG_LEVEL": "DEBUG",
        "ACCESS_LOG": "-",
        "METRICS_TOKEN": METRICS_TOKEN,
    }
    house = House(settings.public_url, env, Cast.__new__(Cast), create_app(settings, is_worker=True))
    with house.app.app_context():
        identity.ensure_permissions()
    house.start("web")
    house.start("worker")
    house.wait_until_it_answers()
    yield house
    house.stop()
    with house.app.app_context():
        db.engine.dispose()
    databases.drop(name)


@pytest.fixture(scope="session")
def snapshot_here(running: House) -> Snapshot:
    empty_tables(running.app)
    return rows_of_the_cast(running.app)


@pytest.fixture
def house(running: House, snapshot_here: Snapshot) -> Iterator[House]:
    """The running program with the cast in it and nothing else."""
    empty_tables(running.app)
    with running.app.app_context(), transaction():
        running.cast = snapshot_here.lay_out()
    for name in ("web", "worker"):
        if name not in running.processes:
            running.start(name)
    running.wait_until_it_answers()
    with running.app.app_context():
        yield running
        db.session.remove()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        args=[
            "--no-sandbox",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    )
    yield browser
    browser.close()


@pytest.fixture
def new_tab(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A tab in a new browser, of whom nobody knows anything; keyword arguments go to its context.

    A script error on the page fails the test.
    """
    opened: list[BrowserContext] = []

    def open_tab(**options: object) -> Page:
        context = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        opened.append(context)
        context.add_init_script(JOINS)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
        return page

    yield open_tab
    for context in opened:
        context.close()


@pytest.fixture
def browser_of(house: House, new_tab: Callable[..., Page]) -> Callable[..., Page]:
    """``browser_of("amina")`` is a browser in which Amina is signed in, and returns its tab.

    ``by_hand=True`` signs her in by the sign-in page, which leads to where she works; else the tab is empty.
    ``browser_of(None)`` is a browser in which nobody is signed in. Keyword arguments go to the context
    (viewport, java_script_enabled, locale ...).
    """

    def open_browser(name: str | None, *, by_hand: bool = False, **options: object) -> Page:
        page = new_tab(**options)
        if name is not None and not by_hand:
            sign_in(house, page.context, name)
        elif name is not None:
            page.goto(f"{house.url}/login")
            page.fill("[name=username]", name)
            page.fill("[name=password]", PASSWORD)
            page.click("main form:first-of-type button[type=submit]")
            page.wait_for_url(lambda url: "/login" not in url)
        return page

    return open_browser


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script."""
    path = Path(os.environ.get("AXE_SCRIPT") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
    return path.read_text(encoding="utf-8")


@pytest.fixture
def problems_of(axe: str) -> Callable[[Page], list[str]]:
    """Return what axe finds on a settled page against WCAG 2.2 A and AA, a line each; empty is right."""

    def find(page: Page) -> list[str]:
        settle(page)
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe)
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        found = page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
            ".then(r => r.violations)",
            tags,
        )
        return [f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']])}" for each in found]

    return find
