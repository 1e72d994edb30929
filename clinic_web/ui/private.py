"""What people type into a search stands in no address: names would stay in logs and histories.

Where the program makes an address itself, such words (and the row beside which a page begins) are sealed:
they look the same each time and nobody but this program reads them. What a form asks by GET, our script sends
in a header instead of the address. A view sees nothing of it: all is in ``request.args``, in plain letters.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, current_app, request

HEADER = "HTTP_X_TYPED"
NAMES = frozenset({"q", "after", "before"})  # no route has one of these in its path
MARK = "~"
# As we write the mark, and as a browser's form does.
IN_A_QUERY = (f"={MARK}", "=%7E", "=%7e")


class Seal:
    """The same words give the same letters, so that addresses stay the same: AES-SIV, bound to their name."""

    def __init__(self, secret_key: str) -> None:
        key = HKDF(SHA256(), 64, salt=None, info=b"clinic-web words in addresses").derive(secret_key.encode())
        self._cipher = AESSIV(key)

    def close(self, name: str, words: str) -> str:
        sealed = self._cipher.encrypt(words.encode(), [name.encode()])
        return MARK + urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, name: str, sealed: str) -> str | None:
        """Return the words; None when they were sealed with another key, for another name, or not at all."""
        packed = sealed.removeprefix(MARK)
        try:
            data = urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
            return self._cipher.decrypt(data, [name.encode()]).decode()
        except (InvalidTag, ValueError):
            return None


class Unsealed:
    """WSGI: gives the program the query as it was meant. What can't be opened any more was never asked."""

    def __init__(self, app: Callable[..., Any], seal: Seal) -> None:
        self._app, self._seal = app, seal

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        query = environ.get("QUERY_STRING", "")
        typed = environ.get(HEADER)
        if typed or any(each in query for each in IN_A_QUERY):
            pairs = [*opened(self._seal, query), *_of_header(typed or "")]
            environ["QUERY_STRING"] = urlencode(pairs)
        return self._app(environ, start_response)


def install(app: Flask, secret_key: str) -> None:
    """Seal in every address that is built from now on, and open in every request."""
    seal = Seal(secret_key)
    app.extensions["private-words"] = seal
    app.wsgi_app = Unsealed(app.wsgi_app, seal)  # type: ignore[method-assign]

    @app.url_defaults
    def seal_words(_endpoint: str, values: dict[str, Any]) -> None:
        if NAMES.isdisjoint(values):
            return
        for name in NAMES & values.keys():
            if values[name]:
                values[name] = closed(seal, name, str(values[name]))

    app.jinja_env.filters["sealed"] = lambda address: dict(sealed(seal, address.items()))
    app.jinja_env.globals["this_address"] = this_address


def closed(seal: Seal, name: str, words: str) -> str:
    is_closed = words.startswith(MARK) and seal.open(name, words) is not None
    return words if is_closed else seal.close(name, words)


def sealed(seal: Seal, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, closed(seal, name, text) if name in NAMES and text else text) for name, text in pairs]


def opened(seal: Seal, query: str) -> list[tuple[str, str]]:
    """Return what a query asks, with the sealed words in plain letters."""
    pairs = [
        (name, seal.open(name, text) if name in NAMES and text.startswith(MARK) else text)
        for name, text in parse_qsl(query, keep_blank_values=True)
    ]
    return [(name, text) for name, text in pairs if text is not None]


def as_query(address: Mapping[str, str]) -> str:
    """Return an address's query as browsers may show and keep it."""
    return urlencode(sealed(_seal(), address.items()))


def of_query(query: str) -> dict[str, str]:
    """Return what a query that a browser kept asks for."""
    return dict(opened(_seal(), query))


def _seal() -> Seal:
    found: Seal = current_app.extensions["private-words"]
    return found


def this_address() -> str:
    """Return the path and query of this request, sealed: for links back to it."""
    pairs = sealed(_seal(), request.args.items(multi=True))
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path


def _of_header(typed: str) -> list[tuple[str, str]]:
    """Name and value of each field, as JSON in base64: a header holds no Arabic."""
    try:
        pairs = json.loads(urlsafe_b64decode(typed + "=" * (-len(typed) % 4)))
        return [(str(name), str(value)) for name, value in pairs]
    except (ValueError, TypeError):
        return []
