"""What must be paid before a station serves: one sheet among what is set up."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.billing.queries.rules import must_be_paid_first
from clinic_web.billing.service.rules import set_rules
from clinic_web.organization import api as organization
from clinic_web.ui import admin
from clinic_web.ui.web import LastAct, acted, actor, needs

bp = Blueprint("payment_rules", __name__, url_prefix="/admin/payment-rules")


@bp.get("")
@needs("organization.manage")
def page() -> str:
    return render_template(
        "billing/rules.html",
        sections=admin.for_actor(actor()),
        wanted=must_be_paid_first(actor()),
        facility=organization.facility(actor()),
    )


@bp.post("")
@needs("organization.manage")
def save() -> ResponseReturnValue:
    set_rules(actor(), request.form.getlist("kind"))
    return acted(LastAct(text=str(_("Rules of payment saved"))), redirect=url_for(".page"))
