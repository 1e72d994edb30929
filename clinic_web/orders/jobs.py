"""What runs by itself."""

from __future__ import annotations

from clinic_web.orders.service import watching


def watch() -> None:
    watching.watch()
