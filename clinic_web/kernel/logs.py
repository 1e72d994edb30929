"""Logs: one JSON line per event with a constant name and ids; never a name, a phone number or a diagnosis."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.processors import ExceptionRenderer

MOST_CAUSES = 5

# Fields that may carry patient data never reach a log, whoever logs them.
PRIVATE = {
    "name",
    "first_name",
    "last_name",
    "phone",
    "address",
    "notes",
    "reason",
    "search",
    "query",
    "body",
    "form",
}


def hide_private(
    _logger: object, _method: str, fields: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for field in PRIVATE & fields.keys():
        fields[field] = "[hidden]"
    return fields


def where(exc_info: Any) -> str:
    """Return which exceptions came from where, the first cause first, without a word of their messages."""
    error: BaseException | None = exc_info[1] if isinstance(exc_info, tuple) else exc_info
    parts: list[str] = []
    while error is not None and len(parts) < MOST_CAUSES:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        parts.append(
            "\n".join([f"{type(error).__module__}.{type(error).__qualname__}{_code(error)}", *lines])
        )
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(reversed(parts))


def _code(error: BaseException) -> str:
    """PostgreSQL's code and the constraint that refused: both are words of the program."""
    names = (getattr(error, "sqlstate", None), getattr(getattr(error, "diag", None), "constraint_name", None))
    return "".join(f" {name}" for name in names if name)


def _record(*given: Any, **options: Any) -> logging.LogRecord:
    """What libraries log through Python's own logging: a traceback of theirs is written like ours."""
    record = logging.LogRecord(*given, **options)
    if record.exc_info and record.exc_info[1] is not None:
        record.exc_text = where(record.exc_info)
    return record


def configure(level: str, *, says_messages: bool = False) -> None:
    """Send structured lines to standard error, from ``level`` upwards.

    ``says_messages``: what exceptions say goes into the log, too. On a developer's own machine only: a
    message may quote what somebody typed, and PostgreSQL's quote whole rows.
    """
    if not says_messages:
        logging.setLogRecordFactory(_record)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if says_messages else ExceptionRenderer(where),
            hide_private,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
