"""RQ entry points."""

from __future__ import annotations

from uuid import UUID

from clinic_web.reports.service import running


def make(run_id: str) -> None:
    running.go_on(UUID(run_id))
