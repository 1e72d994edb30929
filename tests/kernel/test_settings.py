"""A wrong setting stops the start, with its name."""

from __future__ import annotations

import pytest

from clinic_web import app as program
from clinic_web.config import ConfigError, read_settings
from clinic_web.kernel import failpoints

RIGHT = {
    "DATABASE_URL": "postgresql://app@localhost/clinic",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "x" * 40,
    "SECRET_STORE_KEY": "y" * 40,
}


def test_right_settings_are_read() -> None:
    settings = read_settings(RIGHT)
    assert settings.database_url.startswith("postgresql+psycopg://")
    assert settings.database_owner_url == settings.database_url
    assert settings.allowed_origins == ["http://localhost:8000"]
    assert not settings.is_https


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_STORE_KEY": ""}, "SECRET_STORE_KEY"),
        ({"SECRET_STORE_KEY": "short"}, "SECRET_STORE_KEY"),
        ({"SECRET_STORE_OLD_KEYS": "z" * 40 + " short"}, "SECRET_STORE_OLD_KEYS"),
        ({"SMTP_URL": "mail.example.org"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://mail.example.org"}, "MAIL_FROM"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"PUBLIC_URL": "desk.example.org"}, "PUBLIC_URL"),
        ({"APP_ENV": "staging"}, "APP_ENV"),
        ({"DATABASE_POOL_SIZE": "many"}, "DATABASE_POOL_SIZE"),
    ],
)
def test_a_wrong_one_is_named(change: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        read_settings(RIGHT | change)


def test_failpoints_exist_only_in_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAILPOINTS", "transaction.before_commit=kill")
    with pytest.raises(ConfigError, match="FAILPOINTS"):
        failpoints.configure(read_settings(RIGHT | {"APP_ENV": "production"}))


@pytest.mark.parametrize(
    ("url", "is_said"),
    [
        ("http://desk.example.org", True),
        ("https://desk.example.org", False),
        ("http://localhost:8000", False),
    ],
)
def test_production_without_tls_is_said_aloud(
    url: str, is_said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(program.logger, "warning", lambda event, **_named: said.append(event), raising=False)
    program._warn_of_plain_http(read_settings(RIGHT | {"PUBLIC_URL": url}))
    assert said == (["public_url_without_tls"] if is_said else [])
