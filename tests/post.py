"""A real mail server for tests, which can be told what to answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from clinic_web.notifications.mail import SmtpChannel


class Mailbox:
    """What arrived at the server; ``refuses`` is its answer to the next letters."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuses = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 OK"


@contextmanager
def open_for_business() -> Iterator[tuple[Mailbox, SmtpChannel]]:
    """A mailbox behind a server of its own, and the channel that reaches it."""
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, SmtpChannel(f"smtp://127.0.0.1:{port}", "Clinic Web <desk@example.org>")
    server.stop()


@contextmanager
def asleep() -> Iterator[SmtpChannel]:
    """A server that takes the call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        yield SmtpChannel(f"smtp://127.0.0.1:{port}", "Clinic Web <desk@example.org>")
