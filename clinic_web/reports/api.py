"""The front door of reports, for commands and the demonstration."""

from __future__ import annotations

from clinic_web.reports.service.making import make_day
from clinic_web.reports.service.running import begin_nights

__all__ = ["begin_nights", "make_day"]
