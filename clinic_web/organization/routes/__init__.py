"""Pages of organization: what is set up below ``/admin``."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("organization", __name__, url_prefix="/admin")

from clinic_web.organization.routes import away, hours, overview, things  # noqa: E402, F401 - they register themselves
