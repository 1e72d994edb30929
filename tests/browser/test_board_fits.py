"""Nothing on a wall is cut: the sign on the door is whole, and of the delays only whole sentences show."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from clinic_web.kernel import ids
from clinic_web.organization.api import FacilityInfo, StaffInfo
from clinic_web.reception import board_words
from clinic_web.reception.queries.board import Call, Picture, Variant, Waiting
from clinic_web.reception.queries.delays import Delay
from tests.browser.test_board_protocol import MIDNIGHT, NOON, opened

pytestmark = pytest.mark.browser

SIZES = [(1920, 1080), (1080, 1920), (1280, 720)]
SIGNS = ["3", "52", "88", "B2", "WC", "101", "888", "12A", "ICU", "Room 7", "X-ray 2", "Ultrasound"]
CUT = """
() => [...document.querySelectorAll(".call .no, .call .doctor > *")]
  .filter((each) => each.offsetParent && each.scrollWidth > each.clientWidth + 1)
  .map((each) => each.textContent)
"""
LATE = """
() => [...document.querySelectorAll(".late")].map((box) => {
  const outer = box.getBoundingClientRect();
  const shown = [...box.querySelectorAll("p")].map((p) => p.getBoundingClientRect())
    .filter((p) => p.left < outer.right && p.right > outer.left);
  const whole = shown.filter((p) => p.bottom <= Math.min(outer.bottom, innerHeight) + 1);
  return [shown.length, whole.length];
})
"""


def doctor(name: str, name_ar: str) -> StaffInfo:
    return StaffInfo(
        id=ids.new_id(),
        name=name,
        name_ar=name_ar,
        short_name=name,
        short_name_ar=name_ar,
        profession="DOCTOR",
        room_id=None,
        share_percent=Decimal(50),
        clinic_ids=frozenset(),
    )


SALMA, KARIM = doctor("Dr Salma", "د. سلمى"), doctor("Dr Karim", "د. كريم")


def picture(sign: str) -> Picture:
    facility = FacilityInfo(
        id=ids.new_id(),
        organization_id=ids.new_id(),
        name="North Garden",
        name_ar=None,
        timezone="Africa/Cairo",
        currency="EGP",
        languages=("en", "ar"),
        phone_country="EG",
    )
    calls = [
        Call(ticket=f"D-0{number}", room=sign, doctor=SALMA, at=NOON, is_called=True, who=None)
        for number in range(11, 15)
    ]
    return Picture(
        name="Dental",
        name_ar="الأسنان",
        facility=facility,
        day=NOON.date(),
        valid_until=MIDNIGHT,
        calls=tuple(calls),
        next=tuple(Waiting(ticket=f"D-02{number}", who=None) for number in range(6)),
        late=tuple(
            Delay(doctor=each, minutes=minutes, due=NOON - timedelta(minutes=minutes))
            for each, minutes in ((KARIM, 70), (SALMA, 50), (doctor("Dr Hana", "د. هناء"), 20))
        ),
    )


def show(app: Flask, page: Page, sign: str, language: str) -> None:
    with app.test_request_context("/board"):
        html = board_words.render(picture(sign), Variant(language, "NUMBER", "LATN"))
    page.evaluate(
        "html => document.querySelectorAll('.wall').forEach(wall => { wall.outerHTML = html; })", html
    )
    # As board.js does with each picture it takes in.
    page.evaluate("() => document.querySelectorAll('.late p').forEach(p => { p.hidden = false; })")


@pytest.mark.parametrize("size", SIZES)
def test_signs_and_delays_are_whole_on_every_wall(
    built_app: Flask, chromium: Browser, size: tuple[int, int]
) -> None:
    cut = []
    for lines in (1, 2, 6):
        page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
        opened(built_app, page, lines, is_styled=True)
        page.evaluate("document.fonts.ready")
        for language in ("en", "ar"):
            page.evaluate(
                "dir => { document.documentElement.dir = dir; }", "rtl" if language == "ar" else "ltr"
            )
            for sign in SIGNS:
                show(built_app, page, sign, language)
                cut += [(lines, language, sign, each) for each in page.evaluate(CUT)]
            if folder := os.environ.get("BOARD_PICTURES"):
                show(built_app, page, "52", language)
                page.screenshot(path=Path(folder) / f"fits-{size[0]}-{lines}-{language}.png")
            for shown, whole in page.evaluate(LATE):
                if not shown or shown != whole:
                    cut.append((lines, language, "late", f"{whole} of {shown}"))
        page.unroute_all(behavior="ignoreErrors")
        page.close()
    assert not cut
