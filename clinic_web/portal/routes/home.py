"""What patients see of themselves."""

from __future__ import annotations

from uuid import UUID

from flask import render_template
from flask.typing import ResponseReturnValue

from clinic_web.portal import queries
from clinic_web.portal.routes import OWN, bp
from clinic_web.ui.web import actor, needs


@bp.get("", endpoint="home")
@needs(OWN)
def home() -> ResponseReturnValue:
    return render_template("portal/home.html", home=queries.home(actor(), None))


@bp.get("/patients/<uuid:patient_id>")
@needs(OWN)
def home_of(patient_id: UUID) -> ResponseReturnValue:
    return render_template("portal/home.html", home=queries.home(actor(), patient_id))


@bp.get("/patients/<uuid:patient_id>/now")
@needs(OWN)
def now(patient_id: UUID) -> ResponseReturnValue:
    """Where the patient stands now; the page asks for it by itself while they wait."""
    own, turns = queries.turns(actor(), patient_id)
    return render_template("portal/_now.html", patient_id=own.card.id, turns=turns)
