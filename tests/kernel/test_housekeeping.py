"""What the kernel forgets: runs that went well of what runs all the time after an hour, others later."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import text

from clinic_web.kernel import clock, housekeeping
from clinic_web.kernel.db import db

RUN = text("INSERT INTO kernel.scheduled_runs (name, slot, error) VALUES (:name, :slot, :error)")
LEFT = text("SELECT name, error FROM kernel.scheduled_runs ORDER BY name, error")


def test_runs_of_every_few_seconds_are_forgotten_unless_they_failed(app: Flask) -> None:
    for name, hours, error in (
        ("audit.seal", 0, None),
        ("audit.seal", 2, None),
        ("audit.seal", 3, "OSError"),
        ("kernel.forget_old_keys", 2, None),
        ("kernel.forget_old_keys", 24 * 15, "OSError"),
    ):
        db.session.execute(RUN, {"name": name, "slot": clock.now() - timedelta(hours=hours), "error": error})
    housekeeping.forget_old_runs()
    left = [tuple(row) for row in db.session.execute(LEFT)]
    assert left == [("audit.seal", "OSError"), ("audit.seal", None), ("kernel.forget_old_keys", None)]
