"""The errors a person can act on. Each carries a sentence; the web shell turns it into one fragment.

Sentences are message ids marked for translation by ``N_`` and filled with ``values`` after translating.
Everything else that is raised is a bug: a 500, logged with its request id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


def N_(message: str) -> str:
    """Mark a sentence for the catalogue without translating it here."""
    return message


class DomainError(Exception):
    """A refusal with a sentence. ``status`` is the HTTP status the web shell answers with."""

    status: ClassVar[int] = 400

    def __init__(self, sentence: str, /, **values: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values


class BadRequest(DomainError):
    """Something the browser always sends is missing, such as the key of a money form."""

    status = 400


class NotAllowed(DomainError):
    """The person lacks the right; the sentence says which."""

    status = 403

    def __init__(self, permission: str) -> None:
        super().__init__(
            N_("You do not have the right %(permission)s. An administrator can give it."),
            permission=permission,
        )
        self.permission = permission


class NotFound(DomainError):
    """Absent, or of another tenant: both look the same."""

    status = 404

    def __init__(self, sentence: str = N_("This is not here (any more)."), /, **values: Any) -> None:
        super().__init__(sentence, **values)


class StaleScreen(DomainError):
    """A state, slot or version moved on while somebody worked (409).

    ``changes`` maps a field's label to ``(what the screen showed, what it is now)``.
    """

    status = 409

    def __init__(
        self, sentence: str, /, changes: Mapping[str, tuple[Any, Any]] | None = None, **values: Any
    ) -> None:
        super().__init__(sentence, **values)
        self.changes = dict(changes or {})


class RuleBroken(DomainError):
    """Input that breaks a rule (422). ``field`` names the form field it belongs to, if one does."""

    status = 422

    def __init__(self, sentence: str, /, field: str | None = None, **values: Any) -> None:
        super().__init__(sentence, **values)
        self.field = field


class InvalidForm(DomainError):
    """Several fields are wrong at once (422): ``errors`` maps a field's name to its sentence."""

    status = 422

    def __init__(self, errors: Mapping[str, DomainError]) -> None:
        super().__init__(N_("Please look at the marked fields."))
        self.errors = dict(errors)


class Busy(DomainError):
    """The database or a lock did not answer in time (503); trying again is safe."""

    status = 503

    def __init__(
        self,
        sentence: str = N_("The system is busy. Nothing was changed; please try again."),
        /,
        **values: Any,
    ) -> None:
        super().__init__(sentence, **values)


class Temporary(Exception):
    """The outside world failed in a way that may pass (a timeout, a 5xx): try again later."""


class Permanent(Exception):
    """The outside world refused for good (an invalid address): do not try again."""
