"""What every answer tells a browser, and what lies open to nobody."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from clinic_web.config import Settings
from clinic_web.ui import headers
from tests.cast import Cast

Browser = Callable[[str], FlaskClient]
KINDS = ("/", "/login", "/desk", "/patients", "/healthz", "/nothing", "/static/css/shell.css",
         "/static/img/mark.svg", "/patients.csv", "/admin/users", "/metrics", "/board")  # fmt: skip


@pytest.fixture
def tls(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The same program as people reach it by https."""
    before = app.after_request_funcs[None]
    app.after_request_funcs[None] = list(before)
    app.before_request_funcs[None] = (funcs := list(app.before_request_funcs[None]))
    added: list[object] = []
    monkeypatch.setattr(app, "after_request", lambda view: added.append(view) or view)
    monkeypatch.setattr(app, "before_request", lambda view: view)
    headers.install(app, replace(settings, public_url="https://desk.example.org"))
    monkeypatch.undo()
    app.after_request_funcs[None].insert(0, added[0])  # type: ignore[arg-type]  # runs last
    app.config["SESSION_COOKIE_SECURE"] = True
    yield app
    app.config["SESSION_COOKIE_SECURE"] = False
    app.after_request_funcs[None] = before
    app.before_request_funcs[None] = funcs


def test_every_answer_says_what_a_browser_may_do_with_it(as_person: Browser) -> None:
    browser = as_person("amina")
    for path in KINDS:
        answer = browser.get(path, buffered=True)
        said = answer.headers
        assert said["X-Content-Type-Options"] == "nosniff", path
        assert said["Referrer-Policy"] == "same-origin"
        assert said["Cross-Origin-Opener-Policy"] == said["Cross-Origin-Resource-Policy"] == "same-origin"
        policy = said["Content-Security-Policy"]
        for words in ("default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert words in policy, (path, words)
        assert "unsafe" not in policy and "*" not in policy
        assert not [name for name, _ in said if name.startswith("Access-Control-")]
        if not path.startswith("/static"):
            assert said["Cache-Control"] == "no-store", path
        assert said.get("X-Powered-By") is None


def test_a_nonce_serves_one_answer(as_person: Browser) -> None:
    browser = as_person("amina")
    found = [
        re.search(r"'nonce-([^']+)'", browser.get("/desk").headers["Content-Security-Policy"]) for _ in "12"
    ]
    assert found[0] and found[1] and found[0][1] != found[1][1] and len(found[0][1]) >= 20


def test_text_says_its_letters(as_person: Browser) -> None:
    browser = as_person("amina")
    for path in KINDS:
        kind = browser.get(path, buffered=True).headers["Content-Type"]
        assert "charset=utf-8" in kind or kind == "application/json", (path, kind)


def test_under_tls_browsers_are_told_to_stay_there(tls: Flask) -> None:
    for path in ("/login", "/static/css/shell.css", "/nothing"):
        said = tls.test_client().get(path, buffered=True).headers["Strict-Transport-Security"]
        assert said == "max-age=31536000; includeSubDomains"


def test_every_cookie_belongs_to_this_host_where_there_is_tls(
    tls: Flask, cast: Cast, as_person: Browser
) -> None:
    cookies = [*as_person("amina").get(f"/desk?clinic={cast.dental}").headers.getlist("Set-Cookie")]
    cookies += tls.test_client().get("/board", base_url="https://localhost").headers.getlist("Set-Cookie")
    mine = [each for each in cookies if "desk" in each or "display" in each]
    assert len(mine) == 2 and all(
        each.startswith("__Host-") and "Secure" in each and "HttpOnly" in each for each in mine
    )
    assert all("Path=/;" in f"{each};" and "Domain" not in each for each in mine)


def test_signing_out_empties_the_browsers_cache(as_person: Browser) -> None:
    for door in ("/logout", "/portal/logout"):
        answer = as_person("amina").post(door)
        assert answer.status_code == 303 and answer.headers["Clear-Site-Data"] == '"cache"'


def test_nothing_lies_open(app: Flask, cast: Cast) -> None:
    browser = app.test_client()
    for path in ("/.git/config", "/static/", "/static/css/", "/static/../wsgi.py", "/static/%2e%2e/wsgi.py",
                 "/metrics", "/.env", "/debug", "/console", "/rq"):  # fmt: skip
        assert browser.get(path).status_code == 404, path
    assert browser.open("/login", method="TRACE").status_code == 405
