"""Tokens of other programs, as administrators issue and revoke them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity import admin_forms
from clinic_web.identity.access import MANAGE
from clinic_web.identity.permissions import BY_NATURE, PERMISSIONS
from clinic_web.identity.ports import ports
from clinic_web.identity.service import api_tokens
from clinic_web.kernel.errors import InvalidForm, NotAllowed, RuleBroken
from clinic_web.ui import admin
from clinic_web.ui.texts import local_name, say
from clinic_web.ui.web import (
    LastAct,
    acted,
    actor,
    form_errors,
    form_key,
    needs,
    new_key,
    page_or_fragment,
)

bp = Blueprint("tokens", __name__, url_prefix="/admin/tokens")


@bp.get("")
@needs(MANAGE)
def tokens() -> str:
    return _page()


@bp.get("/new")
@needs(MANAGE)
def new() -> str:
    return _page(is_new=True)


@bp.post("")
@needs(MANAGE, fresh=True)
def issue() -> ResponseReturnValue:
    try:
        new = admin_forms.read_token(request.form)
        token = api_tokens.issue(actor(), new, key=form_key())
    except (InvalidForm, RuleBroken, NotAllowed) as error:
        return make_response(_page(is_new=True, errors=form_errors(error)), error.status)
    return make_response(_page(handed=token or "", name=new.name), 200)


@bp.post("/<uuid:token_id>/revoke")
@needs(MANAGE)
def revoke(token_id: UUID) -> ResponseReturnValue:
    name = api_tokens.revoke(actor(), token_id)
    said = LastAct(text=_("Opens nothing any more: %(name)s", name=name))
    return acted(said, redirect=url_for("tokens.tokens"), panel=_page())


def _page(**context: Any) -> str:
    who = actor()
    words = {name: say(text) for name, text in PERMISSIONS.items() if name not in BY_NATURE}
    defaults: dict[str, Any] = {"is_new": False, "errors": {}, "handed": None, "name": ""}
    return page_or_fragment(
        "identity/tokens.html",
        "identity/_tokens.html",
        rows=api_tokens.of_tenant(who),
        words=words,
        grantable=[name for name in words if who.can(name) and api_tokens.may_be_named(name)],
        values=request.form,
        chosen=request.form.getlist("permissions"),
        facilities=[(each.id, local_name(each.name, each.name_ar)) for each in ports.facilities(who)],
        here=who.facility_id,
        usual_rate=api_tokens.PER_MINUTE,
        key=request.form.get("idempotency_key") or new_key(),
        sections=admin.for_actor(who),
        **(defaults | context),
    )
