"""The catalogue among what is set up: the formulary, the tests, the charge master."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.catalog import forms, service
from clinic_web.catalog.kinds import KINDS, Kind
from clinic_web.catalog.lines import lines
from clinic_web.kernel.errors import DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.organization import api as organization
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

bp = Blueprint("catalog", __name__, url_prefix="/admin/catalog")

MANAGE = "catalog.manage"
SHEET = "<any({}):sheet>".format(", ".join(KINDS))


@bp.get(f"/{SHEET}")
@needs(MANAGE)
def rows(sheet: str) -> str:
    return _page(KINDS[sheet])


@bp.get(f"/{SHEET}/new")
@needs(MANAGE)
def new(sheet: str) -> str:
    kind = KINDS[sheet]
    return _page(kind, is_new=True, values={each.name: each.default for each in kind.fields})


@bp.post(f"/{SHEET}")
@needs(MANAGE)
def add(sheet: str) -> ResponseReturnValue:
    kind = KINDS[sheet]
    typed = forms.typed_in(kind, request.form)
    try:
        service.add(actor(), kind, forms.read(kind, typed), key=form_key() or "")
    except (InvalidForm, RuleBroken) as error:
        return make_response(_page(kind, is_new=True, values=typed, errors=form_errors(error)), error.status)
    return _done(kind, _("Added: %(name)s", name=typed[kind.naming[0]]))


@bp.get(f"/{SHEET}/<uuid:catalog_row_id>")
@needs(MANAGE)
def edit(sheet: str, catalog_row_id: UUID) -> str:
    return _opened(KINDS[sheet], catalog_row_id)


@bp.post(f"/{SHEET}/<uuid:catalog_row_id>")
@needs(MANAGE)
def change(sheet: str, catalog_row_id: UUID) -> ResponseReturnValue:
    kind = KINDS[sheet]
    typed = forms.typed_in(kind, request.form)
    version = request.form.get("version", type=int, default=0)
    service.row_for(actor(), kind, catalog_row_id)  # 404 before anything that was typed is judged
    try:
        service.change(actor(), kind, catalog_row_id, forms.read(kind, typed), version=version)
    except StaleScreen as error:
        clash = [
            (say(each.label), *(forms.as_text(side) for side in error.changes[each.name]))
            for each in kind.fields
            if each.name in error.changes
        ]
        return _refused(kind, catalog_row_id, typed, error, clash=clash, sentence=say(error))
    except (InvalidForm, RuleBroken) as error:
        return _refused(kind, catalog_row_id, typed, error, errors=form_errors(error), version=version)
    return _done(kind, _("Changed: %(name)s", name=typed[kind.naming[0]]))


def _opened(kind: Kind, row_id: UUID, **form: Any) -> str:
    row = service.row_for(actor(), kind, row_id)
    shown = forms.shown(kind, service.values_of(actor(), kind, row))
    return _page(kind, **({"row": row, "values": shown, "version": row.version} | form))


def _refused(
    kind: Kind, row_id: UUID, typed: Mapping[str, str], error: DomainError, **form: Any
) -> ResponseReturnValue:
    return make_response(_opened(kind, row_id, values=typed, **form), error.status)


def _done(kind: Kind, sentence: str) -> ResponseReturnValue:
    here = url_for(".rows", sheet=kind.name)
    return acted(LastAct(text=sentence), redirect=here, panel=_page(kind))


def _page(kind: Kind, **form: Any) -> str:
    typed = request.args.get("q", "")
    usual: dict[str, Any] = {
        "row": None,
        "is_new": False,
        "values": {},
        "errors": {},
        "clash": [],
        "sentence": "",
    }
    return page_or_fragment(
        "catalog/page.html",
        "catalog/_rows.html",
        sections=admin.for_actor(actor()),
        kind=kind,
        kinds=KINDS.values(),
        lines=lines(actor(), kind, typed),
        typed=typed,
        key=new_key(),
        here=url_for(".rows", sheet=kind.name),
        currency=organization.facility(actor()).currency,
        **(usual | form),
    )
