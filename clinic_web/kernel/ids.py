"""The only source of ids and of the short codes that people read aloud."""

from __future__ import annotations

import secrets
from datetime import date
from uuid import UUID

from uuid_utils.compat import uuid7

# Crockford's base 32: no I, L, O, U, so that a code survives handwriting and a bad telephone line.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> UUID:
    """Return a UUIDv7: unique everywhere and ordered by the time it was made."""
    return uuid7()


def code(length: int = 6) -> str:
    """Return ``length`` random characters that are hard to misread."""
    bits = secrets.randbits(5 * length)
    return "".join(ALPHABET[bits >> 5 * place & 31] for place in range(length))


def dated_number(prefix: str, day: date) -> str:
    """Return a number for people such as ``BK-20261121-7K2QXM``; its column has a unique constraint."""
    return f"{prefix}-{day:%Y%m%d}-{code()}"


def new_token() -> str:
    """Return a secret for a session or a display: 256 random bits, safe in a URL and a cookie."""
    return secrets.token_urlsafe(32)
