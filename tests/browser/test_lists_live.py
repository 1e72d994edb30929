"""A list that others change while somebody reads it, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from clinic_web.kernel import ids
from clinic_web.kernel.db import db
from clinic_web.reception.service import walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests import factories
from tests.browser.conftest import House
from tests.browser.rest import settle

pytestmark = pytest.mark.browser


def walks_in(house: House, name: str) -> None:
    patient = factories.patient(organization_id=house.cast.organization_id, first_name=name)
    db.session.commit()
    walk_in = WalkIn(patient_id=patient, service_id=house.cast.cleaning)
    walking_in.open_walk_in(house.cast.people["amina"].actor, walk_in, key=ids.code(20))


def test_rows_do_not_move_under_a_reader_who_marks_and_opens_them_by_keyboard(
    house: House, browser_of: Callable[..., Page]
) -> None:
    for name in ("Adel", "Basma", "Carim"):
        walks_in(house, name)
    page = browser_of("mona")
    page.goto(f"{house.url}/visits?sort=-time")
    rows, news = page.locator("[data-row]"), page.locator("[data-list-news]")
    expect(rows).to_have_count(3)
    settle(page)  # what joining the topics fetches has come

    rows.first.focus()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-list-export]")).to_have_text("Export 1 marked")

    walks_in(house, "Dalia")
    expect(news).to_have_text("1 new")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_be_focused()
    expect(rows.nth(1).locator(".c-mark input")).to_be_checked()
    expect(page.locator("#list-title .n")).to_have_text("4")

    news.click()
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("Dalia")
    expect(news).to_be_hidden()

    page.keyboard.press("/")
    page.keyboard.type("basma")
    expect(rows).to_have_count(1)
    assert re.search(r"\?q=~[\w-]+&sort=-time$", page.url)  # the words are sealed, see ui/private.py
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/desk/hand/visit/"))
    page.go_back()
    expect(rows).to_have_count(1)
