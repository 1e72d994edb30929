"""A form without its token does nothing, whatever the browser has sent before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.cast import Cast, sign_in


@pytest.fixture
def guarded(app: Flask) -> Iterator[Flask]:
    app.config["WTF_CSRF_ENABLED"] = True
    yield app
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.mark.parametrize("nowhere", ["/nowhere", "/healthz"])
def test_a_form_to_an_address_that_is_not_there_vouches_for_no_later_one(
    guarded: Flask, cast: Cast, nowhere: str
) -> None:
    """What was let through unchecked must not be remembered as checked."""
    for is_somebody in (False, True):
        browser = guarded.test_client()
        if is_somebody:
            sign_in(browser, cast.people["amina"])
            assert browser.get("/account").status_code == 200  # its forms' token is in the session now
        assert browser.post("/language", data={"language": "ar"}).status_code == 400
        assert browser.post(nowhere).status_code in {404, 405}
        assert browser.post("/language", data={"language": "ar"}).status_code == 400


def test_what_no_keyboard_types_is_refused_before_anybody_looks_for_it(app: Flask, cast: Cast) -> None:
    browser = app.test_client()
    sign_in(browser, cast.people["amina"])
    assert browser.get("/patients?q=a%00b").status_code == 400
    assert browser.post("/patients", data={"idempotency_key": "a\x00b"}).status_code == 400
    assert browser.get("/patients?q=ab").status_code == 200
