"""Letters through a real mail server: invitations, forgotten passwords, addresses to confirm, new devices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from clinic_web.identity import api, passwords
from clinic_web.identity.ports import ports
from clinic_web.identity.service import links
from clinic_web.kernel import delivery, tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Permanent, Temporary
from clinic_web.kernel.ids import new_id
from clinic_web.notifications import channels
from clinic_web.notifications.mail import SmtpChannel
from clinic_web.notifications.models import Notification
from clinic_web.notifications.service import sending
from tests.cast import PASSWORD, Cast, Person, sign_in
from tests.post import Mailbox, open_for_business

Browser = Callable[[str], FlaskClient]
NEW = "nine-grey-pelicans"


@pytest.fixture
def mailbox(app: Flask) -> Iterator[Mailbox]:
    with open_for_business() as (box, smtp):
        channels.use("SMTP", smtp)
        ports.can_mail = True
        yield box
        ports.can_mail = False
        channels.use("SMTP", None)


def carry() -> None:
    """Do what the worker does: answer requests, hear events, send letters."""
    for request_id in db.session.scalars(text("SELECT id FROM identity.link_requests")).all():
        links.answer(request_id)
    delivery.drain("notifications")
    for notification_id in db.session.scalars(select(Notification.id)).all():
        sending.send(notification_id)


def text_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def link_in(letter: EmailMessage) -> str:
    [path] = re.findall(r"http://localhost(/link/\S+)", text_of(letter))
    return str(path)


def give_address(cast: Cast, name: str, *, verified: bool = True) -> None:
    person = cast.people[name]
    with tenant.of(person.actor.organization_id):
        db.session.execute(
            text("UPDATE identity.users SET email = :email, email_verified = :verified WHERE id = :id"),
            {"email": f"{name}@example.org", "verified": verified, "id": person.user_id},
        )


def choose(client: FlaskClient, path: str, password: str = NEW) -> int:
    assert client.get(path).headers["Location"] == "/link"
    return client.post("/link", data={"password": password, "again": password}).status_code


def test_a_forgotten_password_is_chosen_anew_by_a_letter(
    client: FlaskClient, cast: Cast, mailbox: Mailbox, as_person: Browser
) -> None:
    give_address(cast, "amina")
    at_work = as_person("amina")
    for _ in range(6):
        client.post("/login", data={"username": "amina", "password": "guessed"})
    assert "Forgotten password" in client.get("/login").text
    told = client.post("/login/forgotten", data={"username": " Amina "}, headers={"Host": "evil.example"})
    assert told.status_code == 200
    waiting = text("SELECT string_agg(event_data::text, '') FROM kernel.domain_events")
    carry()
    carry()
    [letter] = mailbox.letters
    assert letter["To"] == "amina@example.org" and letter["Subject"] == "Choose another password"
    path = link_in(letter)
    token = path.rpartition("/")[2]
    kept = db.session.scalar(waiting) + str(db.session.execute(text("SELECT * FROM identity.links")).all())
    kept += str(db.session.execute(text("SELECT * FROM notifications.notifications")).all())
    assert token not in kept
    page = client.get(path, follow_redirects=True)
    assert page.request.path == "/link" and "Your user name is amina." in page.text and token not in page.text
    short = client.post("/link", data={"password": "short", "again": "short"})
    assert short.status_code == 422 and "At least 12 characters" in short.text
    assert client.post("/link", data={"password": NEW, "again": "another"}).status_code == 422
    done = client.post("/link", data={"password": NEW, "again": NEW}, follow_redirects=True)
    assert "Your password is chosen" in done.text
    assert at_work.get("/account").status_code == 302  # whoever was in with the old one is out
    assert client.post("/login", data={"username": "amina", "password": PASSWORD}).status_code == 422
    assert client.post("/login", data={"username": "amina", "password": NEW}).status_code == 303
    assert client.get(path).status_code == 303
    spent = client.get("/link")
    assert spent.status_code == 404 and "used already or is too old" in spent.text


def test_a_link_is_too_old_after_its_time_and_ends_by_a_newer_one(
    client: FlaskClient, cast: Cast, mailbox: Mailbox, later: Callable[[timedelta], None]
) -> None:
    give_address(cast, "amina")
    for _ in range(2):
        client.post("/login/forgotten", data={"username": "amina@example.org"})
        carry()
    first, second = mailbox.letters
    assert choose(client, link_in(first)) == 404
    later(timedelta(minutes=31))
    assert choose(client, link_in(second)) == 404


def test_whether_somebody_exists_shows_neither_in_the_answer_nor_in_what_it_costs(
    client: FlaskClient,
    cast: Cast,
    mailbox: Mailbox,
    count_queries: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give_address(cast, "amina")
    give_address(cast, "farida", verified=False)
    hashed: list[str] = []
    monkeypatch.setattr(passwords, "_in_turn", lambda work: hashed.append("once"))
    pages, costs = [], []
    for typed in ("amina", "farida", "nobody", "amina@example.org", "nobody@example.org"):
        with count_queries() as statements:
            answer = client.post("/login/forgotten", data={"username": typed})
        changing = r'nonce="[^"]+"|value="[^"]*"|data-now="[^"]+"|X-CSRFToken[^}]+'
        pages.append((answer.status_code, re.sub(changing, "", answer.text)))
        costs.append(list(statements))
    assert len(set(pages)) == 1 and all(each == costs[0] for each in costs) and not hashed
    carry()
    assert {letter["To"] for letter in mailbox.letters} == {"amina@example.org"}


def test_nobody_is_flooded_with_letters_and_no_address_asks_for_ever(
    client: FlaskClient, cast: Cast, mailbox: Mailbox
) -> None:
    give_address(cast, "amina")
    codes = [client.post("/login/forgotten", data={"username": "amina"}).status_code for _ in range(32)]
    assert codes == [200] * 30 + [429] * 2
    carry()
    assert len(mailbox.letters) <= 3


def test_a_reset_leaves_the_second_factor_where_it_is(
    client: FlaskClient, cast: Cast, mailbox: Mailbox
) -> None:
    from tests.identity.test_second_factor import give_app

    give_address(cast, "amina")
    give_app(cast.people["amina"].actor)
    client.post("/login/forgotten", data={"username": "amina"})
    carry()
    assert choose(client, link_in(mailbox.letters[0])) == 303
    entered = client.post("/login", data={"username": "amina", "password": NEW})
    assert entered.headers["Location"] == "/login/second" and client.get("/account").status_code == 302


NEWCOMER = {
    "first_name": "Nour",
    "last_name": "Said",
    "username": "nour",
    "language": "ar",
    "roles": "cashier",
    "email": "Nour@Example.org",
    "entry": "link",
    "idempotency_key": "n1",
}


def test_somebody_invited_chooses_their_own_password(
    app: Flask, client: FlaskClient, boss: Actor, mailbox: Mailbox
) -> None:
    huda = app.test_client()
    assert boss.user_id
    sign_in(huda, Person(boss.user_id, "huda", boss))
    page = huda.post("/admin/users", data=NEWCOMER)
    assert page.status_code == 200 and "A letter with a link is on its way" in page.text
    assert "/link/" not in page.text
    carry()
    [letter] = mailbox.letters
    assert letter["To"] == "nour@example.org" and "Nour Said" in text_of(letter)
    assert client.post("/login", data={"username": "nour", "password": ""}).status_code == 422
    assert choose(client, link_in(letter)) == 303
    assert client.post("/login", data={"username": "nour", "password": NEW}).status_code == 303
    assert db.session.scalar(text("SELECT email_verified FROM identity.users WHERE username = 'nour'"))
    again = huda.post("/admin/users", data=NEWCOMER)
    assert again.status_code == 200 and "sent before" in again.text


def test_without_a_mail_server_the_administrator_hands_the_link_over(
    app: Flask, client: FlaskClient, boss: Actor
) -> None:
    huda = app.test_client()
    assert boss.user_id
    sign_in(huda, Person(boss.user_id, "huda", boss))
    page = huda.post("/admin/users", data=NEWCOMER).text
    [path] = re.findall(r"http://localhost(/link/[\w-]+)", page)
    user_id = db.session.scalar(text("SELECT id FROM identity.users WHERE username = 'nour'"))
    assert path not in huda.get(f"/admin/users/{user_id}").text
    newer = re.findall(r"http://localhost(/link/[\w-]+)", huda.post(f"/admin/users/{user_id}/invite").text)
    assert choose(client, path) == 404
    assert choose(client, newer[0]) == 303
    assert not db.session.scalar(text("SELECT email_verified FROM identity.users WHERE username = 'nour'"))
    assert "Forgotten password" not in client.get("/login").text
    assert client.get("/login/forgotten").status_code == 404
    assert huda.post(f"/admin/users/{boss.user_id}/invite").status_code == 422


def test_an_address_of_ones_own_counts_once_a_letter_arrived_there(
    client: FlaskClient, as_person: Browser, cast: Cast, mailbox: Mailbox
) -> None:
    amina = as_person("amina")
    for wrong in ("amina", "a b@example.org", "a@b", "a@example.org\r\nBcc: b@example.org"):
        assert amina.post("/account/email", data={"email": wrong}).status_code == 422
    give_address(cast, "omar")
    taken = amina.post("/account/email", data={"email": "OMAR@example.org"})
    assert taken.status_code == 422 and "be used here" in taken.text
    assert amina.post("/account/email", data={"email": "amina@home.example"}).status_code == 303
    assert "Not confirmed yet" in amina.get("/account").text
    carry()
    client.get(link_in(mailbox.letters[0]))
    assert "amina@home.example" in client.get("/link").text
    assert client.post("/link").status_code == 303
    assert "Confirmed:" in amina.get("/account").text


def test_the_owner_gets_a_letter_about_a_new_device(app: Flask, cast: Cast, mailbox: Mailbox) -> None:
    give_address(cast, "amina")
    for _ in range(2):
        app.test_client().post("/login", data={"username": "amina", "password": PASSWORD})
    carry()
    [letter] = mailbox.letters
    assert letter["Subject"] == "A new device signed in as you" and "127.0.0.1" in text_of(letter)


def test_a_mail_server_that_says_never_and_one_that_says_later(app: Flask, mailbox: Mailbox) -> None:
    smtp = channels.channel("SMTP")
    mailbox.refuses = "550 no such mailbox amina@example.org"
    with pytest.raises(Permanent, match=r"^SMTP 550$"):
        smtp.deliver(new_id(), "amina@example.org", "text", "subject")
    mailbox.refuses = "451 busy"
    with pytest.raises(Temporary):
        smtp.deliver(new_id(), "amina@example.org", "text", "subject")
    with pytest.raises(Temporary):
        SmtpChannel("smtp://127.0.0.1:9", "a@example.org").deliver(new_id(), "b@example.org", "text", "s")
    mailbox.refuses = ""
    with pytest.raises(Permanent):
        smtp.deliver(new_id(), "a@example.org\nBcc: b@example.org", "text", "subject")
    assert mailbox.letters == []


def test_an_administrator_lets_somebody_set_a_lost_factor_up_anew(
    app: Flask, boss: Actor, cast: Cast, client: FlaskClient
) -> None:
    from tests.identity.test_second_factor import give_app

    amina = cast.people["amina"]
    give_app(amina.actor)
    huda = app.test_client()
    assert boss.user_id
    sign_in(huda, Person(boss.user_id, "huda", boss))
    assert "Remove lost second factors" in huda.get(f"/admin/users/{amina.user_id}").text
    assert huda.post(f"/admin/users/{amina.user_id}/factors/remove").status_code == 303
    assert huda.post(f"/admin/users/{boss.user_id}/factors/remove").status_code == 422
    entered = client.post("/login", data={"username": "amina", "password": PASSWORD})
    assert entered.headers["Location"] != "/login/second"
    assert api.actor_of_token("x") is None
