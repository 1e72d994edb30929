"""Users and roles: who may sign in, what they may do, and the password that is handed over once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity import admin_forms, listing
from clinic_web.identity.access import MANAGE
from clinic_web.identity.models import DISABLED
from clinic_web.identity.permissions import BY_NATURE, PERMISSIONS, ROLES
from clinic_web.identity.ports import Offered, ports
from clinic_web.identity.service import editing, people
from clinic_web.kernel.errors import (
    N_,
    DomainError,
    InvalidForm,
    NotAllowed,
    RuleBroken,
    StaleScreen,
)
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

bp = Blueprint("users", __name__, url_prefix="/admin/users")

REFUSALS = (InvalidForm, RuleBroken, StaleScreen, NotAllowed)
LANGUAGE_NAMES = (("en", "English"), ("ar", "العربية"))


@bp.get("")
@needs(MANAGE)
def users() -> str:
    return _page()


@bp.get("/new")
@needs(MANAGE)
def new() -> str:
    offered = ports.facilities(actor())
    only = str(offered[0].id) if len(offered) == 1 else ""
    values = {"language": "en", "facility_id": only, **request.args.to_dict()}
    return _page(is_new=True, values=values)


@bp.post("")
@needs(MANAGE, fresh=True)
def add() -> ResponseReturnValue:
    try:
        wanted = admin_forms.read_user(request.form)
        by_link = request.form.get("entry") == "link"
        handed = editing.add_user(actor(), wanted, key=form_key(), by_link=by_link)
    except REFUSALS as error:
        return _refused(error, is_new=True, values=_typed())
    name = listing.opened(actor(), handed.user_id).name
    return _handed(
        handed, _("Invited: %(name)s", name=name) if by_link else _("Can sign in now: %(name)s", name=name)
    )


def _handed(handed: editing.Handed, sentence: str) -> ResponseReturnValue:
    """The password is in this one answer and kept nowhere: whoever sends the form again is told so."""
    row = listing.opened(actor(), handed.user_id)
    return make_response(_page(row=row, handed=handed, sentence_done=sentence), 200)


@bp.get("/<uuid:user_id>")
@needs(MANAGE)
def edit(user_id: UUID) -> str:
    return _page(row=listing.opened(actor(), user_id))


@bp.post("/<uuid:user_id>")
@needs(MANAGE, fresh=True)
def change(user_id: UUID) -> ResponseReturnValue:
    row = listing.opened(actor(), user_id)
    version = request.form.get("version", type=int, default=0)
    try:
        editing.edit_user(actor(), user_id, admin_forms.read_user(request.form), version=version)
    except StaleScreen as error:
        now = listing.opened(actor(), user_id)
        rows = [
            (say(_label(name)), _named(name, mine), _named(name, theirs))
            for name, (mine, theirs) in error.changes.items()
        ]
        return _refused(error, row=now, values=_typed(), clash=rows)
    except REFUSALS as error:
        return _refused(error, row=row, values=_typed(), version=version)
    return _done(_("Changed: %(name)s", name=listing.opened(actor(), user_id).name))


@bp.post("/<uuid:user_id>/reset")
@needs(MANAGE, fresh=True)
def reset(user_id: UUID) -> ResponseReturnValue:
    row = listing.opened(actor(), user_id)
    try:
        handed = editing.reset_password(actor(), user_id)
    except REFUSALS as error:
        return _refused(error, row=row)
    return _handed(handed, _("New password: %(name)s", name=row.name))


@bp.post("/<uuid:user_id>/invite")
@needs(MANAGE, fresh=True)
def invite(user_id: UUID) -> ResponseReturnValue:
    row = listing.opened(actor(), user_id)
    try:
        handed = editing.invite_again(actor(), user_id)
    except REFUSALS as error:
        return _refused(error, row=row)
    return _handed(handed, _("A link to choose a password: %(name)s", name=row.name))


@bp.post("/<uuid:user_id>/factors/remove")
@needs(MANAGE, fresh=True)
def remove_factors(user_id: UUID) -> ResponseReturnValue:
    row = listing.opened(actor(), user_id)
    try:
        editing.remove_factors(actor(), user_id)
    except REFUSALS as error:
        return _refused(error, row=row)
    return _done(_("Can set a second factor up anew: %(name)s", name=row.name))


@bp.post("/<uuid:user_id>/close")
@needs(MANAGE, fresh=True)
def shut_out(user_id: UUID) -> ResponseReturnValue:
    row = listing.opened(actor(), user_id)
    try:
        people.disable_user(actor(), user_id)
    except REFUSALS as error:
        return _refused(error, row=row)
    undo = url_for("users.let_in", user_id=user_id)
    return _done(_("Shut out, and signed out everywhere: %(name)s", name=row.name), undo_url=undo)


@bp.post("/<uuid:user_id>/open")
@needs(MANAGE, fresh=True)
def let_in(user_id: UUID) -> ResponseReturnValue:
    row = listing.opened(actor(), user_id)
    try:
        people.enable_user(actor(), user_id)
    except REFUSALS as error:
        return _refused(error, row=row)
    return _done(_("Can sign in again: %(name)s", name=row.name))


def _label(name: str) -> str:
    return LABELS.get(name, name)


LABELS = {
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "username": N_("User name"),
    "email": N_("E-mail address"),
    "language": N_("Language"),
    "roles": N_("Roles"),
    "facility_id": N_("Works at"),
    "facilities": N_("May work at"),
    "staff_id": N_("Is, among the staff"),
    "exceptions": N_("Rights beside the roles"),
    "because": N_("Why these rights are given or taken away"),
}


def _typed() -> dict[str, str]:
    """Return the form as it was typed; several roles or places are joined."""
    many = {name: ",".join(request.form.getlist(name)) for name in ("roles", "facilities")}
    return request.form.to_dict() | many


def _named(name: str, value: str) -> str:
    """A conflict shows places and people by name."""
    offered = {"facility_id": ports.facilities, "facilities": ports.facilities, "staff_id": ports.staff}
    if name not in offered or not value:
        return value
    names = {str(each.id): local_name(each.name, each.name_ar) for each in offered[name](actor())}
    return ", ".join(names.get(each, each) for each in value.split(", "))


def _done(sentence: str, **undo: Any) -> ResponseReturnValue:
    if request.headers.get("HX-Target") == "last-act":
        return acted(LastAct(text=sentence), redirect=url_for("users.users"))
    return acted(LastAct(text=sentence, **undo), redirect=url_for("users.users"), panel=_page())


def _refused(error: DomainError, **context: Any) -> ResponseReturnValue:
    sentence = say(error) if isinstance(error, StaleScreen) else ""
    errors = {} if sentence else form_errors(error)
    return make_response(_page(errors=errors, sentence=sentence, **context), error.status)


def _page(**context: Any) -> str:
    who = actor()
    row: listing.OpenedPerson | None = context.get("row")
    started = row.values | {"roles": ",".join(row.roles)} if row else {"roles": ""}
    if row:
        started |= {f"right-{name}": effect for name, effect in row.exceptions.items()}
    defaults: dict[str, Any] = {
        "row": None,
        "is_new": False,
        "values": started,
        "errors": {},
        "clash": [],
        "sentence": "",
        "handed": None,
        "sentence_done": "",
        "version": row.version if row else 0,
        "can_mail": ports.can_mail,
    }
    found = listing.roles(who)
    facilities, staff = ports.facilities(who), ports.staff(who)
    return page_or_fragment(
        "identity/users.html",
        "identity/_users.html",
        people=listing.people(who),
        words=role_words(found),
        labels={name: say(label) for name, label in LABELS.items()},
        assignable=[each.name for each in found if each.name not in listing.NOT_FOR_STAFF],
        permissions=[(name, say(text)) for name, text in PERMISSIONS.items() if name not in BY_NATURE],
        facilities=_choices(facilities),
        staff=_choices(staff),
        staff_names={str(each.id): local_name(each.name, each.name_ar) for each in staff},
        languages=LANGUAGE_NAMES,
        disabled=DISABLED,
        mine=who.user_id,
        key=request.form.get("idempotency_key") or new_key(),
        sections=admin.for_actor(who),
        **(defaults | context),
    )


def _choices(offered: list[Offered]) -> list[tuple[str, str]]:
    return [(str(each.id), local_name(each.name, each.name_ar)) for each in offered]


def role_words(roles: list[listing.RoleLine]) -> dict[str, str]:
    """Return what each role is called: system roles in the reader's language."""
    known = {each.name: each.description for each in ROLES}
    return {
        each.name: say(known[each.name]) if each.is_system and each.name in known else each.name
        for each in roles
    }
