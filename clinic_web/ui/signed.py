"""What browsers bring along signed: the session's cookie and the token of each form.

A desk sends the same two with every press of the day. Whether the signature is ours is worked out once per
process and remembered; who the session's token belongs to, and whether it is still open, is asked of
PostgreSQL at each request all the same.
"""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

from flask import Flask, current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect
from itsdangerous import SignatureExpired, URLSafeTimedSerializer

MOST_REMEMBERED = 5000
TOKEN = "csrf_token"  # noqa: S105 - the name under which Flask-WTF keeps it


class RememberingSigner(URLSafeTimedSerializer):
    """Checks each signature once. What it returns is a copy: a session may be changed while it is used."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._known: dict[str | bytes, tuple[Any, float]] = {}

    def loads(  # type: ignore[override]  # as itsdangerous' own of this class
        self,
        s: str | bytes,
        max_age: int | None = None,
        return_timestamp: bool = False,
        salt: str | bytes | None = None,
    ) -> Any:
        if return_timestamp or salt is not None:
            return super().loads(s, max_age, return_timestamp, salt)
        known = self._known
        if s not in known:
            value, signed_at = super().loads(s, max_age, return_timestamp=True)
            if len(known) >= MOST_REMEMBERED:
                known.clear()
            known[s] = value, signed_at.timestamp()
        value, at = known[s]
        if max_age is not None and time.time() - at > max_age:
            raise SignatureExpired("The signature is too old.")
        return deepcopy(value)


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookies, with one signer for all of them."""

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._signer is None:
            stock = super().get_signing_serializer(app)
            if stock is not None:
                self._signer = RememberingSigner(
                    stock.secret_keys,
                    salt=stock.salt,
                    serializer=stock.serializer,
                    signer_kwargs=stock.signer_kwargs,
                )
        return self._signer


class FormGuard(CSRFProtect):  # type: ignore[misc]  # Flask-WTF has no types
    """Flask-WTF's check of a form's token; what was found to belong to a session is not worked out again."""

    def __init__(self, app: Flask) -> None:
        self._known: set[tuple[Any, Any]] = set()
        super().__init__(app)

    def protect(self, apply_exemptions: bool = False) -> None:
        if request.method not in current_app.config["WTF_CSRF_METHODS"]:
            return
        pair = self._get_csrf_token(), session.get(TOKEN)
        if pair in self._known:
            g.csrf_valid = True
            return
        super().protect(apply_exemptions)
        if not g.get("csrf_valid"):
            return  # nothing was checked: an address that is not there has no form
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known.add(pair)
