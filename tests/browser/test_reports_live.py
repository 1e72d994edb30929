"""A report asked for by hand is made by the worker and comes to the open page by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House

pytestmark = pytest.mark.browser


def test_a_report_comes_to_the_page_as_soon_as_it_is_made(
    house: House, browser_of: Callable[..., Page]
) -> None:
    page = browser_of("mona", viewport={"width": 1280, "height": 800})
    page.goto(house.url + "/reports")
    expect(page.get_by_text("No report is kept of this day")).to_be_visible()
    page.get_by_role("button", name="Make the report now").click()
    expect(page.locator("#last-act")).to_contain_text("Asked for the report")
    expect(page.get_by_text("Report 1, made")).to_be_visible(timeout=15000)
    expect(page.locator(".keys-figures")).to_contain_text("Patients seen")
