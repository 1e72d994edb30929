"""What an officer must be able to see afterwards: who was refused what, and which bugs showed."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from uuid import uuid4

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from clinic_web.kernel import logs
from clinic_web.ui import answers
from tests.cast import Cast

Browser = Callable[[str], FlaskClient]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, object]]]]:
    """What is written, line by line, by a logger that is configured as in production."""
    before = structlog.get_config()
    written = StringIO()
    logs.configure("DEBUG")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    monkeypatch.setattr(answers, "logger", structlog.get_logger())
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    structlog.configure(**before)


def test_a_refusal_says_who_what_and_from_where(
    as_person: Browser, cast: Cast, log: Callable[[], list[dict[str, object]]]
) -> None:
    browser = as_person("amina")
    lie = {"X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6"}
    assert browser.get("/admin/users", headers=lie).status_code == 403
    assert browser.get(f"/patients/{uuid4()}").status_code == 404
    denied, absent = log()
    assert denied["event"] == "refused" and denied["permission"] == "user.manage"
    assert denied["user_id"] == str(cast.people["amina"].user_id) and denied["ip_address"] == "127.0.0.1"
    assert denied["endpoint"] == "users.users" and len(str(denied["request_id"])) == 6
    assert str(denied["timestamp"]).endswith("Z")
    assert (absent["status"], absent["why"], absent["endpoint"]) == (404, "NotFound", "patients.patient")


def test_another_sites_form_is_noted(
    app: Flask, cast: Cast, log: Callable[[], list[dict[str, object]]]
) -> None:
    answer = app.test_client().post("/login", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert [line["why"] for line in log()] == ["CrossSite"]


def test_a_bug_says_where_and_not_what(
    app: Flask,
    as_person: Browser,
    log: Callable[[], list[dict[str, object]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_given: object, **_named: object) -> None:
        raise ValueError("Maryam Tahhan") from KeyError("0100 555 1234")

    browser = as_person("amina")
    monkeypatch.setitem(app.view_functions, "patients.find", broken)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = browser.get("/patients/find?q=Maryam")
    assert answer.status_code == 500
    (line,) = log()
    assert line["event"] == "unhandled_error" and line["error_type"] == "ValueError"
    assert "builtins.KeyError\nbuiltins.ValueError\n" in str(line["exception"])
    assert "test_refusals_are_logged.py" in str(line["exception"])
    for words in ("Maryam", "0100", "Traceback", "ValueError"):
        assert words not in answer.text and words not in str(line).replace("ValueError", "").replace(
            "KeyError", ""
        )
    assert str(line["request_id"]) in answer.text


def test_a_line_stays_one_line(log: Callable[[], list[dict[str, object]]]) -> None:
    answers.logger.info("refused", endpoint="a\r\nb\x1b[31m", name="Maryam")
    (line,) = log()
    assert line["endpoint"] == "a\r\nb\x1b[31m" and line["name"] == "[hidden]"
