"""Passkeys, with Chromium's own authenticator: made, used alone, used as second factor, used to prove.
And a patient's way in, from the paper on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from clinic_web.identity import api as identity
from clinic_web.kernel import clock, ids
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.service import booking
from clinic_web.reception.service.booking import Booking
from tests import factories
from tests.browser.conftest import House
from tests.cast import PASSWORD, Person
from tests.reception.desk import CAIRO

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
    assert cut_off_on_a_telephone(page, house.url) == []


def cut_off_on_a_telephone(page: Page, url: str) -> list[str]:
    """The administrator's widest pages that stand beyond the edge of a telephone."""
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{url}/audit/changes")
    row = page.locator("main tbody [data-act]").first.get_attribute("href") or ""
    found = []
    for path in ("/admin/roles", "/admin/users/new", row):
        page.goto(f"{url}{path}")
        expect(page.locator("main h1")).to_be_visible()
        found += [path] if is_cut_off(page) else []
    return found


def is_cut_off(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def expected_patient(house: House) -> UUID:
    """Maryam, who comes tomorrow."""
    with transaction():
        patient = factories.patient(organization_id=house.cast.organization_id)
    tomorrow = clock.local(clock.now(), "Africa/Cairo").date() + timedelta(days=1)
    wanted = Booking(
        patient_id=patient,
        service_id=house.cast.cleaning,
        doctor_id=house.cast.salma,
        start_time=datetime.combine(tomorrow, time(10), CAIRO),
    )
    booking.book(house.cast.people["amina"].actor, wanted, key=str(ids.new_id()))
    return patient


def test_a_patient_scans_the_paper_and_is_in(
    house: House, browser_of: Callable[..., Page], problems_of: Callable[[Page], list[str]]
) -> None:
    """From the reception's paper to the own visits, on a telephone, in Arabic and by night."""
    patient = expected_patient(house)
    desk = browser_of("amina")
    desk.goto(f"{house.url}/patients/{patient}")
    desk.click("text=Invite to the portal")
    code = desk.text_content(".invitation .code") or ""
    found = problems_of(desk)

    asked: list[str] = []
    phone = browser_of(None, viewport={"width": 360, "height": 740}, locale="ar", color_scheme="dark")
    phone.on("request", lambda request: asked.append(request.url))
    phone.goto(f"{house.url}/portal/join#{code}")
    expect(phone.locator("[name=code]")).to_have_value(code)
    assert phone.url == f"{house.url}/portal/join"  # the code is in no history
    found += problems_of(phone)
    for name, value in (("day", "12"), ("month", "3"), ("year", "1992")):
        phone.fill(f"[name={name}]", value)
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/portal/join/account")
    found += problems_of(phone)
    for name, value in (("username", "0100 555 0142"), ("password", PASSWORD), ("again", PASSWORD)):
        phone.fill(f"[name={name}]", value)
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/portal")
    expect(phone.locator("main")).to_contain_text("الأسنان")
    assert not [url for url in asked if code in url]
    for path in ("/portal", "/portal/account", "/portal/account/password"):
        phone.goto(f"{house.url}{path}")
        found += problems_of(phone)
        assert not is_cut_off(phone), path
    found += problems_of_setting_up(phone, house.url, problems_of)
    phone.click(".portal-foot button")
    phone.wait_for_url("**/portal/login")
    assert found + problems_of(phone) == []


def problems_of_setting_up(phone: Page, url: str, problems_of: Callable[[Page], list[str]]) -> list[str]:
    """An authenticator app, set up on the telephone it runs on: what to type is in sight, too."""
    phone.goto(f"{url}/portal/account")
    phone.click("[action='/portal/account/app/begin'] button")
    expect(phone.locator(".seed")).to_be_visible()
    return problems_of(phone) + (["the page is cut off"] if is_cut_off(phone) else [])
