"""Amina's own desk, a stranger's browser, and what each of them hears."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.kernel.db import db
from tests.cast import PASSWORD, Cast

Browser = Callable[[str], FlaskClient]
WRONG = "not-the-right-one"
DEVICE = "clinic-device"


def sign_in(client: FlaskClient, password: str = PASSWORD, name: str = "amina") -> int:
    return client.post("/login", data={"username": name, "password": password}).status_code


def device_of(client: FlaskClient) -> str:
    cookie = client.get_cookie(DEVICE)
    assert cookie is not None
    return cookie.value


def test_the_owner_gets_in_at_the_own_desk_while_a_stranger_is_guessing(
    app: Flask, client: FlaskClient, later: Callable[[timedelta], None]
) -> None:
    assert sign_in(client) == 303
    client.post("/logout")
    stranger, elsewhere = app.test_client(), app.test_client()
    assert [sign_in(stranger, WRONG) for _ in range(6)] == [422] * 4 + [429] * 2
    assert sign_in(elsewhere) == 429  # also the right password waits, where nobody is known
    assert sign_in(client) == 303
    client.post("/logout")
    later(timedelta(seconds=1))
    assert sign_in(stranger, WRONG) == 429  # the owner's success does not help the stranger
    assert [sign_in(client, WRONG) for _ in range(6)] == [422] * 4 + [429] * 2  # nor is a stolen device free


def test_a_device_of_somebody_elses_or_a_made_up_one_is_not_known(app: Flask, client: FlaskClient) -> None:
    farida = app.test_client()
    assert sign_in(farida, name="farida") == 303
    farida.post("/logout")
    for _ in range(5):
        sign_in(client, WRONG)
    assert sign_in(farida) == 429
    for forged in ("x", device_of(farida)[:-2] + "xx"):
        client.set_cookie(DEVICE, forged)
        assert sign_in(client) == 429


def test_the_cookie_is_out_of_reach_and_the_database_keeps_a_hash(client: FlaskClient) -> None:
    answer = client.post("/login", data={"username": "amina", "password": PASSWORD})
    [cookie] = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(DEVICE)]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Max-Age=34560000" in cookie
    [kept] = db.session.execute(text("SELECT fingerprint, is_verified FROM identity.devices")).all()
    assert len(kept.fingerprint) == 64 and kept.fingerprint not in cookie and kept.is_verified
    assert DEVICE not in str(client.get("/account").headers)


def test_where_the_address_is_https_the_cookies_stay_with_this_host_and_with_tls(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "SESSION_COOKIE_NAME", "__Host-clinic")
    monkeypatch.setitem(app.config, "SESSION_COOKIE_SECURE", True)
    form = {"username": "amina", "password": PASSWORD}
    cookies = client.post("/login", data=form, base_url="https://localhost").headers.getlist("Set-Cookie")
    assert sorted(each.partition("=")[0] for each in cookies) == ["__Host-clinic", "__Host-clinic-device"]
    for each in cookies:
        assert "Secure" in each and "HttpOnly" in each and "Path=/" in each and "Domain" not in each


def test_a_new_device_is_told_of_once_and_asked_about(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    other = app.test_client()
    sign_in(other)
    sign_in(other)
    told = text("SELECT count(*) FROM kernel.domain_events WHERE event_type = 'device.appeared'")
    assert db.session.scalar(told) == 1
    device_id = db.session.scalar(text("SELECT id FROM identity.devices WHERE NOT is_verified"))
    assert (
        other.post(f"/account/devices/{device_id}/mine").status_code == 422
    )  # nobody vouches for themselves
    client.post("/login", data={"username": "amina", "password": PASSWORD})
    page = client.get("/account").text
    assert "A device you have not named" in page and "New. Was that you?" in page
    assert client.post(f"/account/devices/{device_id}/mine").status_code == 303
    assert "New. Was that you?" not in client.get("/account").text


def test_a_forgotten_device_is_signed_out_and_a_stranger_again(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    other = app.test_client()
    sign_in(other)
    device_id = db.session.scalar(text("SELECT id FROM identity.devices WHERE NOT is_verified"))
    answer = client.post(f"/account/devices/{device_id}/forget", headers={"HX-Request": "true"})
    assert "signed out and forgotten" in answer.text and str(device_id) not in answer.text
    assert other.get("/account").status_code == 302 and client.get("/account").status_code == 200
    assert client.post(f"/account/devices/{device_id}/forget").status_code == 404


def test_nobody_forgets_or_names_anothers_device(client: FlaskClient, as_person: Browser) -> None:
    sign_in(client)
    device_id = db.session.scalar(text("SELECT id FROM identity.devices"))
    for name in ("farida", "omar"):
        person = as_person(name)
        sign_in(person, name=name)
        assert person.post(f"/account/devices/{device_id}/forget").status_code == 404
        assert person.post(f"/account/devices/{device_id}/mine").status_code == 404


def test_all_other_sessions_end_at_once(as_person: Browser, cast: Cast) -> None:
    here, there, farida = as_person("amina"), as_person("amina"), as_person("farida")
    assert "End all others" in here.get("/account").text
    answer = here.post("/account/sessions/end", headers={"HX-Request": "true"})
    assert "other sessions were ended" in answer.text and answer.text.count('id="session-') == 1
    assert here.get("/account").status_code == farida.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
