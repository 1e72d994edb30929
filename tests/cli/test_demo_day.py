"""The played day is one that could be: who goes first has the age and the sex for it."""

from __future__ import annotations

import pytest

from clinic_web.cli.demo.day import priority_of


@pytest.mark.parametrize(
    ("age", "gender", "month", "kind"),
    [
        (81, "MALE", 7, "ELDERLY"),
        (59, "MALE", 7, None),
        (59, "FEMALE", 7, None),
        (30, "FEMALE", 7, "PREGNANT"),
        (30, "MALE", 7, None),
        (30, "FEMALE", 20, None),
        (4, "FEMALE", 7, "CHILD"),
        (None, "FEMALE", 7, None),
    ],
)
def test_a_priority_fits_age_and_sex(age: int | None, gender: str, month: int, kind: str | None) -> None:
    found = priority_of(age, gender, month)
    assert (found[0] if found else None) == kind


def test_its_reason_is_written_in_both_languages() -> None:
    assert priority_of(81, "MALE", 1) == ("ELDERLY", "81 years old / العمر ٨١")
