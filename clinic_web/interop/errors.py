"""The refusals that only programs hear: what a browser always sends, a program may forget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from clinic_web.kernel.errors import N_, DomainError


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong: ``where`` it stands (``pointer`` in the body, ``parameter``, ``header``) and
    why."""

    kind: str
    where: str
    detail: str


class Refused(DomainError):
    """A refusal with its own headers, and what is wrong where."""

    def __init__(
        self, sentence: str, /, *, wrong: Sequence[Wrong] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.wrong = list(wrong)
        self.headers = dict(headers or {})


class NotReadable(Refused):
    """The body is no JSON at all, or a header can't be read (400)."""

    status: ClassVar[int] = 400


class TokenNeeded(Refused):
    """No token, or one that opens nothing (401)."""

    status: ClassVar[int] = 401

    def __init__(self) -> None:
        challenge = 'Bearer realm="clinic-web", error="invalid_token"'
        super().__init__(
            N_("Send a token that is open now: Authorization: Bearer …"),
            headers={"WWW-Authenticate": challenge},
        )


class MovedOn(Refused):
    """It is not as If-Match says (412)."""

    status: ClassVar[int] = 412

    def __init__(self) -> None:
        super().__init__(N_("It was changed meanwhile. Read it again, and decide anew."))


class JsonOnly(Refused):
    """A body of another kind (415)."""

    status: ClassVar[int] = 415

    def __init__(self) -> None:
        super().__init__(
            N_("Send JSON: Content-Type: application/json"), headers={"Accept": "application/json"}
        )


class Misshapen(Refused):
    """What was sent does not have the documented shape (422)."""

    status: ClassVar[int] = 422

    def __init__(self, wrong: Sequence[Wrong]) -> None:
        super().__init__(N_("Please look at the marked fields."), wrong=wrong)


class VersionNeeded(Refused):
    """A change without If-Match (428)."""

    status: ClassVar[int] = 428

    def __init__(self) -> None:
        super().__init__(N_("Say with If-Match which version you change: the ETag of what you read."))


class TooOften(Refused):
    """More requests in a minute than the token may send (429)."""

    status: ClassVar[int] = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(
            N_("This token has asked as often as it may in a minute. Retry-After says when it goes on."),
            headers={"Retry-After": str(seconds)},
        )
