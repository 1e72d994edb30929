"""A crowd of browsers: keep-alive connections that send prepared requests as fast as they are answered.

Written on plain sockets: every request leaves in one piece, as from a browser, and the client takes little of
the two processors that the servers need.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlencode

PATIENCE = 60.0
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Ask:
    """One request: a form when it has one, a GET otherwise."""

    path: str
    form: dict[str, str] | list[tuple[str, str]] | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    seconds: float


class Connection:
    """One browser's connection to a server."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, ask: Ask) -> Answer:
        """Send one request and wait for its answer."""
        request = self._written(ask)
        began = time.perf_counter()
        self._socket.sendall(request)
        status, body = self._read()
        return Answer(status, body, time.perf_counter() - began)

    def close(self) -> None:
        self._socket.close()

    def _written(self, ask: Ask) -> bytes:
        headers = {"Host": self._host} | ask.headers
        body = b""
        if ask.form is not None:
            body = urlencode(ask.form).encode()
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Content-Length": str(len(body)),
            }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        method = "GET" if ask.form is None else "POST"
        return f"{method} {ask.path} HTTP/1.1\r\n{lines}\r\n".encode() + body

    def _read(self) -> tuple[int, bytes]:
        data = b""
        while HEAD_END not in data:
            data += self._more()
        head, _, body = data.partition(HEAD_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", 0))
        while len(body) < length:
            body += self._more()
        return int(first.split()[1]), body

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed the connection in the middle of an answer")
        return data


def send(port: int, asks: Sequence[Ask], *, clients: int = 8) -> list[Answer]:
    """Send all requests over ``clients`` connections; return the answers in the order of the requests.

    Request ``i`` goes over connection ``i % clients``.
    """
    lanes = [list(range(lane, len(asks), clients)) for lane in range(clients)]
    answers: dict[int, Answer] = {}

    def run(lane: list[int]) -> None:
        connection = Connection(port)
        for index in lane:
            answers[index] = connection.send(asks[index])
        connection.close()

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(run, lanes))
    return [answers[index] for index in range(len(asks))]


def require(answers: Sequence[Answer], status: int) -> None:
    """Stop the measurement when the program did something else than what is measured."""
    wrong = [answer for answer in answers if answer.status != status]
    if wrong:
        raise RuntimeError(
            f"{len(wrong)} of {len(answers)} answers are not {status}; the first is {wrong[0].status}:"
            f" {wrong[0].body[:500]!r}"
        )
