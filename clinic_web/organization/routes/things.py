"""One list and one form for each kind of thing: facilities, departments, clinics, rooms, staff, services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.organization import directory as kept
from clinic_web.organization import words
from clinic_web.organization.routes import bp
from clinic_web.organization.setting_up import changing, history, listing, reading
from clinic_web.organization.setting_up.kinds import KINDS, SERVICES, STAFF, Field, Kind
from clinic_web.organization.setting_up.listing import Opened
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

MANAGE = "organization.manage"
KIND = "<any({}):name>".format(", ".join(each for each in KINDS if each != "organization"))


@bp.get("/organization")
@needs(MANAGE)
def organization() -> str:
    return _page(KINDS["organization"], row=listing.organization_of(actor()))


@bp.post("/organization")
@needs(MANAGE)
def change_organization() -> ResponseReturnValue:
    return _change(KINDS["organization"], actor().organization_id)


@bp.get(f"/{KIND}", endpoint="things")
@needs(MANAGE)
def show(name: str) -> str:
    return _page(KINDS[name])


@bp.get(f"/{KIND}/new")
@needs(MANAGE)
def new(name: str) -> str:
    kind = KINDS[name]
    asked = {field: request.args[field] for field in request.args if field in {f.name for f in kind.fields}}
    return _page(kind, is_new=True, values=_defaults(kind) | asked)


@bp.post(f"/{KIND}")
@needs(MANAGE)
def add(name: str) -> ResponseReturnValue:
    kind = KINDS[name]
    typed = reading.typed_in(kind, request.form)
    try:
        values = reading.read(kind, typed, is_new=True, country=_country(typed))
        row_id = changing.add(actor(), kind, values, key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return _refused(_page(kind, is_new=True, values=typed, errors=form_errors(error)), error)
    return _done(kind, _("Added: %(name)s", name=listing.opened(actor(), kind, row_id).name))


@bp.get(f"/{KIND}/<uuid:row_id>")
@needs(MANAGE)
def edit(name: str, row_id: UUID) -> str:
    return _page(KINDS[name], row=listing.opened(actor(), KINDS[name], row_id))


@bp.post(f"/{KIND}/<uuid:row_id>")
@needs(MANAGE)
def change(name: str, row_id: UUID) -> ResponseReturnValue:
    return _change(KINDS[name], row_id)


def _change(kind: Kind, row_id: UUID) -> ResponseReturnValue:
    typed = reading.typed_in(kind, request.form)
    version = request.form.get("version", type=int, default=0)
    before = listing.opened(actor(), kind, row_id)
    typed = {**typed, **{each.name: before.values[each.name] for each in kind.fields if each.is_fixed}}
    try:
        values = reading.read(kind, typed, is_new=False, country=_country(typed))
        changing.change(actor(), kind, row_id, values, version=version)
    except StaleScreen as error:
        return _moved_on(kind, row_id, typed, error)
    except (InvalidForm, RuleBroken) as error:
        page = _page(kind, row=before, values=typed, errors=form_errors(error), version=version)
        return _refused(page, error)
    return _done(kind, _("Changed: %(name)s", name=listing.opened(actor(), kind, row_id).name))


def _country(typed: Mapping[str, str]) -> str:
    """Where a telephone is that is written without its country: that of the facility in the form."""
    return listing.phone_country(actor(), typed.get("facility_id", ""))


def _moved_on(kind: Kind, row_id: UUID, typed: dict[str, str], error: StaleScreen) -> ResponseReturnValue:
    """Both sides, and the form with this person's changes on top of the other's."""
    row = listing.opened(actor(), kind, row_id)
    began = _began_with(request.form)
    offered = words.choices(actor(), kind)
    merged, rows = dict(typed), []
    for field in kind.fields:
        mine, now, before = typed[field.name], row.values[field.name], began.get(field.name)
        if before is not None and mine == before:
            merged[field.name] = now
        if mine != now:
            is_theirs = before is not None and before != now
            pair = (words.as_read(field, mine, offered), words.as_read(field, now, offered))
            rows.append((say(field.label), *pair, is_theirs))
    page = _page(kind, row=row, values=merged, clash=rows, sentence=say(error))
    return _refused(page, error)


def _began_with(form: Mapping[str, str]) -> dict[str, str]:
    """Return what the form began with, as it carries it; nothing where somebody tampered with it."""
    try:
        opened = json.loads(form.get("opened", ""))
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in opened.items()} if isinstance(opened, dict) else {}


@bp.post(f"/{KIND}/<uuid:row_id>/close")
@needs(MANAGE)
def close(name: str, row_id: UUID) -> ResponseReturnValue:
    kind, version = KINDS[name], request.form.get("version", type=int, default=0)
    row = listing.opened(actor(), kind, row_id)
    try:
        closed = changing.close(actor(), kind, row_id, version=version)
    except (RuleBroken, StaleScreen) as error:
        return _refused(_page(kind, row=row, errors=form_errors(error)), error)
    if closed.is_deleted:
        sentence = _("Deleted: %(name)s", name=row.name)
    else:
        still = _(", ").join(say(each.word) % {"count": each.count} for each in closed.uses)
        sentence = _(
            "Closed, not deleted: %(name)s. What points to it stays: %(uses)s", name=row.name, uses=still
        )
    undo = url_for("organization.open_again", name=name, row_id=row_id)
    return _done(kind, sentence, undo_url=undo, undo_fields={"version": closed.version})


@bp.post(f"/{KIND}/<uuid:row_id>/open")
@needs(MANAGE)
def open_again(name: str, row_id: UUID) -> ResponseReturnValue:
    kind, version = KINDS[name], request.form.get("version", type=int, default=0)
    changing.open_again(actor(), kind, row_id, version=version)
    sentence = _("In use again: %(name)s", name=listing.opened(actor(), kind, row_id).name)
    if request.headers.get("HX-Target") == "last-act":  # undone from the foot: the list fetches itself
        return acted(LastAct(text=sentence), redirect=url_for("organization.things", name=name))
    return _done(kind, sentence)


def _done(kind: Kind, sentence: str, **undo: Any) -> ResponseReturnValue:
    here = admin_url(kind)
    row = listing.organization_of(actor()) if kind.is_single else None
    return acted(LastAct(text=sentence, **undo), redirect=here, panel=_page(kind, row=row))


def _refused(page: str, error: DomainError) -> ResponseReturnValue:
    return make_response(page, error.status)


def admin_url(kind: Kind) -> str:
    if kind.is_single:
        return url_for("organization.organization")
    return url_for("organization.things", name=kind.name)


def _defaults(kind: Kind) -> dict[str, str]:
    """A new row begins with what is usual; a choice of one is made already."""
    offered = words.choices(actor(), kind)
    only = {name: each[0][0] for name, each in offered.items() if len(each) == 1}
    chosen = {name: value for name, value in only.items() if kind.field(name).is_required}
    return {each.name: each.default for each in kind.fields} | chosen


def _page(
    kind: Kind,
    *,
    row: Opened | None = None,
    is_new: bool = False,
    values: Mapping[str, str] | None = None,
    errors: dict[str, str] | None = None,
    **more: Any,
) -> str:
    """Render the list with the opened row, or the new one, as a form in its place."""
    who = actor()
    there = kept.directory(who.organization_id)
    offered = words.choices(who, kind) if row or is_new else _offered_in_list(who, kind)
    context = {"clash": [], "sentence": "", "version": row.version if row else 0} | more
    return page_or_fragment(
        "organization/things.html",
        "organization/_things.html",
        kind=kind,
        lines=[_line(kind, each, offered, there) for each in listing.lines(who, kind)],
        row=row,
        is_new=is_new,
        values=values if values is not None else (row.values if row else {}),
        opened=json.dumps(row.values if row else {}),
        errors=errors or {},
        offered=offered,
        currency=_currency(there, values if values is not None else (row.values if row else {})),
        past=_past(who, kind, row),
        key=(values or {}).get("idempotency_key") or request.form.get("idempotency_key") or new_key(),
        here=admin_url(kind),
        topic=kept.topic(who.organization_id),
        sections=admin.for_actor(who),
        **context,
    )


def _offered_in_list(who: Actor, kind: Kind) -> dict[str, list[words.Choice]]:
    """A list needs words only for what the directory does not name."""
    unnamed = {"departments", "professions", "languages", "timezones"}
    return words.choices(who, kind, {name for name in kind.columns if kind.field(name).of in unnamed})


def _line(kind: Kind, line: listing.Line, offered: Any, there: kept.Directory) -> dict[str, Any]:
    cells = [(kind.field(name), line.values[name]) for name in kind.columns]
    shown: list[tuple[Field, str]] = [
        (field, words.shown(field, value, offered, there)) for field, value in cells
    ]
    return {"line": line, "cells": shown}


def _currency(there: kept.Directory, values: Mapping[str, str]) -> str | None:
    """Return the currency of the clinic's facility, or of the only one there is."""
    clinic = next((each for each in there.clinics.values() if str(each.id) == values.get("clinic_id")), None)
    if clinic is not None:
        return there.facilities[clinic.facility_id].currency
    found = {each.currency for each in there.facilities.values() if each.is_active}
    return found.pop() if len(found) == 1 else None


def _past(who: Actor, kind: Kind, row: Opened | None) -> list[history.Past]:
    if row is None or kind not in (SERVICES, STAFF):
        return []
    return history.of_service(who, row.id) if kind is SERVICES else history.of_staff(who, row.id)
