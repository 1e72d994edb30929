"""Units stand behind their number as the language wants it; usual words are said in the reader's language."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from clinic_web.catalog import words

ARABIC = [(1, "قرص"), (2, "قرصان"), (5, "أقراص"), (20, "قرصًا"), (100, "قرص"), (None, "قرص")]


@pytest.mark.parametrize(
    ("quantity", "word"), [(1, "tablet"), (2, "tablets"), (None, "tablets"), (0, "tablets")]
)
def test_a_unit_has_its_plural(built_app: Flask, quantity: int | None, word: str) -> None:
    with built_app.test_request_context():
        assert words.unit("tablet", quantity) == word


@pytest.mark.parametrize(("quantity", "word"), ARABIC)
def test_a_unit_has_each_of_the_arabic_plurals(built_app: Flask, quantity: int | None, word: str) -> None:
    with built_app.test_request_context(), force_locale("ar"):
        assert words.unit("Tablet", quantity) == word


def test_a_part_of_one_is_several_and_an_unknown_unit_stands_as_it_was_written(built_app: Flask) -> None:
    with built_app.test_request_context():
        assert words.unit("tablet", Decimal("1.500")) == "tablets"
        assert words.unit("tablet", Decimal("1.000")) == "tablet"
        assert words.unit("Ladle", 3) == "Ladle"
        assert words.unit(None, 3) == ""


def test_usual_forms_and_specimens_are_translated_and_others_kept(built_app: Flask) -> None:
    with built_app.test_request_context(), force_locale("ar"):
        assert words.usual_word("Blood") == "دم"
        assert words.usual_word("Cord blood") == "Cord blood"
        assert words.usual_word(None) == ""
