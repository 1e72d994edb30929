"""How organization is plugged in: no pages yet; the copy in the process must not outlive a change."""

from __future__ import annotations

from flask import Flask

from clinic_web.kernel import unit_of_work
from clinic_web.organization import directory


def wire(app: Flask) -> None:
    """Let a commit of this process renew the directory at once."""
    unit_of_work.after_commit(directory.forget_changed)
