"""Roles as a matrix: rights down, roles across. System roles are every centre's; a centre adds its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity import admin_forms, listing
from clinic_web.identity.access import MANAGE, grantable
from clinic_web.identity.admin_routes import REFUSALS, role_words
from clinic_web.identity.permissions import BY_NATURE, PERMISSIONS
from clinic_web.identity.service import editing, rights
from clinic_web.kernel.errors import N_, DomainError, NotFound, StaleScreen
from clinic_web.ui import admin
from clinic_web.ui.texts import say
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

bp = Blueprint("roles", __name__, url_prefix="/admin/roles")

LABELS = {"name": N_("Name"), "description": N_("What it is for"), "permissions": N_("Rights")}


@bp.get("")
@needs(MANAGE)
def roles() -> str:
    return _page()


@bp.get("/new")
@needs(MANAGE)
def new() -> str:
    """A new role may begin with the rights of another one."""
    like = next((each for each in listing.roles(actor()) if each.name == request.args.get("like")), None)
    return _page(is_new=True, chosen=like.permissions if like else frozenset())


@bp.post("")
@needs(MANAGE, fresh=True)
def add() -> ResponseReturnValue:
    try:
        name, description, permissions = admin_forms.read_role(request.form)
        editing.add_role(actor(), name, description, permissions, key=form_key())
    except REFUSALS as error:
        return _refused(error, is_new=True)
    return _done(_("Added: %(name)s", name=name))


@bp.get("/<uuid:role_id>")
@needs(MANAGE)
def edit(role_id: UUID) -> str:
    row = _own(role_id)
    return _page(row=row, chosen=row.permissions)


@bp.post("/<uuid:role_id>")
@needs(MANAGE, fresh=True)
def change(role_id: UUID) -> ResponseReturnValue:
    row = _role(role_id)
    version = request.form.get("version", type=int, default=0)
    try:
        name, description, permissions = admin_forms.read_role(request.form)
        rights.edit_role(
            actor(),
            role_id,
            name=name,
            description=description,
            permissions=permissions,
            version=version,
        )
    except StaleScreen as error:
        rows = [(say(LABELS[field]), mine, theirs) for field, (mine, theirs) in error.changes.items()]
        return _refused(error, row=_role(role_id), clash=rows)
    except REFUSALS as error:
        return _refused(error, row=row, version=version)
    return _done(_("Changed: %(name)s", name=name))


@bp.post("/<uuid:role_id>/delete")
@needs(MANAGE, fresh=True)
def delete(role_id: UUID) -> ResponseReturnValue:
    row = _role(role_id)
    version = request.form.get("version", type=int, default=0)
    try:
        name = rights.delete_role(actor(), role_id, version=version)
    except REFUSALS as error:
        return _refused(error, row=row, chosen=row.permissions)
    return _done(_("Deleted: %(name)s", name=name))


@bp.post("/<uuid:role_id>/second-factor")
@needs(MANAGE, fresh=True)
def second_factor(role_id: UUID) -> ResponseReturnValue:
    is_required = request.form.get("required") == "1"
    name = rights.require_factor(actor(), role_id, is_required=is_required)
    word = role_words(listing.roles(actor())).get(name, name)
    if is_required:
        return _done(_("Needs a second factor from now on: %(name)s", name=word))
    return _done(_("Needs no second factor any more: %(name)s", name=word))


def _role(role_id: UUID) -> listing.RoleLine:
    found = next((each for each in listing.roles(actor()) if each.id == role_id), None)
    if found is None:
        raise NotFound
    return found


def _own(role_id: UUID) -> listing.RoleLine:
    found = _role(role_id)
    if found.is_system:
        raise NotFound(N_("This role belongs to every centre. Please make one of your own."))
    return found


def _done(sentence: str) -> ResponseReturnValue:
    return acted(LastAct(text=sentence), redirect=url_for("roles.roles"), panel=_page())


def _refused(error: DomainError, **context: Any) -> ResponseReturnValue:
    sentence = say(error) if isinstance(error, StaleScreen) else ""
    errors = {} if sentence else form_errors(error)
    chosen = frozenset(request.form.getlist("permissions"))
    page = _page(**({"chosen": chosen, "values": request.form} | context), errors=errors, sentence=sentence)
    return make_response(page, error.status)


def _page(**context: Any) -> str:
    who = actor()
    row: listing.RoleLine | None = context.get("row")
    defaults: dict[str, Any] = {
        "row": None,
        "is_new": False,
        "chosen": frozenset(),
        "values": {"name": row.name, "description": row.description} if row else {},
        "errors": {},
        "clash": [],
        "sentence": "",
        "version": row.version if row else 0,
    }
    found = listing.roles(who)
    words = role_words(found)
    return page_or_fragment(
        "identity/roles.html",
        "identity/_roles.html",
        roles=[each for each in found if each.name not in listing.NOT_FOR_STAFF],
        words=words,
        permissions=[(name, say(text)) for name, text in PERMISSIONS.items() if name not in BY_NATURE],
        grantable=grantable(who),
        key=request.form.get("idempotency_key") or new_key(),
        sections=admin.for_actor(who),
        **(defaults | context),
    )
