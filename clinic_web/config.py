"""Settings, read once from the environment into one frozen object; wrong or missing values stop the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ENVIRONMENTS = ("production", "development", "test")
SHORTEST_SECRET = 32
LOCAL = Path(__file__).parents[1] / ".local"


class ConfigError(RuntimeError):
    """A setting is missing, malformed or unsafe; the message names it and what would be right."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything the program may be told from outside.

    ``database_url`` is the application's role, ``database_owner_url`` the one that migrates. URLs are in
    SQLAlchemy's form for psycopg 3. ``public_url`` decides cookie flags, links and allowed origins.
    ``trusted_proxies`` is how many proxies of our own stand in front and add to X-Forwarded-For.
    ``metrics_token`` is what Prometheus must bring along; without one there are no metrics.
    ``audit_anchors`` is the file outside the database that the ends of the audit's chains are added to.
    ``secret_store_key`` encrypts what the database keeps for somebody else to use (see kernel.secret_store);
    ``secret_store_old_keys`` still open what was encrypted before it. Without ``smtp_url`` no e-mail is sent.
    """

    environment: str
    secret_key: str
    secret_store_key: str
    database_url: str
    database_owner_url: str
    redis_url: str
    public_url: str
    pool_size: int
    trusted_proxies: int = 0
    log_level: str
    metrics_token: str | None = None
    audit_anchors: Path | None = None
    secret_store_old_keys: tuple[str, ...] = ()
    smtp_url: str | None = None
    mail_from: str | None = None

    @property
    def is_test(self) -> bool:
        return self.environment == "test"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def allowed_origins(self) -> list[str]:
        """Origins that may open a socket; never empty, because an empty list turns the check off."""
        parts = urlsplit(self.public_url)
        return [f"{parts.scheme}://{parts.netloc}"]


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ``, the process's own by default; ConfigError says what is wrong."""
    env = os.environ if environ is None else environ
    environment = env.get("APP_ENV", "production")
    if environment not in ENVIRONMENTS:
        raise ConfigError(f"APP_ENV is {environment!r}; it must be one of {', '.join(ENVIRONMENTS)}.")
    database_url = _database_url(_required(env, "DATABASE_URL"))
    return Settings(
        environment=environment,
        secret_key=_secret("SECRET_KEY", _required(env, "SECRET_KEY")),
        secret_store_key=_secret("SECRET_STORE_KEY", _required(env, "SECRET_STORE_KEY")),
        secret_store_old_keys=_old_keys(env),
        database_url=database_url,
        database_owner_url=_database_url(env.get("DATABASE_OWNER_URL") or database_url),
        redis_url=_required(env, "REDIS_URL"),
        public_url=_public_url(env),
        pool_size=_whole_number(env, "DATABASE_POOL_SIZE", default=10),
        trusted_proxies=_whole_number(env, "TRUSTED_PROXIES", default=0),
        log_level=env.get("LOG_LEVEL", "INFO").upper(),
        metrics_token=_metrics_token(env),
        audit_anchors=_audit_anchors(env, environment),
        smtp_url=_smtp_url(env),
        mail_from=env.get("MAIL_FROM") or None,
    )


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name) or _from_file(env, name)
    if not value:
        raise ConfigError(f"{name} is not set. `make run` sets it for you; see .local/env.")
    return value


def _from_file(env: Mapping[str, str], name: str) -> str | None:
    """``NAME_FILE`` may name a file that holds the value, as secrets are mounted into containers."""
    path = env.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else None


def _secret(name: str, secret: str) -> str:
    if len(secret) < SHORTEST_SECRET:
        raise ConfigError(f"{name} is too short: {SHORTEST_SECRET} characters at least.")
    return secret


def _audit_anchors(env: Mapping[str, str], environment: str) -> Path | None:
    """Beside the local data in development; elsewhere only where the operator says."""
    if given := env.get("AUDIT_ANCHORS"):
        return Path(given)
    return LOCAL / "audit" / "anchors.jsonl" if environment == "development" else None


def _old_keys(env: Mapping[str, str]) -> tuple[str, ...]:
    given = env.get("SECRET_STORE_OLD_KEYS") or _from_file(env, "SECRET_STORE_OLD_KEYS") or ""
    return tuple(_secret("SECRET_STORE_OLD_KEYS", key) for key in given.split())


def _smtp_url(env: Mapping[str, str]) -> str | None:
    url = env.get("SMTP_URL") or _from_file(env, "SMTP_URL")
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError("SMTP_URL must look like smtp://name:password@mail.example.org:587 (or smtps://).")
    if not env.get("MAIL_FROM"):
        raise ConfigError("MAIL_FROM is not set: SMTP_URL needs the address that letters come from.")
    return url


def _metrics_token(env: Mapping[str, str]) -> str | None:
    token = env.get("METRICS_TOKEN") or _from_file(env, "METRICS_TOKEN")
    if token and len(token) < SHORTEST_SECRET:
        raise ConfigError(f"METRICS_TOKEN is too short: {SHORTEST_SECRET} characters at least.")
    return token


def _database_url(url: str) -> str:
    """Name the driver, so that an ordinary ``postgresql://`` URL reaches psycopg 3."""
    for plain in ("postgresql://", "postgres://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    if not url.startswith("postgresql+psycopg://"):
        raise ConfigError("DATABASE_URL must begin with postgresql://; PostgreSQL is the only database.")
    return url


def _public_url(env: Mapping[str, str]) -> str:
    url = env.get("PUBLIC_URL") or f"http://localhost:{env.get('PORT', '8000')}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigError(f"PUBLIC_URL is {url!r}; it must be an address such as https://desk.example.org.")
    return url.rstrip("/")


def _whole_number(env: Mapping[str, str], name: str, *, default: int) -> int:
    try:
        return int(env.get(name, default))
    except ValueError as error:
        raise ConfigError(f"{name} must be a whole number.") from error
