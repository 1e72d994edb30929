"""What the portal adds to the program: its pages, a panel at the desk, a check before a merge."""

from __future__ import annotations

from flask import Flask

from clinic_web.identity.api import entrance
from clinic_web.patients import api as patients
from clinic_web.portal import checks
from clinic_web.portal.routes import (  # noqa: F401 - their routes belong to the blueprints
    account,
    bp,
    desk,
    desk_bp,
    doors,
    factors,
    home,
    joining,
    letters,
)
from clinic_web.ui import policies


def wire(app: Flask) -> None:
    app.register_blueprint(bp)
    app.register_blueprint(desk_bp)
    policies.address_names("patient_id", "own record", policies.PERSON, at="portal.")
    policies.address_names("account_id", "account of the portal", policies.TENANT)
    policies.address_names("invitation_id", "invitation to the portal", policies.TENANT)
    entrance.ports.patients_start = "portal.home"
    patients.merge_check("portal.accounts", checks.check_accounts)
