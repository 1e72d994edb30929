"""Letters by SMTP. The notification's id is the Message-ID, so a mailbox knows one that is sent twice."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from urllib.parse import unquote, urlsplit
from uuid import UUID

from clinic_web.kernel import clock
from clinic_web.kernel.errors import Permanent, Temporary

PATIENCE = 10.0  # seconds for each answer of the server
SUBMISSION, SUBMISSION_TLS = 587, 465
NEVER = range(500, 600)  # the server's own word for: do not try again
LOCAL = ("localhost", "127.0.0.1", "::1")


class SmtpChannel:
    """Sends through one mail server: ``smtps://`` speaks TLS at once, ``smtp://`` as soon as it can."""

    def __init__(self, url: str, sender: str) -> None:
        self._parts = urlsplit(url)
        self._sender = sender

    def deliver(self, notification_id: UUID, recipient: str, body: str, subject: str = "") -> str:
        """Send one letter; return its Message-ID. Raises Temporary or Permanent."""
        try:
            letter = self._letter(notification_id, recipient, body, subject)
            server = self._connect()
            try:
                server.send_message(letter)
            finally:
                _part(server)
            return str(letter["Message-ID"])
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _failed(codes[0] if codes else 0) from error
        except smtplib.SMTPResponseException as error:
            raise _failed(error.smtp_code) from error
        except ValueError as error:  # a line break in an address, for one
            raise Permanent("the letter can't be written") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary(type(error).__name__) from error

    def _letter(self, notification_id: UUID, recipient: str, body: str, subject: str) -> EmailMessage:
        letter = EmailMessage()
        letter["From"] = self._sender
        letter["To"] = recipient
        letter["Subject"] = subject
        letter["Date"] = formatdate(clock.now().timestamp())
        letter["Message-ID"] = f"<{notification_id}@{parseaddr(self._sender)[1].rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(body)
        return letter

    def _connect(self) -> smtplib.SMTP:
        host, safe = self._parts.hostname or "", ssl.create_default_context()
        if self._parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, self._parts.port or SUBMISSION_TLS, timeout=PATIENCE, context=safe
            )
        else:
            server = smtplib.SMTP(host, self._parts.port or SUBMISSION, timeout=PATIENCE)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=safe)
            elif host not in LOCAL:
                server.close()
                raise Temporary("the mail server offers no TLS")  # links in letters open accounts
        if self._parts.username:
            server.login(unquote(self._parts.username), unquote(self._parts.password or ""))
        return server


def _part(server: smtplib.SMTP) -> None:
    """Say goodbye. What the server answers changes nothing any more: it has the letter, or has refused it."""
    with suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _failed(code: int) -> Permanent | Temporary:
    """Only the code is kept: the server's sentence repeats the address."""
    return Permanent(f"SMTP {code}") if code in NEVER else Temporary(f"SMTP {code}")
