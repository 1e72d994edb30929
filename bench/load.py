"""A crowd of browsers: keep-alive connections that send prepared requests as fast as they are answered."""

from __future__ import annotations

import http.client
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass(frozen=True)
class Ask:
    """One request: a form when it has one, a GET otherwise."""

    path: str
    form: dict[str, str] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    seconds: float


def send(port: int, asks: Sequence[Ask], *, clients: int = 8) -> list[Answer]:
    """Send all requests over ``clients`` connections; return the answers in the order of the requests."""
    lanes = [list(range(lane, len(asks), clients)) for lane in range(clients)]
    answers: list[Answer | None] = [None] * len(asks)

    def run(lane: list[int]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for index in lane:
            answers[index] = _send(connection, asks[index])
        connection.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(run, lanes))
    return [answer for answer in answers if answer is not None]


def _send(connection: http.client.HTTPConnection, ask: Ask) -> Answer:
    began = time.perf_counter()
    if ask.form is None:
        connection.request("GET", ask.path, headers=ask.headers)
    else:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} | ask.headers
        connection.request("POST", ask.path, urlencode(ask.form), headers)
    response = connection.getresponse()
    body = response.read()
    return Answer(response.status, body, time.perf_counter() - began)
