"""The front door of billing."""

from __future__ import annotations

from clinic_web.billing.queries.given_up import is_given_up

__all__ = ["is_given_up"]
