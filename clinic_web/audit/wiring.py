"""What audit adds to the program: its pages, and what seals, anchors and verifies by itself."""

from __future__ import annotations

from flask import Flask

from clinic_web.audit import nightly, routes
from clinic_web.kernel.errors import N_
from clinic_web.ui import policies
from clinic_web.ui.nav import entry


def wire(app: Flask) -> None:
    app.register_blueprint(routes.bp)
    entry(order=85, label=N_("Audit"), endpoint="audit.seen", permission="audit.view")
    policies.address_names("row_id", "access", policies.TENANT, at="audit.one_seen")
    policies.address_names("row_id", "change", policies.TENANT, at="audit.one_change")
    nightly.register()
