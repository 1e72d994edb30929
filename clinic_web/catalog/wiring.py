"""What catalog adds to the program."""

from __future__ import annotations

from flask import Flask


def wire(app: Flask) -> None:
    """Nothing to add yet."""
