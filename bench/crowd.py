"""A crowd of waiting-room screens: bare WebSockets that speak Socket.IO, in a process of their own.

``Crowd`` starts and talks to that process; ``python -m bench.crowd`` is it. It answers each line of JSON by
one. Its times are of the machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE = 20.0
TEXT, CLOSE = 1, 8
MESSAGE = b'42["board"'


@dataclass(frozen=True)
class Screen:
    """What a screen brings: the cookie with its token, and the topics it joins."""

    cookie: str
    topics: list[str]


class Crowd:
    """The other end of the crowd's process. ``message`` is what the screens heard last."""

    message = ""

    def __enter__(self) -> Crowd:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.crowd"],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def connect(self, port: int, screens: Sequence[Screen]) -> None:
        """Let all screens connect and join, instead of those that are connected."""
        self._ask({"port": port, "screens": [asdict(screen) for screen in screens]})

    def disconnect(self) -> None:
        self._ask({"port": 0, "screens": []})

    def wait(self) -> float:
        """Wait until every screen has heard one more message; return when the last one had it."""
        answer = self._ask({"wait": True})
        self.message = answer["message"]
        return float(answer["last"])

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "the crowd is gone"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


@dataclass
class Socket:
    """One screen's connection: what came and is not yet a whole frame, and how many messages it has heard."""

    connection: socket.socket
    pending: bytes = b""
    heard: int = 0
    latest: bytes = b""

    def say(self, text: str) -> None:
        data = text.encode()
        mask = b"\0\0\0\0"  # any four bytes are a mask
        size = bytes([0x80 | len(data)]) if len(data) < 126 else bytes([0xFE]) + len(data).to_bytes(2, "big")
        self.connection.sendall(bytes([0x80 | TEXT]) + size + mask + data)

    def read(self) -> list[bytes]:
        """Return the texts that have come; answer the server's pings."""
        data = self.connection.recv(262144)
        if not data:
            raise ConnectionError(f"the server closed a screen's socket after {self.latest[:200]!r}")
        self.pending += data
        texts = []
        while (frame := _frame(self.pending)) is not None:
            kind, text, size = frame
            self.pending = self.pending[size:]
            if kind == CLOSE:
                raise ConnectionError(f"the server ended a screen's socket after {self.latest[:200]!r}")
            self.latest = text
            if text == b"2":
                self.say("3")
            else:
                texts.append(text)
        return texts

    def until(self, beginning: bytes) -> bytes:
        """Wait for the text that begins so."""
        while True:
            for text in self.read():
                if text.startswith(beginning):
                    return text


def _frame(data: bytes) -> tuple[int, bytes, int] | None:
    """Return kind, content and size of the first whole frame; servers don't mask."""
    if len(data) < 2:
        return None
    begin, length = 2, data[1]
    if length == 126:
        begin, length = 4, int.from_bytes(data[2:4], "big")
    elif length == 127:
        begin, length = 10, int.from_bytes(data[2:10], "big")
    if len(data) < begin + length or len(data) < begin:
        return None
    return data[0] & 0x0F, data[begin : begin + length], begin + length


def open_socket(port: int, screen: dict[str, Any]) -> Socket:
    """Connect as a browser does, with the cookie of ``screen``, and join its topics."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        f"Host: localhost:{port}",
        f"Origin: http://localhost:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Cookie: {screen['cookie']}",
    ]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    if b" 101 " not in head.split(b"\r\n")[0]:
        raise ConnectionError(f"no WebSocket: {head[:200]!r}")
    opened = Socket(connection)
    opened.until(b"0")
    opened.say("40")
    opened.until(b"40")
    for number, topic in enumerate(screen["topics"]):
        opened.say(f'42{number}["join",{json.dumps({"topic": topic})}]')
        answer = opened.until(f"43{number}".encode())
        if b'"ok":true' not in answer.replace(b" ", b""):
            raise ConnectionError(f"a screen may not join {topic}: {answer!r}")
    return opened


class Company:
    """The crowd's process: all its sockets and the pipe to the measurement."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.sockets: list[Socket] = []
        self.rounds = 0  # messages that every screen must have heard
        self.last = 0.0
        self.message = b""

    def run(self) -> None:
        self.selector.register(sys.stdin, selectors.EVENT_READ)
        asked = True
        while asked:
            ready = {key.fileobj: key.data for key, _ in self.selector.select()}
            for each in filter(None, ready.values()):
                self._hear(each)
            if sys.stdin in ready:  # last, because it may close sockets
                asked = self._obey(sys.stdin.readline())

    def _obey(self, line: str) -> bool:
        if not line:
            return False
        question = json.loads(line)
        try:
            answer = self._everybody() if "wait" in question else self._gather(**question)
        except (OSError, RuntimeError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
        return True

    def _gather(self, port: int, screens: list[dict[str, Any]]) -> dict[str, Any]:
        for each in self.sockets:
            self.selector.unregister(each.connection)
            each.connection.close()
        self.sockets, self.rounds = [], 0
        for screen in screens:
            each = open_socket(port, screen)
            self.sockets.append(each)
            self.selector.register(each.connection, selectors.EVENT_READ, each)
        return {"connected": len(self.sockets)}

    def _hear(self, each: Socket) -> None:
        texts = each.read()
        now = time.monotonic()
        for text in texts:
            if text.startswith(MESSAGE):
                each.heard += 1
                self.last, self.message = now, text

    def _everybody(self) -> dict[str, Any]:
        self.rounds += 1
        deadline = time.monotonic() + PATIENCE
        while any(each.heard < self.rounds for each in self.sockets):
            if time.monotonic() > deadline:
                missing = sum(each.heard < self.rounds for each in self.sockets)
                raise RuntimeError(f"{missing} of {len(self.sockets)} screens heard nothing")
            for key, _ in self.selector.select(1):
                if key.data is not None:
                    self._hear(key.data)
        return {"last": self.last, "message": self.message.decode()}


if __name__ == "__main__":
    Company().run()
