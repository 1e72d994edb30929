"""How much of one payment each role may give back: one sheet among what is set up."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.errors import InvalidForm
from clinic_web.payments import forms
from clinic_web.payments.service import limits
from clinic_web.ui import admin
from clinic_web.ui.texts import money
from clinic_web.ui.web import LastAct, acted, actor, form_errors, needs

bp = Blueprint("refund_limits", __name__, url_prefix="/admin/refund-limits")

FOR_EVERYBODY = "everybody"  # the field of the limit of roles that have none of their own


@bp.get("")
@needs("organization.manage")
def page() -> ResponseReturnValue:
    found = limits.limits(actor())
    return _page({_field(role_id): money(amount) for role_id, amount in found.items()}, {})


@bp.post("")
@needs("organization.manage", fresh=True)
def save() -> ResponseReturnValue:
    fields = {FOR_EVERYBODY: None} | {str(each.id): each.id for each in limits.limited_roles(actor())}
    try:
        wanted = forms.read_limits(request.form, fields)
    except InvalidForm as error:
        return _page(request.form, form_errors(error)), 422
    limits.set_limits(actor(), {fields[name]: amount for name, amount in wanted.items()})
    return acted(LastAct(text=str(_("Limits saved"))), redirect=url_for(".page"))


def _field(role_id: UUID | None) -> str:
    return str(role_id) if role_id else FOR_EVERYBODY


def _page(typed: Mapping[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "payments/limits.html",
        sections=admin.for_actor(actor()),
        roles=limits.limited_roles(actor()),
        everybody=FOR_EVERYBODY,
        as_delivered=limits.AS_DELIVERED,
        typed=typed,
        errors=errors,
    )
