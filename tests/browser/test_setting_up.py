"""A newcomer sets an empty centre up with the wizard, and a manager's change reaches an open desk at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from clinic_web.kernel.db import db
from clinic_web.setup import service
from tests.browser.conftest import House
from tests.browser.rest import settle
from tests.conftest import empty_tables

pytestmark = pytest.mark.browser

PASSWORD = "three-white-storks"


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)


@pytest.fixture
def newcomer(running: House, new_tab: Callable[..., Page]) -> Page:
    """A browser that has opened the address which an empty program printed."""
    with running.app.app_context():
        empty_tables(running.app)
        key = service.new_key()
        db.session.remove()
    page = new_tab(viewport={"width": 1024, "height": 800}, timezone_id="Europe/Berlin")
    page.goto(f"{running.url}/setup?key={key}")
    assert str(key) not in page.url
    return page


def test_from_an_empty_program_to_the_desk(newcomer: Page, problems_of: Callable[[Page], list[str]]) -> None:
    page, found = newcomer, problems_of(newcomer)
    fill(page, name="Nile Clinic", first_name="Nabila", last_name="Aziz", username="nabila")
    fill(page, password=PASSWORD, again=PASSWORD)
    page.click("text=Create the centre")
    expect(page.locator("[name=timezone]")).to_have_value("Europe/Berlin")  # the browser's own
    page.click("text=العربية")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    found += problems_of(page)
    page.click("text=English")
    fill(page, name="Zamalek")
    page.click("text=Keep it and go on")
    add(page, "Add this clinic", "Dental", name="Dental", rooms="1, 2")
    add(page, "Add this service", "Check-up", name="Check-up", price="300")
    found += problems_of(page)
    add(page, "Add this doctor", "Salma", first_name="Salma", last_name="Naguib")
    page.click("text=Salma Naguib")
    fill(page, username="salma")
    page.click("text=Add this user")
    assert len(page.locator("[data-once]").inner_text()) == len("XXXX-XXXX-XXXX-XXXX")
    found += problems_of(page)
    go_on(page)
    page.click("text=Open the desk")
    page.wait_for_url("**/desk**")
    page.click("nav >> text=Set-up")
    expect(page.locator("h1")).to_have_text("What is set up")
    assert found + problems_of(page) == []


def add(page: Page, button: str, row: str, **fields: str) -> None:
    """Fill one of the wizard's forms in, see the row appear, and go on to the next step."""
    fill(page, **fields)
    page.click(f"text={button}")
    expect(page.locator(".made")).to_contain_text(row)
    go_on(page)


def go_on(page: Page) -> None:
    """To the next step, whose address is another one."""
    step = page.url
    page.click("text=Go on")
    expect(page).not_to_have_url(step)


def test_a_new_name_reaches_the_open_desk(house: House, browser_of: Callable[..., Page]) -> None:
    desk, manager = browser_of("amina"), browser_of("mona")
    desk.goto(f"{house.url}/desk")
    settle(desk)
    manager.goto(f"{house.url}/admin/clinics")
    manager.click("th a >> text=Dental")
    manager.fill("[name=name]", "Teeth")
    manager.keyboard.press("Control+Enter")
    expect(manager.locator("#last-act")).to_contain_text("Changed: Teeth")
    expect(desk.locator("main")).to_contain_text("Teeth")
