"""Passkeys, with Chromium's own authenticator: made, used alone, used as second factor, used to prove."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from clinic_web.identity import api as identity
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests.browser.conftest import House
from tests.cast import PASSWORD, Person

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


def test_a_weighty_act_asks_beside_the_form_which_stays_as_it_was_typed(
    house: House, browser_of: Callable[..., Page], problems_of: Callable[[Page], list[str]]
) -> None:
    user_id = identity.create_user(
        house.cast.system, username="huda", password=PASSWORD, first_name="Huda", last_name="Sabry",
        roles=["administrator"], facility_id=house.cast.facility_id,
    )  # fmt: skip
    house.cast.people["huda"] = Person(user_id, "huda", house.cast.people["amina"].actor)
    page = browser_of("huda")
    with transaction():
        db.session.execute(text("UPDATE identity.sessions SET proved_at = proved_at - interval '1 hour'"))
    page.goto(f"{house.url}/admin/roles/new")
    page.fill("[name=name]", "Trainee")
    page.check("[name=permissions] >> nth=0")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#faults")).to_contain_text("Is it still you?")
    expect(page.locator("[name=name]")).to_have_value("Trainee")
    found = problems_of(page)
    page.fill("#prove [name=password]", "wrong")
    page.click("#prove button[type=submit]")
    expect(page.locator("#prove")).to_contain_text("not your present password")
    page.fill("#prove [name=password]", PASSWORD)
    page.click("#prove button[type=submit]")
    expect(page.locator("#last-act")).to_contain_text("press its button again")
    expect(page.locator("#prove")).to_have_count(0)
    expect(page.locator("[name=name]")).to_have_value("Trainee")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#last-act")).to_contain_text("Added: Trainee")
    for path in ("/admin/roles", "/admin/sign-ins", "/admin/users/new", "/account"):
        page.goto(f"{house.url}{path}")
        found += problems_of(page)
    assert found == []
