"""A desk, a board, a cashier and two doctors work at once, each in their own browser, and processes die."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from clinic_web.kernel.db import db
from tests import factories
from tests.browser.conftest import House

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


def register(house: House, *names: str) -> None:
    for name in names:
        factories.patient(organization_id=house.cast.organization_id, first_name=name, last_name="Tahhan")
    db.session.commit()


def walk_in(desk: Page, name: str) -> str:
    """At the desk, by keyboard only: find, take in hand, walk in. Returns the ticket."""
    let_go(desk)
    desk.keyboard.press("/")
    desk.keyboard.type(name)
    expect(desk.locator(".hits [aria-selected=true]")).to_contain_text(name)
    desk.keyboard.press("Enter")
    expect(desk.locator("#hand")).to_contain_text(name)
    desk.keyboard.press("F2")
    expect(desk.locator("#hand-walk-in")).to_be_visible()
    desk.keyboard.press("Control+Enter")
    ticket = desk.locator("#hand .done .id .ticket > span").first
    expect(ticket).to_have_text(re.compile(r"D-\d{3}"))
    expect(desk.locator("#hand .done [data-print-slip]")).to_be_focused()  # the slip has come, too
    return ticket.inner_text()


def let_go(desk: Page) -> None:
    """Put down what is in hand. The print window of a slip that just came takes the keyboard, and the first
    press with it."""
    for _ in range(3):
        desk.keyboard.press("Escape")
        with suppress(AssertionError):
            expect(desk.locator("#hand")).to_contain_text("Nothing in hand", timeout=5_000)
            return
    expect(desk.locator("#hand")).to_contain_text("Nothing in hand")


def pair(house: House, desk: Page, open_browser: Open) -> Page:
    """A screen shows a code, the desk approves it, the screen turns into the board by itself."""
    board = open_browser(None, viewport={"width": 1920, "height": 1080})
    board.goto(f"{house.url}/board")
    code = board.locator(".code").inner_text().replace("\n", "").replace(" ", "")
    desk.goto(f"{house.url}/boards")
    desk.fill("[name=code]", code)
    desk.fill("[name=name]", "Waiting room")
    desk.click("#pair button[type=submit]")
    expect(board.locator(".next")).to_be_visible()
    desk.goto(f"{house.url}/desk?clinic={house.cast.dental}")
    return board


def press_go(doctor: Page, says: str) -> None:
    """Press the one key, once the button says what it will do now and has done so for a moment: a bouncing
    key must not press what the button has just turned into."""
    expect(doctor.locator("#go")).to_contain_text(says)
    doctor.wait_for_timeout(700)
    doctor.keyboard.press("F9")


def status_of(ticket: str) -> str:
    db.session.rollback()
    return str(
        db.session.execute(
            text("SELECT status FROM reception.visits WHERE ticket = :t"), {"t": ticket}
        ).scalar()
    )


def test_a_desk_a_board_a_cashier_and_two_doctors(house: House, browser_of: Open) -> None:
    register(house, "Mona", "Yara", "Nour", "Leila")
    desk = browser_of("amina", by_hand=True)
    board = pair(house, desk, browser_of)
    tickets = [walk_in(desk, name) for name in ("Mona", "Yara", "Nour", "Leila")]
    assert tickets == ["D-001", "D-002", "D-003", "D-004"]

    salma, karim, farida = (browser_of(name, by_hand=True) for name in ("salma", "karim", "farida"))
    press_go(salma, "Call D-001")
    expect(board.locator(".call")).to_contain_text("D-001")
    expect(board.locator(".call")).to_contain_text("3")
    expect(desk.locator("#rooms")).to_contain_text("D-001")
    press_go(karim, "Call D-002")
    expect(board.locator(".call")).to_contain_text("D-002")

    press_go(salma, "D-001 is in, open")
    press_go(salma, "Finish D-001, call D-003")
    expect(board.locator(".call")).to_contain_text("D-003")
    assert status_of("D-001") == "PENDING_PAYMENT"

    farida.goto(f"{house.url}/payments")
    farida.get_by_role("row", name=re.compile("D-001")).get_by_role("link").first.click()
    expect(farida.locator("#payment-panel")).to_contain_text("Mona Tahhan")
    farida.locator("[data-take-button]").click()
    expect(farida.locator("#payment-panel")).to_contain_text("Receipt")
    expect(desk.locator("#expected, .at-desk").first).not_to_contain_text("Mona")
    assert status_of("D-001") == "COMPLETED"

    salma.keyboard.press("Control+z")  # a wrong call is taken back: the patient is in the line again
    expect(salma.locator("#go")).to_contain_text("Call D-003")
    assert status_of("D-003") == "WAITING"


def test_the_house_survives_the_death_of_its_processes(house: House, browser_of: Open) -> None:
    register(house, "Mona", "Yara")
    desk = browser_of("amina")
    board = pair(house, desk, browser_of)
    walk_in(desk, "Mona")
    salma = browser_of("salma")
    salma.goto(f"{house.url}/doctor")
    press_go(salma, "Call D-001")
    expect(board.locator(".call")).to_contain_text("D-001")

    house.kill("web")
    expect(board.locator(".off")).to_be_visible(timeout=10_000)
    expect(desk.locator("#stale")).to_be_visible(timeout=12_000)
    house.start("web")
    house.wait_until_it_answers()
    expect(board.locator(".off")).to_be_hidden(timeout=10_000)
    expect(desk.locator("#stale")).to_be_hidden(timeout=10_000)

    house.kill("worker")
    house.start("worker")
    assert walk_in(desk, "Yara") == "D-002"
    press_go(salma, "D-001 is in, open")
    press_go(salma, "Finish D-001, call D-002")
    expect(board.locator(".call")).to_contain_text("D-002")


def test_an_open_form_survives_what_others_do(house: House, browser_of: Open) -> None:
    register(house, "Mona", "Yara")
    desk, other = browser_of("amina"), browser_of("amina")
    for page in (desk, other):
        page.goto(f"{house.url}/desk?clinic={house.cast.dental}")
    desk.keyboard.press("F2")
    name = desk.locator("#hand [name=name]")
    expect(name).to_be_visible()
    name.fill("Half a na")
    walk_in(other, "Mona")
    expect(desk.locator("#line")).to_contain_text("Mona")
    assert name.input_value() == "Half a na"
    assert desk.evaluate("document.activeElement.name") == "name"


def test_a_browser_without_javascript_books_the_same(house: House, browser_of: Open) -> None:
    register(house, "Mona")
    desk = browser_of("amina", by_hand=True, java_script_enabled=False)
    desk.goto(f"{house.url}/patients/find?q=Mona")
    desk.get_by_role("link", name=re.compile("Mona")).first.click()
    desk.get_by_role("link", name="Take in hand").click()
    desk.get_by_role("link", name=re.compile("^Book")).first.click()
    desk.locator("#book button[type=submit]").click()
    expect(desk.locator("body")).to_contain_text("D-001")
    assert status_of("D-001") == "SCHEDULED"
