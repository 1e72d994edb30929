"""What may be a password, and how it is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from clinic_web.identity import passwords
from clinic_web.kernel.errors import Busy, RuleBroken
from tests.cast import PASSWORD


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "elevenchars",
        "aaaaaaaaaaaaaaaa",
        "ababababababab",
        "password1234",
        "Passwordpassword",
        "x-amina-2026-x",
        "é" * 300,
    ],
)
def test_easy_ones_are_refused(password: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        passwords.require_good(password, "amina")
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "administrator",  # among the most used ones
        "qwertyuiop12",  # a row of keys
        "1q2w3e4r5t6y",
        "P@ssw0rd1234",  # in another dress
        "passwordpassword",
        "iloveyouiloveyou",
        "ClinicWeb2026!",  # words of the house
        "hospital-1234",
        "North Garden 2026",  # the house itself
        "مركز الأسنان 12",
    ],
)
def test_what_guessing_begins_with_is_refused(password: str) -> None:
    with pytest.raises(RuleBroken):
        passwords.require_good(password, "amina", ["North Garden Medical Centre", "مركز الأسنان"])
    passwords.require_good(f"{password} seven wet owls", "amina", ["North Garden Medical Centre"])


def test_the_names_of_ones_own_place_are_no_password(as_person: Callable[[str], FlaskClient]) -> None:
    form = {"current": PASSWORD, "password": "north-garden-2026", "again": "north-garden-2026"}
    answer = as_person("amina").post("/account/password", data=form)
    assert answer.status_code == 422 and "easy to guess" in answer.text


@pytest.mark.parametrize(
    "password",
    ["twelve chars", "الحصان الصحيح للبطارية", "🐎 battery staple correct", "Long " * 20 + "enough"],
)
def test_long_ones_in_any_script_are_taken(password: str) -> None:
    passwords.require_good(password, "amina")
    assert passwords.matches(passwords.hashed(password), password)


def test_the_hash_is_argon2id_with_owasps_settings(real_hashing: None) -> None:
    kept = passwords.hashed("seven-quiet-herons")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not passwords.is_outdated(kept) and not passwords.is_outdated(passwords.NOBODYS)


def test_a_letter_composed_otherwise_is_the_same_letter() -> None:
    assert passwords.matches(passwords.hashed("caf\u00e9-au-lait-x"), "cafe\u0301-au-lait-x")


def test_nothing_is_cut_off() -> None:
    long = "correct horse battery " * 10
    assert not passwords.matches(passwords.hashed(long), long[:72])


def test_without_a_hash_nothing_fits() -> None:
    assert not passwords.matches(None, "anything-at-all")
    assert not passwords.matches("not a hash", "anything-at-all")


def test_made_up_passwords_are_good_and_differ() -> None:
    made = {passwords.generate() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        passwords.require_good(each, "amina")


def test_at_most_two_are_hashed_at_once_and_the_third_is_not_kept_waiting_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "LONGEST_WAIT", 0.1)
    go_on, at_once, most = threading.Event(), [0], [0]

    def slow() -> None:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        go_on.wait(5)
        at_once[0] -= 1

    two = [threading.Thread(target=passwords._in_turn, args=(slow,)) for _ in range(2)]
    for each in two:
        each.start()
    while at_once[0] < 2:
        time.sleep(0.001)
    with pytest.raises(Busy):
        passwords.hashed("seven-quiet-herons")
    go_on.set()
    for each in two:
        each.join()
    assert most == [2]
