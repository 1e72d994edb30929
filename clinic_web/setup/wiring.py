"""Registers the first-run wizard with the program."""

from __future__ import annotations

from flask import Flask, url_for

from clinic_web.setup import people_routes, routes  # noqa: F401 - they register their pages
from clinic_web.setup.pages import bp, is_open
from clinic_web.ui.ports import ports


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    ports.first_run = lambda: url_for("setup.start") if is_open() else None
