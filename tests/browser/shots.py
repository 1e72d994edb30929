"""Pictures of the pages of the running program (``make run`` in another window).

``make shots`` takes those that the documentation shows, into docs/pictures; ``make shots ARGS=all`` takes all
pages in both languages and themes, into .local/shots, to be looked at.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
URL = os.environ.get("PUBLIC_URL", "http://localhost:8000")
LOGINS = Path(os.environ.get("DEMO_LOGINS_FILE", ROOT / ".local" / "demo-logins.json"))


@dataclass(frozen=True)
class Shot:
    name: str
    person: str
    path: str
    size: tuple[int, int] = (1440, 900)


SHOTS = (
    Shot("desk", "amina", "/desk"),
    Shot("doctor", "salma", "/doctor", (1280, 800)),
    Shot("payments", "farida", "/payments"),
    Shot("boards", "amina", "/boards"),
    Shot("register", "amina", "/patients/new"),
    Shot("account", "amina", "/account"),
    Shot("desk-phone", "amina", "/desk", (390, 844)),
    Shot("doctor-phone", "salma", "/doctor", (390, 844)),
)
LOOKS = (("en", "light"), ("en", "dark"), ("ar", "light"), ("ar", "dark"))


def sign_in(browser: Browser, person: str, size: tuple[int, int]) -> Page:
    logins = {login["username"]: login["password"] for login in json.loads(LOGINS.read_text())}
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(f"{URL}/login")
    page.fill("[name=username]", person)
    page.fill("[name=password]", logins[person])
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def choose(page: Page, language: str, theme: str) -> None:
    token = page.evaluate("JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRFToken']")
    form = {"locale": language, "theme": theme, "next": "/account", "csrf_token": token}
    page.request.post(f"{URL}/account/settings", form=form)


def show_board(browser: Browser) -> Page:
    """Pair a screen as the desk does, and return it."""
    board = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    board.goto(f"{URL}/board")
    code = "".join(board.locator(".code").inner_text().split())
    desk = sign_in(browser, "amina", (1440, 900))
    desk.goto(f"{URL}/boards")
    desk.fill("[name=code]", code)
    desk.fill("[name=name]", "Waiting room")
    desk.click("#pair button[type=submit]")
    board.wait_for_selector(".next")
    return board


def take(browser: Browser, everything: bool) -> None:
    folder = ROOT / (".local/shots" if everything else "docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS if everything else SHOTS[:3]:
        page = sign_in(browser, shot.person, shot.size)
        for language, theme in LOOKS if everything else LOOKS[:1]:
            choose(page, language, theme)
            page.goto(URL + shot.path)
            page.wait_for_timeout(1200)
            suffix = f"-{language}-{theme}" if everything else ""
            page.screenshot(path=folder / f"{shot.name}{suffix}.png")
        choose(page, "en", "auto")
    board = show_board(browser)
    board.wait_for_timeout(4000)
    board.screenshot(path=folder / "board.png")
    print(f"pictures in {folder.relative_to(ROOT)}")


def main() -> None:
    with sync_playwright() as started:
        path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        take(browser, "all" in sys.argv[1:])
        browser.close()


if __name__ == "__main__":
    main()
