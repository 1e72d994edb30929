"""Templates as they were compiled by whichever process of this machine first showed them.

To compile a page with all its parts takes a process a tenth of a second and more, each process anew after
each start: the first person to open it waits. What was compiled is kept in the user's own folder among the
machine's temporary files (Jinja looks that it is nobody else's); where the template changed, it is not used.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import jinja2
import structlog
from flask import Flask
from jinja2.bccache import Bucket, FileSystemBytecodeCache

logger = structlog.get_logger(__name__)


class Compiled(FileSystemBytecodeCache):
    """Keeps what it can: a full or vanished disk only means that the next process compiles again."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().dump_bytecode(bucket)


def keep_compiled(app: Flask, folder: Path | None = None) -> None:
    """Let ``app`` keep its compiled templates in ``folder``, or else in the user's own temporary one.

    Called before the first use of ``app.jinja_env``.
    """
    try:
        cache = Compiled(str(folder) if folder else None, f"%s.{_version()}.jinja")
    except (OSError, RuntimeError) as error:  # no temporary folder of one's own
        logger.info("templates_not_kept", error_type=type(error).__name__)
        return
    app.jinja_options = {**app.jinja_options, "bytecode_cache": cache}


def _version() -> str:
    """What else than a template's text decides what it is compiled to: Jinja, and how it is set up here."""
    set_up = Path(__file__).with_name("shell.py").read_bytes()
    return hashlib.sha256(jinja2.__version__.encode() + set_up).hexdigest()[:12]
