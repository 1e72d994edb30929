"""A sample of ``make attack``, the same each time, without a server: whatever succeeds is a bug."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator

import pytest

from attack.arena import Knock, described, judged
from tests.policies.conftest import House

SAMPLE = 40
# What needs no second process: the others run with ``make attack``.
CLASSES = (
    "rights",
    "foreign",
    "csrf",
    "fetched",
    "tokens",
    "api",
    "injection",
    "shown",
    "typed",
    "mass",
    "repeated",
)


@pytest.fixture
def guarded(house: House) -> Iterator[House]:
    """The house with the check of each form's token, as the program runs."""
    house.app.config["WTF_CSRF_ENABLED"] = True
    yield house
    house.app.config["WTF_CSRF_ENABLED"] = False


def test_no_attack_of_a_sample_succeeds(guarded: House) -> None:
    chance = random.Random(26)
    succeeded = []
    for name in CLASSES:
        module = importlib.import_module(f"attack.classes.{name}")
        knocks = [each for each in module.cases(guarded) if isinstance(each, Knock) and "\r" not in each.path]
        for knock in chance.sample(knocks, min(SAMPLE, len(knocks))):
            problem = judged(guarded, knock, guarded.knock(knock))
            if problem:
                succeeded.append(f"{name}: {described(knock)}: {problem}")
    assert not succeeded, "\n".join(succeeded)
