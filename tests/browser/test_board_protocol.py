"""board.js against a scripted server, by a clock of our own: what it applies, ignores and heals."""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, render_template
from playwright.sync_api import Browser, Error, Page, Route

from clinic_web.kernel import ids
from clinic_web.reception.board_stream import Snapshot
from clinic_web.reception.board_words import context, two
from clinic_web.reception.queries import board
from clinic_web.reception.queries.displays import Look, Screen

pytestmark = pytest.mark.browser

WALL = "http://wall.test"
STATIC = Path(__file__).parents[2] / "static"
STEP = 1500
UNSEEN = ("bootstrap.min.css", ".woff2", ".svg", "tokens.css", "parts.css")
NOON = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)  # 12:00 in Cairo
MIDNIGHT = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)

FAKE_SOCKET = """
window.io = () => { setTimeout(() => window.wire.connect(), 1); return window.wire; };
window.wire = {
  connected: false, active: true, heard: {}, forced: 0,
  on(event, listener) { (this.heard[event] ||= []).push(listener); },
  tell(event, ...what) { for (const listener of this.heard[event] || []) listener(...what); },
  timeout() { return { emit: (event, message, answer) => this.join(message.topic, answer) }; },
  join(topic, answer) { setTimeout(() => answer(null, window.standing(topic)), 5); },
  connect() { setTimeout(() => this.open(), 5); },
  open() { if (window.isUp && !this.connected) { this.connected = true; this.tell("connect"); } },
  disconnect() { this.forced += 1; this.connected = false; this.tell("disconnect", "io client disconnect"); },
  cut() { this.connected = false; this.tell("disconnect", "transport close"); },
};
window.said = [];
const speaks = { speak: (words) => window.said.push(words.text) };
Object.defineProperty(window, "speechSynthesis", { value: speaks });
window.isUp = true;
window.at = {};
window.nowhere = { seq: 0, epoch: null };
window.usual = { epoch: "e1", seq: 7 };
window.place = (topic) => topic.startsWith("board:") ? window.at[topic] || window.usual : window.nowhere;
window.standing = (topic) => ({ ok: true, ...window.place(topic) });
window.flying = 0;
const really = window.fetch;
window.fetch = async (...what) => {
  window.flying += 1;
  try {
    const answer = await really(...what), body = await answer.json();
    body.server_time = new Date().toISOString();
    const told = new Response(JSON.stringify(body), { status: answer.status });
    told.json = async () => body;  // read already, so that it is taken in when nothing flies any more
    return told;
  }
  finally { window.flying -= 1; }
};
"""


def picture(says: str, called_at: datetime | None = None) -> str:
    called = f' data-called-at="{called_at.isoformat()}"' if called_at else ""
    return (
        f'<div class="wall"{called}><h2 class="lane">Dental</h2><section class="calls">'
        '<div class="call"><div class="t">'
        f'<div class="no">{says}</div></div><div class="door"><div class="say"><span>Room</span></div>'
        '<div class="no">3</div></div></div></section></div>'
    )


@dataclass
class Wall:
    """A board in a browser, and the server as it pretends to be."""

    page: Page
    snapshot: dict[str, Any]
    topics: list[str]
    parts: list[dict[str, Any]]
    status: int = 200
    asked: int = 0
    pages: int = 0
    document: str = ""
    is_styled: bool = False  # most tests do not ask how it looks
    other: list[str] = field(default_factory=list)
    wanted: list[list[str]] = field(default_factory=list)

    def told(self, topics: list[str]) -> str:
        """The answer for some of the parts, or all: flat where the board has one line only."""
        parts = [part for part in self.parts if part["topic"] in topics] or self.parts
        return json.dumps(parts[0] | self.snapshot if len(parts) == 1 else self.snapshot | {"parts": parts})

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(WALL).partition("?")[0]
        if path == "/board":
            self.pages += 1
            again = "<!doctype html><title>The next page</title>"
            route.fulfill(body=again if self.pages > 1 else self.document, content_type="text/html")
        elif path == "/board/snapshot":
            self.asked += 1
            self.wanted.append(parse_qs(urlsplit(route.request.url).query).get("part", []))
            body = self.told(self.wanted[-1])
            route.fulfill(status=self.status, body=body, content_type="application/json")
        elif path.endswith("socket.io.min.js"):
            route.fulfill(body=FAKE_SOCKET, content_type="text/javascript")
        elif not self.is_styled and path.endswith(UNSEEN):
            route.fulfill(body="", content_type="text/css")
        elif path.startswith("/static/"):
            file = STATIC / path.removeprefix("/static/")
            route.fulfill(
                body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/plain"
            )
        else:
            self.other.append(path)
            route.fulfill(status=404)

    def after(self, seconds: float) -> None:
        """Let the page's clock run, so that its timers fire in order, with real time for requests between."""
        left = int(seconds * 1000)
        while left > 0:
            self.page.clock.run_for(min(left, STEP))
            self.settle()
            left -= STEP

    def settle(self) -> None:
        """Wait until every request under way has been answered and its answer taken in."""
        try:
            while self.page.evaluate("window.flying"):
                self.page.wait_for_timeout(5)
            self.page.evaluate("1")
        except Error:  # the page has just been left for another
            self.page.wait_for_load_state()

    def now(self) -> datetime:
        return datetime.fromisoformat(self.page.evaluate("new Date().toISOString()"))

    def hears(
        self,
        prev: int,
        seq: int,
        says: str,
        *,
        epoch: str = "e1",
        called_at: datetime | None = None,
        line: int = 0,
    ) -> None:
        message = {
            "topic": self.topics[line],
            "epoch": epoch,
            "prev": prev,
            "seq": seq,
            "html": picture(says, called_at),
            "server_time": self.now().isoformat(),
            "valid_until": MIDNIGHT.isoformat(),
        }
        self.page.evaluate("message => wire.tell('board', message)", message)

    def ticks(self, *seqs: int, epoch: str = "e1", live: bool = True) -> None:
        standing = {
            topic: {"seq": seq, "epoch": epoch} for topic, seq in zip(self.topics, seqs, strict=False)
        }
        self.page.evaluate(
            "tick => wire.tell('tick', { ...tick, now: new Date().toISOString() })", standing | {"live": live}
        )

    def stands_at(self, seq: int, says: str, *, epoch: str = "e1", line: int = 0, **more: Any) -> None:
        """From now on the server's truth is this."""
        self.parts[line] |= {"epoch": epoch, "seq": seq, "html": picture(says)} | more
        at = {part["topic"]: {"epoch": part.get("epoch"), "seq": part.get("seq")} for part in self.parts}
        self.page.evaluate("at => { window.at = at }", at)

    def part(self, line: int) -> str:
        return self.page.locator(".part .wall .t .no").nth(line).inner_text()

    @property
    def shows(self) -> str:
        return self.page.inner_text(".part .wall .t .no")

    @property
    def state(self) -> str:
        return str(self.page.evaluate("document.documentElement.dataset.state"))


def opened(app: Flask, page: Page, lines: int, *, is_styled: bool = False) -> Wall:
    screen = paired(lines)
    parts = [{"topic": topic, "valid_until": MIDNIGHT.isoformat()} for topic in screen.topics]
    wall = Wall(page, {"page": "p1"}, screen.topics, parts, document=drawn(app, screen), is_styled=is_styled)
    page.clock.install(time=NOON)
    page.route("**/*", wall.answer)
    page.goto(f"{WALL}/board")
    page.clock.pause_at(NOON + timedelta(seconds=3))  # from here on only the test moves it
    for line in range(lines):
        wall.stands_at(7, "D-007", line=line)
    wall.after(1)
    return wall


@pytest.fixture
def wall(built_app: Flask, chromium: Browser) -> Iterator[Wall]:
    """A paired board that shows change 7 as D-007, live, at noon. No database: it is all scripted."""
    page = chromium.new_page()
    yield opened(built_app, page, 1)
    page.unroute_all(behavior="ignoreErrors")
    page.close()


@pytest.fixture
def two_lines(built_app: Flask, chromium: Browser) -> Iterator[Wall]:
    """The same with two lines, each of which stands at 7."""
    page = chromium.new_page()
    yield opened(built_app, page, 2)
    page.unroute_all(behavior="ignoreErrors")
    page.close()


def paired(lines: int) -> Screen:
    """A screen of so many lines."""
    queues = [
        board.Wall(
            queue_id=ids.new_id(),
            organization_id=ids.new_id(),
            facility_id=ids.new_id(),
            clinic_id=None,
            name="D",
            name_ar=None,
            privacy="NUMBER",
            variants=(board.Variant("en", "NUMBER", "LATN"),),
        )
        for _ in range(lines)
    ]
    return Screen(
        display_id=ids.new_id(),
        name="Hall",
        look=Look(voice="BOTH"),
        code=None,
        code_expires_at=NOON,
        walls=tuple(queues),
    )


def drawn(app: Flask, screen: Screen) -> str:
    """The board's page as the server draws it at noon."""
    with app.test_request_context("/board"):
        return render_template(
            "reception/board/page.html",
            **context("en"),
            screen=screen,
            page="p1",
            server_time=NOON,
            own_at="",
            parts=[
                Snapshot(topic=topic, epoch="e1", seq=7, html=picture("D-007"), valid_until=MIDNIGHT)
                for topic in screen.topics
            ],
            title=two("en", "Dental", "الأسنان"),
            note=None,
            timezone="Africa/Cairo",
        )


def test_an_idle_board_asks_for_nothing(wall: Wall) -> None:
    asked = wall.asked
    for _ in range(40):
        wall.after(5)
        wall.ticks(7)
    assert wall.state == "live" and wall.asked == asked and wall.pages == 1


def test_the_next_change_is_applied_and_an_old_one_ignored(wall: Wall) -> None:
    wall.hears(7, 8, "D-008")
    assert wall.shows == "D-008"
    wall.hears(6, 7, "D-OLD")
    wall.hears(7, 8, "D-TWICE")
    assert wall.shows == "D-008" and wall.asked == 0


def test_a_message_that_covers_a_burst_is_applied(wall: Wall) -> None:
    wall.hears(6, 11, "D-011")
    assert wall.shows == "D-011" and wall.asked == 0


def test_a_gap_fetches_the_snapshot(wall: Wall) -> None:
    wall.stands_at(9, "D-009")
    wall.hears(8, 9, "D-GAP")
    assert wall.shows == "D-007" and wall.state == "live"
    wall.after(0.5)
    assert wall.shows == "D-009" and wall.asked == 1


def test_another_epoch_fetches_the_snapshot_even_if_its_number_is_smaller(wall: Wall) -> None:
    wall.stands_at(3, "D-003", epoch="e2")
    wall.hears(2, 3, "D-X", epoch="e2")
    wall.after(0.5)
    assert wall.shows == "D-003"
    wall.hears(3, 4, "D-004", epoch="e2")
    assert wall.shows == "D-004"


def test_the_last_message_of_a_burst_lost_is_healed_by_the_tick(wall: Wall) -> None:
    wall.stands_at(8, "D-008")
    wall.ticks(8)
    wall.after(0.5)
    assert wall.shows == "D-008" and wall.asked == 1


def test_a_snapshot_older_than_what_is_shown_changes_nothing(wall: Wall) -> None:
    wall.stands_at(8, "D-008")
    wall.ticks(8)
    wall.hears(7, 9, "D-009")
    wall.after(0.5)
    assert wall.asked == 1 and wall.shows == "D-009"


def test_without_ticks_it_says_within_ten_seconds_since_when_it_is_not_live(wall: Wall) -> None:
    wall.page.evaluate("isUp = false")  # the socket seems connected, and nobody is there
    wall.ticks(7)
    wall.after(9)
    assert wall.state == "live"
    wall.after(1)
    assert wall.state == "stale"
    said = wall.page.inner_text(".off")
    assert "Not live since 12:00" in said
    assert not wall.page.is_visible(".say--now")


def test_a_half_open_socket_is_opened_anew(wall: Wall) -> None:
    wall.after(12)
    assert wall.page.evaluate("wire.forced") == 1 and wall.page.evaluate("wire.connected")
    assert wall.state == "live"


def test_cut_off_it_waits_a_moment_and_comes_back_with_the_truth(wall: Wall) -> None:
    wall.page.evaluate("isUp = false; wire.cut()")
    wall.after(1)
    assert wall.state == "live"
    wall.after(1.5)
    assert wall.state == "stale"
    wall.page.clock.fast_forward(300_000)
    wall.stands_at(307, "D-307")
    wall.page.evaluate("isUp = true; wire.connect()")
    wall.page.clock.run_for(6)
    assert wall.state == "stale"  # connected, but not yet proven: yellow is never stale
    for _ in range(2):  # what it asked for just before it was joined again, it asks for once more
        wall.after(0.6)
    assert wall.state == "live" and wall.shows == "D-307"
    assert wall.asked <= 2  # a snapshot or two, not 300 messages


def test_while_the_snapshot_fails_it_is_not_live_and_tries_again(wall: Wall) -> None:
    wall.stands_at(9, "D-009")
    wall.status = 503
    wall.hears(8, 9, "D-GAP")
    wall.after(3)
    assert wall.state == "stale" and wall.shows == "D-007" and wall.asked >= 2
    wall.status = 200
    for _ in range(4):
        wall.ticks(9)
        wall.after(2)
    assert wall.state == "live" and wall.shows == "D-009"


def test_redis_away_it_is_not_live_but_keeps_healing(wall: Wall) -> None:
    wall.ticks(7, live=False)
    assert wall.state == "stale"
    wall.stands_at(8, "D-008")
    wall.ticks(8, live=False)
    wall.after(0.5)
    assert wall.shows == "D-008" and wall.state == "stale"
    wall.ticks(8)
    assert wall.state == "live"


def test_a_tick_that_does_not_vouch_for_this_board_proves_nothing(wall: Wall) -> None:
    for _ in range(3):
        wall.page.evaluate(
            "wire.tell('tick', { 'board:other:en-number': { seq: 1, epoch: 'e1' }, live: true })"
        )
        wall.after(4)
    assert wall.page.evaluate("wire.forced") == 1


def test_only_a_fresh_and_new_call_flashes(wall: Wall) -> None:
    def flashes() -> bool:
        return wall.page.query_selector(".call.new") is not None

    wall.hears(7, 8, "D-008", called_at=wall.now() - timedelta(minutes=5))
    assert not flashes()
    called_at = wall.now()
    wall.hears(8, 9, "D-009", called_at=called_at)
    assert flashes() and wall.page.inner_text("[data-said]") == "D-009 Room 3"
    wall.after(4)
    assert not flashes()
    wall.hears(9, 10, "D-009", called_at=called_at)
    assert not flashes()
    wall.hears(10, 11, "D-008", called_at=called_at - timedelta(seconds=5))  # the newer call was taken back
    assert not flashes()
    wall.hears(11, 12, "D-008", called_at=wall.now())  # called again
    assert flashes()


def test_three_hundred_missed_calls_flash_once(wall: Wall) -> None:
    wall.page.evaluate("""window.flashes = 0;
        const isFlash = (one) => one.target.matches('.call.new');
        const count = (all) => { window.flashes += all.filter(isFlash).length; };
        const what = { subtree: true, attributes: true, attributeFilter: ['class'] };
        new MutationObserver(count).observe(document.body, what);""")
    wall.page.evaluate("isUp = false; wire.cut()")
    wall.page.clock.fast_forward(600_000)
    wall.stands_at(307, "D-307", html=picture("D-307", wall.now()))
    wall.page.evaluate("isUp = true; wire.connect()")
    wall.after(1)
    assert wall.shows == "D-307" and wall.page.evaluate("flashes") <= 1


@pytest.mark.parametrize(
    "wakes", ["document.dispatchEvent(new Event('visibilitychange'))", "dispatchEvent(new Event('online'))"]
)
def test_waking_up_fetches_the_snapshot(wall: Wall, wakes: str) -> None:
    wall.stands_at(8, "D-008")
    wall.page.evaluate(wakes)
    wall.after(0.5)
    assert wall.shows == "D-008"


def test_after_sleep_it_is_not_live_until_it_is_right_again(wall: Wall) -> None:
    wall.stands_at(40, "D-040")
    wall.page.clock.fast_forward(3_600_000)  # the lid was closed for an hour: timers fire once
    wall.after(0.01)
    assert wall.state == "stale"
    wall.after(2)
    assert wall.shows == "D-040" and wall.state == "live"


def test_at_midnight_it_fetches_the_new_day(wall: Wall) -> None:
    tomorrow = (MIDNIGHT + timedelta(days=1)).isoformat()
    wall.stands_at(7, "NEW DAY", valid_until=tomorrow)
    for _ in range(2):
        wall.page.clock.fast_forward(6 * 3_600_000)
        wall.after(2)
    assert wall.shows == "NEW DAY"
    asked = wall.asked
    wall.after(5)
    assert wall.asked == asked


def test_a_revoked_board_goes_dark_at_once(wall: Wall) -> None:
    wall.status = 401
    wall.page.evaluate("wire.tell('changed', { topic: document.documentElement.dataset.own, version: 1 })")
    wall.after(0.4)
    assert wall.page.evaluate("getComputedStyle(document.body).visibility") == "hidden"
    wall.after(1)
    assert wall.pages == 2


def test_a_new_version_of_the_program_loads_the_page_again_once_it_answers(wall: Wall) -> None:
    wall.snapshot["page"] = "another"
    wall.ticks(8)
    wall.after(0.4)
    wall.status = 503
    wall.after(1.2)
    assert wall.pages == 1  # never leave for a page that does not answer
    wall.status = 200
    wall.after(3)
    assert wall.pages >= 2


def test_a_lost_message_of_one_line_heals_that_part_alone(two_lines: Wall) -> None:
    wall = two_lines
    wall.hears(7, 8, "E-008", line=1)
    assert (wall.part(0), wall.part(1)) == ("D-007", "E-008") and wall.asked == 0
    wall.stands_at(9, "D-009")
    wall.stands_at(8, "E-008", line=1)
    wall.hears(8, 9, "D-GAP")
    wall.after(0.5)
    assert (wall.part(0), wall.part(1)) == ("D-009", "E-008")
    assert wall.wanted == [[wall.topics[0]]]
    wall.ticks(9)  # says nothing of the second line, so it does not prove the screen
    wall.stands_at(12, "E-012", line=1)
    wall.ticks(9, 12)
    wall.after(0.5)
    assert wall.part(1) == "E-012" and wall.wanted[1:] == [[wall.topics[1]]] and wall.state == "live"


def test_of_several_lines_the_newest_call_stands_above_and_is_said(two_lines: Wall) -> None:
    wall, strip = two_lines, two_lines.page.locator(".strip .t .no")
    assert wall.page.locator(".strip").is_hidden()
    wall.hears(7, 8, "E-008", line=1, called_at=wall.now())
    assert strip.inner_text() == "E-008"
    wall.after(4)
    wall.hears(7, 8, "D-008", called_at=wall.now() - timedelta(seconds=20))
    assert strip.inner_text() == "E-008" and wall.page.locator(".strip .call.new").count() == 0
    wall.after(1)
    wall.hears(8, 9, "D-009", called_at=wall.now())
    assert strip.inner_text() == "D-009" and wall.page.locator(".strip .call.new").count() == 1
    said = wall.page.evaluate("said")
    assert said[0] == "Number E 8, please go to room 3" and said[-2] == "Number D 9, please go to room 3"
    assert len(said) == 6  # each call once in each language, the leading one first


def test_the_clock_is_the_facilitys(wall: Wall) -> None:
    assert wall.page.inner_text("[data-clock]") == "12:00"
    for _ in range(13):
        wall.after(5)
        wall.ticks(7)
    assert wall.page.inner_text("[data-clock]") == "12:01"


LATE = """
() => [...document.querySelectorAll(".part .wall")].map((wall) => {
  wall.insertAdjacentHTML("beforeend", `<section class="next"><h3><span>Next</span></h3>
    <ol>${"<li><span class='ticket'>D-008</span></li>".repeat(3)}</ol>
    <div class="late"><p><span>Dr Salma about 45 min late</span></p></div></section>`);
  const late = wall.querySelector(".late p").getBoundingClientRect(), part = wall.getBoundingClientRect();
  const tickets = [...wall.querySelectorAll(".ticket")].map((each) => each.getBoundingClientRect().bottom);
  const isInside = late.bottom <= part.bottom && late.right <= part.right;
  return late.height > 12 && isInside && late.top >= Math.max(...tickets);
})
"""


@pytest.mark.parametrize("lines", [5, 6])
def test_who_is_late_is_said_in_each_of_many_lines(built_app: Flask, chromium: Browser, lines: int) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 720})
    opened(built_app, page, lines)
    assert page.evaluate(LATE) == [True] * lines
    page.unroute_all(behavior="ignoreErrors")
    page.close()
