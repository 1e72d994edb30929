"""Logs: one JSON line per event with a constant name and ids; never a name, a phone number or a diagnosis."""

from __future__ import annotations

import logging
import sys

import structlog

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


def configure(level: str) -> None:
    """Send structured lines to standard error, from ``level`` upwards."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_private,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
