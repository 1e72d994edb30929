"""What people type into a search comes in a header, and stands sealed in every address of ours."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from clinic_web.ui.private import Seal
from tests import factories
from tests.cast import Cast

HTMX = {"HX-Request": "true"}
SEAL = Seal("tests-only-tests-only-tests-only-tests")


def typed(**fields: str) -> dict[str, str]:
    """As static/js/shell.js sends the fields of a form that asks by GET."""
    pairs = json.dumps(list(fields.items()), ensure_ascii=False).encode()
    return HTMX | {"X-Typed": base64.urlsafe_b64encode(pairs).decode()}


@pytest.fixture
def amina(as_person: object, cast: Cast) -> FlaskClient:
    factories.patient(organization_id=cast.organization_id)
    return as_person("amina")  # type: ignore[operator]


def test_words_in_the_header_are_searched_for_and_the_address_says_them_sealed(amina: FlaskClient) -> None:
    answer = amina.get("/patients?sort=-name", headers=typed(q="maryam"))
    assert "Maryam" in answer.text.replace("<mark>", "").replace("</mark>", "")
    pushed = urlsplit(answer.headers["HX-Push-Url"])
    asked = parse_qs(pushed.query)
    assert asked["sort"] == ["-name"] and asked["q"][0].startswith("~")
    again = amina.get(f"{pushed.path}?{pushed.query}", headers=HTMX)
    assert again.headers["HX-Push-Url"] == answer.headers["HX-Push-Url"]
    assert "Tahhan" in again.text and "maryam" not in again.headers["HX-Push-Url"]


def test_arabic_and_odd_letters_come_through(app: Flask) -> None:
    with app.test_client() as browser:
        browser.get("/healthz?~=1", headers=typed(q="مريم + & = ~ %41", other=""))
        assert request.args.to_dict() == {"~": "1", "q": "مريم + & = ~ %41", "other": ""}


@pytest.mark.parametrize("header", ["x", "====", base64.urlsafe_b64encode(b"[1]").decode(), "é"])
def test_a_header_that_says_nothing_is_nothing(app: Flask, header: str) -> None:
    with app.test_client() as browser:
        assert browser.get("/healthz?a=1", headers={"X-Typed": header}).status_code == 200
        assert request.args.to_dict() == {"a": "1"}


@pytest.mark.parametrize("q", ["~AAAA", "~", SEAL.close("after", "x"), Seal("another key").close("q", "x")])
def test_what_cannot_be_opened_was_never_asked(app: Flask, q: str) -> None:
    with app.test_client() as browser:
        assert browser.get("/healthz", query_string={"q": q, "a": "1"}).status_code == 200
        assert request.args.to_dict() == {"a": "1"}


def test_the_same_words_look_the_same_and_their_name_is_part_of_the_seal() -> None:
    assert SEAL.close("q", "Maryam") == SEAL.close("q", "Maryam") != SEAL.close("q", "maryam")
    assert SEAL.open("q", SEAL.close("q", "مريم")) == "مريم"
    assert SEAL.open("after", SEAL.close("q", "Maryam")) is None


def test_signing_in_leads_back_without_the_words(app: Flask, cast: Cast) -> None:
    answer = app.test_client().get("/patients?q=maryam")
    assert answer.status_code == 302
    assert "maryam" not in answer.headers["Location"] and "q%3D~" in answer.headers["Location"]
