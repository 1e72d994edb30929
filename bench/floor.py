"""The floors: the least that could do the same. Run by gunicorn with the program's own settings."""

from __future__ import annotations

from flask import Flask


def bare() -> Flask:
    """A bare Flask answer."""
    app = Flask("floor")

    @app.get("/")
    def hello() -> str:
        return "Hello"

    return app
