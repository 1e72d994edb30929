"""A person's browser without a browser, which keeps what a page says beside its text."""

from __future__ import annotations

import base64
import http.client
import json
import re
import urllib.parse
import zlib
from dataclasses import dataclass, field
from html import unescape
from uuid import uuid4

from tests.browser.conftest import House

ADDRESSES = re.compile(r'\b(?:href|src|action|formaction|hx-[a-z-]+|data-[a-z-]+)="([^"]*)"')
NO_ADDRESS = re.compile(
    r'\bdata-(?:typed|name|words|who|key-label)="[^"]*"'
)  # words for the page's own script


@dataclass
class Visitor:
    """Sends what a person's browser and our script would, and keeps what came by side doors."""

    house: House
    cookie: str
    csrf: str = ""
    seen: list[tuple[str, str]] = field(default_factory=list)  # what left the program beside a page's text

    def get(self, path: str, typed: dict[str, str] | None = None, *, status: int = 200) -> str:
        headers = {"HX-Request": "true"} if typed is not None else {}
        if typed is not None:
            pairs = json.dumps(list(typed.items())).encode()
            headers["X-Typed"] = base64.urlsafe_b64encode(pairs).decode()
        return self._send("GET", path, headers, None, status)

    def press(self, path: str, fields: dict[str, str], *, status: int = 200) -> str:
        form = {"csrf_token": self.csrf, "idempotency_key": str(uuid4())} | fields
        kind = {"Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true"}
        return self._send("POST", path, kind, urllib.parse.urlencode(form), status)

    def _send(self, method: str, path: str, headers: dict[str, str], body: str | None, status: int) -> str:
        connection = http.client.HTTPConnection(self.house.url.removeprefix("http://"), timeout=30)
        connection.request(method, path, body, headers | {"Cookie": self.cookie})
        answer = connection.getresponse()
        page = answer.read().decode("utf-8", "replace")
        connection.close()
        assert answer.status == status, (method, path, answer.status, page[:2000])
        self._keep(f"{method} {path}", answer, page)
        return page

    def _keep(self, what: str, answer: http.client.HTTPResponse, page: str) -> None:
        for name, value in answer.getheaders():
            self.seen.append(
                (f"{what}: header {name}", plain_cookie(value) if name == "Set-Cookie" else value)
            )
        for address in ADDRESSES.findall(NO_ADDRESS.sub("", page)):
            if not address.startswith(("tel:", "mailto:")):  # they go to a telephone, not to a server
                self.seen.append((f"{what}: an address on the page", urllib.parse.unquote(unescape(address))))
        if answer.status in (403, 404, 500, 503):
            self.seen.append((f"{what}: error page", page))


def plain_cookie(value: str) -> str:
    """What anybody who holds the cookie can read in it."""
    packed = value.partition("=")[2].partition(";")[0].lstrip(".").partition(".")[0]
    data = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)) if packed else b""
    return (zlib.decompress(data) if value.partition("=")[2].startswith(".") else data).decode(
        "utf-8", "replace"
    )
