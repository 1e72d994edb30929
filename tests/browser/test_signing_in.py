"""Passkeys, with Chromium's own authenticator: made, used alone, used as second factor, used to prove."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import House
from tests.cast import PASSWORD

pytestmark = pytest.mark.browser


def plug_in(page: Page) -> Callable[[bool], None]:
    """Give the browser a device with passkeys whose owner unlocks it; return what changes that."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def unlocks(will: bool) -> None:
        devtools.send("WebAuthn.setUserVerified", {"authenticatorId": device, "isUserVerified": will})

    return unlocks


def sign_out(page: Page) -> None:
    page.click("#who summary")
    page.click("#who >> text=Sign out")
    page.wait_for_url("**/login")


def test_a_passkey_signs_in_alone_and_after_the_password(
    house: House, browser_of: Callable[..., Page], problems_of: Callable[[Page], list[str]]
) -> None:
    page = browser_of("farida")
    unlocks = plug_in(page)
    page.goto(f"{house.url}/account/passkeys/new")
    found = problems_of(page)
    page.fill("[name=name]", "Till")
    page.click("text=Make the passkey")
    expect(page.locator("#recovery-codes li")).to_have_count(10)
    found += problems_of(page)
    page.click("text=I have them")
    expect(page.locator("#security")).to_contain_text("Till")
    found += problems_of(page)

    sign_out(page)
    unlocks(False)
    page.click("text=Sign in with a passkey")
    expect(page.locator("[data-passkey-failed]")).to_be_visible()
    unlocks(True)
    page.click("text=Sign in with a passkey")
    page.wait_for_url(lambda url: "/login" not in url)

    sign_out(page)
    page.fill("[name=username]", "farida")
    page.fill("[name=password]", PASSWORD)
    page.click("main form >> nth=0 >> button[type=submit]")
    page.wait_for_url("**/login/second")
    found += problems_of(page)
    page.click("text=Use a passkey")
    page.wait_for_url(lambda url: "/login" not in url)
    page.goto(f"{house.url}/account")
    expect(page.locator("#security")).to_contain_text(re.compile("last used"))
    assert found == []
