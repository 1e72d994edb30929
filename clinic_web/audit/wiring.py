"""What audit adds to the program: its pages, and what seals, anchors and verifies by itself."""

from __future__ import annotations

from flask import Flask

from clinic_web.audit import nightly


def wire(app: Flask) -> None:
    nightly.register()
