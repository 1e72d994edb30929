"""An order written by keyboard in the visit, and its line moving by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from clinic_web.kernel.db import db
from tests.browser.conftest import House
from tests.browser.filled import stock
from tests.browser.rest import settle
from tests.orders.room import Room, hear_all

pytestmark = pytest.mark.browser


def write_one(page: Page) -> None:
    """Twenty of the first medicine that the word finds, by keyboard alone."""
    page.keyboard.press("F2")
    expect(page.locator("#order-find")).to_be_focused()
    page.keyboard.type("parac")
    expect(page.locator("#order-hits [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("[name=quantity]")).to_be_focused()
    page.keyboard.type("20")
    page.keyboard.press("Enter")
    page.keyboard.type("1 at night")
    page.keyboard.press("Enter")
    expect(page.locator("#order-find")).to_be_focused()


def test_an_order_is_written_by_keyboard_and_followed_live(
    house: House, browser_of: Callable[..., Page], problems_of: Callable[[Page], list[str]]
) -> None:
    room = Room(house.cast)
    stock(room)
    page = browser_of("salma")
    page.goto(f"{house.url}/doctor")
    expect(page.get_by_text("Nothing is ordered in this visit yet.")).to_be_visible()
    write_one(page)

    # Somebody walks in: what is around the form is drawn again, the half-written order stays.
    room.desk.walk_in()
    expect(page.locator("#doctor-rows > li")).to_have_count(1)
    expect(page.locator("[name=directions]")).to_have_value("1 at night")
    assert problems_of(page) == []

    orders = page.locator(".one-order")
    page.locator("[name=directions]").focus()
    page.keyboard.press("Control+Enter")
    expect(orders).to_have_count(1)
    expect(page.locator("#order-desk")).to_be_empty()
    settle(page)

    hear_all()  # with the worker, which may be quicker
    expect(orders.get_by_text("Reserved")).to_be_visible()
    expect(orders.get_by_text("Billed")).to_be_visible()
    db.session.rollback()
