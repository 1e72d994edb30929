"""Schema ``lab``."""

from __future__ import annotations

from clinic_web.kernel.tables import processed_events_table

processed_events = processed_events_table("lab")
