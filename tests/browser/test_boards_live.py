"""A real screen, a real desk, a real doctor: paired, called, cut off, back, revoked.

Within how many seconds is for ``test_board_protocol.py``, whose clock no other work on the machine delays.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from clinic_web.kernel import ids
from clinic_web.reception.service import calling, walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests import factories
from tests.browser.conftest import House

pytestmark = pytest.mark.browser

Browser = Callable[..., Page]
FULL_HD = {"viewport": {"width": 1920, "height": 1080}}


def pair(house: House, screen: Page, desk: Page) -> None:
    """Type the code that the screen shows at the desk; the screen turns into the board by itself."""
    screen.goto(f"{house.url}/board")
    code = re.sub(r"\s", "", screen.inner_text(".code"))
    desk.goto(f"{house.url}/boards")
    desk.fill("[name=code]", code)
    desk.select_option("[name=queue]", str(house.cast.dental_queue))
    desk.fill("[name=name]", "Ground floor")
    desk.click("text=Pair the screen")
    expect(screen.locator(".wall")).to_be_visible(timeout=4000)
    expect(screen.locator("html")).to_have_attribute("data-state", "live")


def walks_in(house: House) -> None:
    patient = factories.patient(organization_id=house.cast.organization_id, first_name="Ibrahim")
    walk_in = WalkIn(patient_id=patient, service_id=house.cast.cleaning)
    walking_in.open_walk_in(house.cast.people["amina"].actor, walk_in, key=ids.code(20))


def test_a_screen_is_paired_shows_the_call_takes_its_settings_and_goes_dark(
    house: House, browser_of: Browser
) -> None:
    screen, desk, salma = browser_of(None, **FULL_HD), browser_of("amina"), browser_of("salma")
    pair(house, screen, desk)
    walks_in(house)
    expect(screen.locator(".next .ticket")).to_have_text("D-001")
    salma.goto(f"{house.url}/doctor")
    salma.keyboard.press("F9")
    expect(screen.locator(".call .t .no")).to_have_text("D-001")
    expect(screen.locator(".call.new")).to_be_visible()
    assert "Ibrahim" not in screen.content()
    expect(salma.locator("#go")).to_contain_text("D-001 is in, open")

    requests: list[str] = []
    screen.on("request", lambda request: requests.append(request.url))
    screen.wait_for_timeout(6000)
    assert requests == []  # an idle board asks for nothing

    desk.click("text=Ground floor")
    desk.select_option("[name=queues] >> nth=1", str(house.cast.eye_queue))
    desk.fill("[name=head]", "Garden of health")
    desk.click("text=Wine red")
    desk.keyboard.press("Control+Enter")
    expect(screen.locator(".top .name")).to_contain_text("Garden of health")
    expect(screen.locator(".part")).to_have_count(2)
    expect(screen.locator(".strip .no").first).to_have_text("D-001")
    expect(screen.locator("html")).to_have_attribute("data-state", "live")

    desk.goto(f"{house.url}/boards")
    desk.click("text=Revoke >> nth=0")
    desk.click("text=Revoke Ground floor")
    expect(screen.locator(".code")).to_be_visible(timeout=4000)


def test_a_board_says_that_it_is_cut_off_and_is_right_again_by_itself(
    house: House, browser_of: Browser
) -> None:
    screen = browser_of(None, **FULL_HD)
    pair(house, screen, browser_of("amina"))
    walks_in(house)
    house.kill("web")
    expect(screen.locator(".off")).to_contain_text("Not live since")
    calling.call_next(house.cast.people["salma"].actor, key="while-nobody-listens")
    house.start("web")
    house.wait_until_it_answers()
    expect(screen.locator(".call .t .no")).to_have_text("D-001")
    expect(screen.locator("html")).to_have_attribute("data-state", "live")
