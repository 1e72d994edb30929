"""An appointment is moved on the calendar by keyboard and by drag, and another desk sees it move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from clinic_web.kernel import clock, ids
from clinic_web.reception.service import booking
from clinic_web.reception.service.booking import Booking
from tests import factories
from tests.browser.conftest import House

pytestmark = pytest.mark.browser

CAIRO = ZoneInfo("Africa/Cairo")


def tomorrow(hour: int) -> datetime:
    return datetime.combine(
        clock.local(clock.now(), "Africa/Cairo").date() + timedelta(days=1), time(hour), CAIRO
    )


def book(house: House, name: str, doctor_id: UUID, hour: int) -> None:
    patient = factories.patient(organization_id=house.cast.organization_id, last_name=name)
    factories.db.session.commit()
    wanted = Booking(
        patient_id=patient, service_id=house.cast.cleaning, doctor_id=doctor_id, start_time=tomorrow(hour)
    )
    booking.book(house.cast.people["amina"].actor, wanted, key=str(ids.new_id()))


def slot(page: Page, doctor_id: UUID, hour: int) -> Locator:
    at = tomorrow(hour).astimezone(ZoneInfo("UTC")).isoformat()
    return page.locator(f".cal-table [data-slot='{doctor_id}|{at}']")


def drag(page: Page, source: Locator, target: Locator) -> None:
    """Both in sight first: nothing scrolls under a pressed button."""
    target.evaluate("element => element.scrollIntoView({block: 'center'})")
    for place, press in ((source, page.mouse.down), (target, page.mouse.up)):
        box = place.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=6)
        press()


def test_moving_by_key_and_by_drag_with_undo_and_live(house: House, browser_of: Callable[..., Page]) -> None:
    cast = house.cast
    book(house, "Tahhan", cast.salma, 9)
    address = f"{house.url}/appointments?clinic={cast.dental}&day={tomorrow(9).date()}"
    address += f"&service={cast.cleaning}"
    page, other = browser_of("amina"), browser_of("mona")
    for each in (page, other):
        each.goto(address)
        expect(each.locator("#live")).to_be_visible()
    entry = page.locator(".cal-table .entry", has_text="Tahhan")
    entry.focus()
    page.keyboard.press("m")
    expect(page.locator("#moving")).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(slot(page, cast.salma, 9)).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator("#last-act")).to_contain_text("now on")
    expect(page.locator("#hand .what-is")).to_contain_text("09:20")
    expect(other.locator(".cal-table .entry", has_text="Tahhan")).to_contain_text("09:20")
    page.keyboard.press("Control+z")
    expect(page.locator(".cal-table .entry", has_text="Tahhan")).to_contain_text("09:00")
    expect(page.locator("#hand .what-is")).to_contain_text("09:00")
    drag(page, page.locator(".cal-table .entry", has_text="Tahhan"), slot(page, cast.karim, 10))
    expect(page.locator("#hand .what-is")).to_contain_text("Dr Karim")
    expect(slot(page, cast.salma, 9)).to_be_visible()
    expect(other.locator(".cal-table .entry", has_text="Tahhan")).to_contain_text("10:00")


def test_who_a_free_time_is_for_is_chosen_by_keyboard_as_in_the_band(
    house: House, browser_of: Callable[..., Page]
) -> None:
    cast = house.cast
    for name in ("Adel", "Tahhan"):
        factories.patient(organization_id=cast.organization_id, first_name="Mona", last_name=name)
    factories.db.session.commit()
    page = browser_of("amina")
    page.goto(
        f"{house.url}/appointments?clinic={cast.dental}&day={tomorrow(9).date()}&service={cast.cleaning}"
    )
    slot(page, cast.salma, 9).click()
    field = page.locator("#slot-q")
    expect(field).to_be_focused()
    field.press_sequentially("Mona")
    options = page.locator("#slot-hits [role=option]")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    second = options.nth(1).locator("b").inner_text()
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("#hand .person", has_text=second)).to_be_visible()
