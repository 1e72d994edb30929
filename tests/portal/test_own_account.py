"""A patient's own account: password, sessions, second factor, letters; in the portal's pages only."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pyotp
import pytest
from flask import Flask
from sqlalchemy import text

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.portal.service import inviting
from tests import factories
from tests.cast import Cast
from tests.identity.soft_key import SoftKey
from tests.identity.test_letters import Mailbox, carry, mailbox, text_of  # noqa: F401
from tests.portal.conftest import PASSWORD, Phone, invite

Phones = Callable[[], Phone]
Later = Callable[[timedelta], None]
NEW = "seven-quiet-herons"


@pytest.fixture
def mine(cast: Cast, amina: Actor, phone: Phones) -> Iterator[Phone]:
    """Maryam's telephone, signed in."""
    one = phone()
    one.join(invite(amina, factories.patient(organization_id=cast.organization_id)))
    yield one


def test_a_changed_password_signs_every_other_telephone_out(mine: Phone, phone: Phones) -> None:
    other = phone()
    assert other.sign_in().status_code == 303 and other.is_in()
    typed = {"current": "wrong-wrong-wrong", "password": NEW, "again": NEW}
    assert mine.client.post("/portal/account/password", data=typed).status_code == 422
    typed["current"] = PASSWORD
    assert mine.client.post("/portal/account/password", data=typed).headers["Location"] == "/portal/account"
    assert mine.is_in() and not other.is_in()
    assert other.sign_in().status_code == 422 and other.sign_in(password=NEW).status_code == 303


def test_sessions_are_seen_and_ended(mine: Phone, phone: Phones, later: Later) -> None:
    later(timedelta(minutes=31))
    others = [phone() for _ in range(2)]
    for each in others:
        each.sign_in()
    page = mine.client.get("/portal/account").text
    ends = re.findall(r'"(/portal/account/sessions/[0-9a-f-]{36}/end)"', page)
    assert len(ends) == 2
    for end in (ends[0], "/portal/account/sessions/end"):
        asked = mine.client.post(end)
        assert asked.status_code == 403 and all(each.is_in() for each in others)
    fields = re.findall(r'name="(again|again_url)" value="([^"]*)"', asked.text)
    answer = {name: html.unescape(value) for name, value in fields} | {"password": PASSWORD}
    go_on = mine.client.post("/portal/account/prove", data=answer).text
    assert f'method="post" action="{end}"' in go_on  # a button without fields is pressed again, too
    assert mine.client.post(ends[0]).status_code == 303
    assert [each.is_in() for each in others].count(True) == 1
    mine.client.post("/portal/account/sessions/end")
    assert not any(each.is_in() for each in others) and mine.is_in()
    mine.client.post("/portal/logout")
    assert not mine.is_in() and mine.client.get("/portal").headers["Location"].startswith("/portal/login")


def test_a_second_factor_is_set_up_and_asked_for(mine: Phone, phone: Phones, later: Later) -> None:
    later(timedelta(minutes=31))  # a weighty act, and the password was typed long ago
    asked = mine.client.post("/portal/account/app/begin")
    assert asked.status_code == 403 and "Is it still you?" in asked.text
    again, url = (
        html.unescape(re.findall(rf'name="{name}" value="([^"]*)"', asked.text)[0])
        if f'name="{name}"' in asked.text
        else ""
        for name in ("again", "again_url")
    )
    proved = mine.client.post(
        "/portal/account/prove", data={"password": PASSWORD, "again": again, "again_url": url}
    )
    assert proved.status_code in (200, 303)
    assert mine.client.post("/portal/account/app/begin").headers["Location"] == "/portal/account/app"
    page = mine.client.get("/portal/account/app").text
    seed = "".join(re.findall(r'class="seed[^>]*>([^<]+)<', page)[0].split())
    assert "patient:" not in page
    codes = mine.client.post("/portal/account/app", data={"code": pyotp.TOTP(seed).at(clock.now())})
    recovery = re.findall(r"<li>([0-9A-Z-]{10,})</li>", codes.text)
    assert codes.status_code == 200 and len(recovery) == 10
    other = phone()
    assert other.sign_in().headers["Location"] == "/portal/login/second"
    assert other.client.get("/portal/login/second").status_code == 200 and not other.is_in()
    assert other.client.post("/portal/login/second", data={"code": "000000"}).status_code == 422
    later(timedelta(seconds=30))
    code = pyotp.TOTP(seed).at(clock.now())
    assert other.client.post("/portal/login/second", data={"code": code}).headers["Location"] == "/portal"
    assert other.is_in()
    third = phone()
    third.sign_in()
    entered = third.client.post("/portal/login/second", data={"code": recovery[0]})
    assert entered.headers["Location"] == "/portal"
    shown = third.client.get("/portal/account").text
    assert "9 are left" in shown
    [gone] = re.findall(r'"(/portal/account/factors/[0-9a-f-]{36}/remove)"', shown)
    assert third.client.post(gone).status_code == 303
    assert phone().sign_in().headers["Location"] == "/portal"


def test_a_passkey_alone_signs_in(app: Flask, mine: Phone, phone: Phones) -> None:
    key = SoftKey()
    assert mine.client.get("/portal/account/passkeys/new").status_code == 200
    options = json.loads(mine.client.post("/portal/account/passkeys/options").text)
    assert options["user"]["name"] == "maryam@example.org"
    made = mine.client.post(
        "/portal/account/passkeys", data={"credential": key.made(options), "name": "Telephone"}
    )
    assert made.status_code == 200 and "recovery codes" in made.text
    for path, home in (("/portal/login/passkey", "/portal"), ("/login/passkey", "/portal")):
        other = phone()
        options = json.loads(other.client.post(f"{path}/options").text)
        entered = other.client.post(path, data={"credential": key.used(options)})
        assert entered.headers["Location"] == home and other.is_in()  # whichever door: the same person


def test_a_role_that_needs_a_factor_opens_nothing_but_the_account_until_there_is_one(
    cast: Cast, mine: Phone
) -> None:
    db.session.execute(
        text(
            "INSERT INTO identity.role_rules (organization_id, role_id, requires_second_factor)"
            " SELECT :tenant, id, true FROM identity.roles WHERE name = 'patient' AND organization_id IS NULL"
        ),
        {"tenant": cast.organization_id},
    )
    db.session.execute(text("UPDATE identity.users SET rights_stamp = gen_random_uuid()"))
    db.session.commit()
    assert mine.client.get("/portal").status_code == 403
    assert "asks for a second factor" in mine.client.get("/portal/account").text
    assert mine.sign_in().headers["Location"] == "/portal/account"


@pytest.fixture
def at_home(cast: Cast, amina: Actor, phone: Phones, mailbox: Mailbox) -> Phone:  # noqa: F811
    """Maryam's telephone; she was invited by letter, and showed that the address is hers."""
    patient = factories.patient(organization_id=cast.organization_id, email="maryam@example.org")
    made = inviting.invite(amina, patient, "SELF", by_mail=True, key=str(uuid4()))
    assert made.is_mailed and made.code is None
    carry()
    carry()
    [letter] = mailbox.letters
    said = text_of(letter)
    assert letter["To"] == "maryam@example.org" and "Maryam" not in said and "Maryam" not in letter["Subject"]
    [code] = re.findall(r"http://localhost/portal/join#([0-9A-Z-]+)", said)
    waiting = text("SELECT string_agg(event_data::text, '') FROM kernel.domain_events")
    kept = str(db.session.scalar(waiting)) + str(
        db.session.execute(text("SELECT n::text FROM notifications.notifications n")).all()
    )
    assert code not in kept
    mine = phone()
    mine.join(code)
    carry()
    confirmation = text_of(mailbox.letters[-1])
    [path] = re.findall(r"http://localhost(/portal/link/\S+)", confirmation)
    anybody = phone()
    assert anybody.client.get(path.replace("/portal", "")).headers["Location"] == "/link"
    assert anybody.client.get("/link").status_code == 404  # not at the colleagues' door
    assert anybody.client.get(path).headers["Location"] == "/portal/link"
    assert "Is this your address?" in anybody.client.get("/portal/link").text
    assert anybody.client.post("/portal/link").headers["Location"] == "/portal/login"
    return mine


def test_an_invitation_and_a_forgotten_password_go_by_letter(
    app: Flask,
    at_home: Phone,
    phone: Phones,
    mailbox: Mailbox,  # noqa: F811
) -> None:
    assert "Confirmed." in at_home.client.get("/portal/account").text
    for typed in ("Maryam@example.org", "nobody@example.org"):
        told = phone().client.post("/portal/login/forgotten", data={"username": typed})
        assert told.status_code == 200 and "a letter with a link" in told.text
    before = len(mailbox.letters)
    carry()
    assert len(mailbox.letters) == before + 1
    [path] = re.findall(r"http://localhost(/portal/link/\S+)", text_of(mailbox.letters[-1]))
    forgetful = phone()
    forgetful.client.get(path)
    chosen = forgetful.client.post("/portal/link", data={"password": NEW, "again": NEW})
    assert chosen.headers["Location"] == "/portal/login"
    assert not at_home.is_in()
    assert forgetful.sign_in().status_code == 422 and forgetful.sign_in(password=NEW).status_code == 303
    assert forgetful.client.post("/portal/link", data={"password": NEW, "again": NEW}).status_code == 404


def test_the_same_password_of_a_colleague_opens_nothing_here(cast: Cast, phone: Phones) -> None:
    assert phone().sign_in("amina", "correct-horse-battery-staple").status_code == 422
