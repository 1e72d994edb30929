"""The front door of setup, for the command line."""

from __future__ import annotations

from clinic_web.setup.service import new_key

__all__ = ["new_key"]
