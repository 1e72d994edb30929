"""Answers that an idempotency key keeps: a frozen dataclass of ids, numbers and times, to JSON and back."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from clinic_web.kernel import bus
from clinic_web.kernel.idempotency import Claim

Answer = TypeVar("Answer")


def keep(claim: Claim, answer: Any) -> None:
    """Keep ``answer`` for repetitions of the same press."""
    claim.keep({name: _plain(value) for name, value in vars(answer).items()})


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def again(kind: type[Answer], claim: Claim) -> Answer:
    """Return what the first press was answered."""
    return cast(Answer, bus.from_data(cast(Any, kind), claim.answer or {}))
