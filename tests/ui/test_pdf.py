"""Paper: typst templates with data that is only data, in both directions, with the house's own letters."""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import typst
from pypdf import PdfReader

from clinic_web.ui import pdf
from tests.threads import ThreadPoolExecutor

RECEIPT: dict[str, Any] = {
    "title": "Receipt",
    "paper": "slip",
    "issuer": "North Garden",
    "place": ["Dental"],
    "address": "12 Garden Street",
    "phone": "+20 2 2735 0000",
    "registration": "Tax 123-456-789",
    "copy": None,
    "number": "2026-000123",
    "at": "21 Nov 2026",
    "ticket": "D-034",
    "patient": "Maryam Tahhan",
    "facts": [],
    "lines": [["Filling", Decimal("600.00"), "plain"]],
    "result": ["Left to pay", "0.00 EGP"],
    "notes": [],
}


def words_of(made: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages)


def fonts_in(made: bytes) -> set[str]:
    fonts = PdfReader(BytesIO(made)).pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    return {re.sub(r"^/[A-Z]{6}\+", "", fonts[name]["/BaseFont"]) for name in fonts}


def test_the_words_of_a_pdf_can_be_read_out_and_its_letters_are_inside() -> None:
    made = pdf.render("receipt", RECEIPT, "en")

    lines = words_of(made).splitlines()
    assert {"Receipt 2026-000123", "Filling 600.00", "D-034 Maryam Tahhan", "12 Garden Street"} <= set(lines)
    assert fonts_in(made) == {"Overpass-Regular", "Overpass-Bold"}


def test_arabic_is_shaped_and_runs_from_right_to_left() -> None:
    arabic = RECEIPT | {"title": "إيصال", "patient": "مريم الطحان", "result": ["الباقي", "٠٫٠٠"]}
    made = pdf.render("receipt", arabic, "ar")
    page = PdfReader(BytesIO(made)).pages[0]
    at: dict[str, float] = {}
    page.extract_text(visitor_text=lambda text, where, *_: at.setdefault(text.strip(), where[4]))

    assert at["مريم"] > at["الطحان"]
    assert any(name.startswith("Vazirmatn") for name in fonts_in(made))
    assert PdfReader(BytesIO(made)).trailer["/Root"]["/Lang"] == "ar"  # type: ignore[index]
    assert at["إيصال"] > page.mediabox.width / 2 > at["2026-000123"]


def test_what_a_person_typed_stays_text() -> None:
    name = '#panic("x") *bold* $1$ \\ "]'

    assert name in words_of(pdf.render("receipt", RECEIPT | {"patient": name}, "en"))


def test_a_template_sees_nothing_but_its_folder() -> None:
    with pytest.raises(typst.TypstError):
        typst.compile(b'#read("../../wsgi.py")', root=pdf.TEMPLATES)


def test_several_greenlets_or_threads_make_paper_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda n: pdf.render("receipt", RECEIPT | {"number": str(n)}, "en"), range(12)))

    assert [f"Receipt {n}" in words_of(each) for n, each in enumerate(made)] == [True] * 12


def test_a_sheet_is_a4_and_a_slip_is_80_mm_wide() -> None:
    sizes = [
        PdfReader(BytesIO(pdf.render("receipt", RECEIPT | {"paper": paper}, "en"))).pages[0].mediabox.width
        for paper in ("a4", "slip")
    ]

    assert [round(float(width) * 25.4 / 72) for width in sizes] == [210, 80]
