"""One press, one effect: also twice, at once, with another body, and without a key."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.kernel import idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import BadRequest, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests.threads import ThreadPoolExecutor


def press(ringer: Actor, key: str | None, amount: int = 5) -> str:
    with transaction():
        claim = idempotency.claim(ringer, "test.press", key, {"amount": amount})
        if claim.answer is not None:
            return str(claim.answer["receipt"])
        receipt = str(new_id())
        claim.keep({"receipt": receipt})
        return receipt


def test_the_same_press_gives_the_same_answer(app: Flask, ringer: Actor) -> None:
    assert press(ringer, "k1") == press(ringer, "k1")


def test_another_key_is_another_press(app: Flask, ringer: Actor) -> None:
    assert press(ringer, "k1") != press(ringer, "k2")


def test_another_persons_key_is_his_own(app: Flask, ringer: Actor) -> None:
    other = Actor(organization_id=ringer.organization_id, user_id=new_id())
    assert press(ringer, "k1") != press(other, "k1")


def test_the_same_key_with_another_body_is_refused(app: Flask, ringer: Actor) -> None:
    press(ringer, "k1", amount=5)
    with pytest.raises(RuleBroken):
        press(ringer, "k1", amount=6)


@pytest.mark.parametrize("key", [None, "", "x" * 101])
def test_a_press_without_a_key_is_refused(app: Flask, ringer: Actor, key: str | None) -> None:
    with pytest.raises(BadRequest):
        press(ringer, key)


def test_twenty_presses_at_once_are_one(committing: Flask, ringer: Actor) -> None:
    def one(_: int) -> str:
        with committing.app_context():
            return press(ringer, "same")

    with ThreadPoolExecutor(20) as pool:
        receipts = set(pool.map(one, range(20)))
    assert len(receipts) == 1
    with committing.app_context():
        assert db.session.execute(text("SELECT count(*) FROM kernel.idempotency_keys")).scalar() == 1
