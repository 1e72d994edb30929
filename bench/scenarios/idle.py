"""What one display on a wall asks for while nothing happens: a real Chromium, a minute, an hour's worth.

Requests are counted twice: by the browser, and by gunicorn's access log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, WebSocket, sync_playwright

from bench.figures import ROUNDS, Figure
from bench.programs import Web, web
from bench.world import Line, World
from clinic_web.kernel.db import db
from clinic_web.reception.models import Display
from clinic_web.reception.service import displays
from clinic_web.reception.service.displays import Pairing

SECONDS = 60 if ROUNDS >= 5 else 20
HOUR = 3600
PATIENCE = 15_000
LOG = Path(__file__).parents[2] / ".local" / "log" / "bench-access.log"


@dataclass
class Traffic:
    """What the browser asked for and what came to it without asking."""

    requests: list[str] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        self.requests.append(socket.url)
        socket.on("framereceived", lambda frame: self.frames.append(len(frame)))


def run(world: World) -> list[Figure]:
    line = world.line(doctors=2)
    world.waiting(line, 5)
    LOG.unlink(missing_ok=True)
    with web("wsgi:app", world.env | {"ACCESS_LOG": str(LOG)}) as ours, _chromium() as browser:
        page = browser.new_page()
        traffic = Traffic()
        traffic.watch(page)
        _pair(world, line, page, ours)
        logged = _logged()
        traffic.requests.clear()
        traffic.frames.clear()
        page.wait_for_timeout(SECONDS * 1000)
        state = page.locator("html").get_attribute("data-state")
        return [_figure(traffic, _logged() - logged, state)]


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM"), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield browser
        browser.close()


def _pair(world: World, line: Line, page: Page, ours: Web) -> None:
    """Open the board, approve its code as a desk does, and wait until it is live."""
    page.goto(f"http://localhost:{ours.port}/board")
    code = db.session.query(Display.pairing_code).filter(Display.pairing_code.is_not(None)).scalar()
    db.session.rollback()
    desk = world.person("receptionist")
    displays.pair(desk.actor, Pairing(code=code, queue_id=line.queue_id, name="Idle"), key=code)
    page.wait_for_selector(".wall", timeout=PATIENCE)
    page.wait_for_selector("html[data-state=live]", timeout=PATIENCE)
    time.sleep(5)  # the first tick


def _logged() -> int:
    return len(LOG.read_text().splitlines()) if LOG.exists() else 0


def _figure(traffic: Traffic, logged: int, state: str | None) -> Figure:
    asked = max(len(traffic.requests), logged)
    heard = f"{len(traffic.frames)} messages of {sum(traffic.frames)} bytes in all pushed to it"
    return Figure(
        what="one idle display: requests in an hour",
        ours=f"{asked * HOUR / SECONDS:.0f}",
        floor="0",
        reach="0",
        is_met=asked == 0 and state == "live",
        rests_on=f"{SECONDS} s of Chromium, still {state}; {heard}",
    )
