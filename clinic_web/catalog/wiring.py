"""What catalog adds to the program: its sheets among what is set up."""

from __future__ import annotations

from flask import Flask

from clinic_web.catalog import routes, words
from clinic_web.catalog.kinds import KINDS
from clinic_web.ui import admin, policies


def wire(app: Flask) -> None:
    app.register_blueprint(routes.bp)
    app.add_template_filter(words.unit, "unit")
    app.add_template_filter(words.usual_word)
    for order, kind in enumerate(KINDS.values(), start=72):
        admin.section(
            order=order,
            label=kind.title,
            why=kind.why,
            icon=kind.icon,
            endpoint="catalog.rows",
            permission=routes.MANAGE,
            sheet=kind.name,
        )
    policies.address_names("sheet", "sheet of the catalogue", policies.WORD)
    policies.address_names("catalog_row_id", "medicine", policies.TENANT)
