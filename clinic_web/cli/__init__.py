"""Commands: ``flask --app wsgi …``. They know every module's front door and nothing behind it."""

from __future__ import annotations

from flask import Flask

from clinic_web.cli import audit, check, deliveries, events, policies, setup
from clinic_web.cli.demo import commands as demo
from clinic_web.cli.patient_list import commands as patient_list
from clinic_web.cli.synthea import commands as synthea


def register(app: Flask) -> None:
    """Add the commands to ``flask``."""
    app.cli.add_command(audit.group)
    app.cli.add_command(check.group)
    app.cli.add_command(deliveries.group)
    app.cli.add_command(events.group)
    app.cli.add_command(demo.group)
    app.cli.add_command(policies.command)
    app.cli.add_command(setup.group)
    synthea.group.add_command(patient_list.command)
    app.cli.add_command(synthea.group)
