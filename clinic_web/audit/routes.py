"""``/audit``: who saw and who changed, as lists, as files, and one row with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api, listing, nightly, one
from clinic_web.audit.difference import as_text, differences
from clinic_web.audit.listing import ChangeRow, SeenRow
from clinic_web.audit.nightly import Outcome
from clinic_web.audit.ports import ports
from clinic_web.audit.rows import CHANGED, SEEN, Source
from clinic_web.audit.words import ACTIONS, OF_CHANGES, OF_VIEWS, THINGS
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.kernel.kept import Standing, View
from clinic_web.kernel.listing import Asked
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import say
from clinic_web.ui.web import actor, is_htmx, needs

bp = Blueprint("audit", __name__)

RESULT_WORDS = {"allowed": N_("Allowed"), "refused": N_("Refused"), "emergency": N_("In an emergency")}


@bp.get("/audit")
@needs("audit.view")
def seen() -> ResponseReturnValue:
    return lists.show(VIEWS, ports.timezone, verified=_verified())


@bp.get("/audit.csv")
@needs("audit.view", also="list.export")
def seen_file() -> ResponseReturnValue:
    return lists.export(VIEWS, ports.timezone, request.args.getlist("id"))


@bp.get("/audit/changes")
@needs("audit.view")
def changes() -> ResponseReturnValue:
    return lists.show(CHANGES, ports.timezone, verified=_verified())


@bp.get("/audit/changes.csv")
@needs("audit.view", also="list.export")
def changes_file() -> ResponseReturnValue:
    return lists.export(CHANGES, ports.timezone, request.args.getlist("id"))


@bp.get("/audit/<uuid:row_id>")
@needs("audit.view")
def one_seen(row_id: UUID) -> str:
    return _one(SEEN, row_id)


@bp.get("/audit/changes/<uuid:row_id>")
@needs("audit.view")
def one_change(row_id: UUID) -> str:
    return _one(CHANGED, row_id)


def _verified() -> Outcome | None:
    """What the last verification found; it stands on the page, not in the list."""
    return None if is_htmx() else nightly.last(actor().organization_id)


def _one(source: Source, row_id: UUID) -> str:
    with transaction():
        entry = one.entry(actor(), source, row_id)
        api.saw(actor(), "audit.view", "access_log" if source is SEEN else "change", row_id)
        return render_template(
            "audit/one.html",
            entry=entry,
            is_seen=source is SEEN,
            row=entry.row,
            at=getattr(entry.row, source.moment),
            people=ports.people(actor(), [entry.row.user_id]),
            cards=ports.patients(actor(), entry.patients),
            differences=[] if source is SEEN else differences(entry.row.old_values, entry.row.new_values),
            did=_action,
            thing=_thing,
        )


def _action(name: str) -> str:
    return say(ACTIONS[name]) if name in ACTIONS else name


def _thing(name: str) -> str:
    return say(THINGS[name]) if name in THINGS else name


def _look_seen(who: Actor, asked: Asked) -> Looked:
    page = listing.seen_page(who, asked)
    tabs = {name: page.counts.get(state, 0) for name, state in listing.RESULTS.items()}
    return Looked(
        ids=[row.id for row in page.rows],
        context={"page": page, "tabs": tabs, "results": RESULT_WORDS, "actions": OF_VIEWS}
        | _around(who, asked, page.rows),
    )


def _look_changes(who: Actor, asked: Asked) -> Looked:
    page = listing.changes_page(who, asked)
    found = {row.id: differences(row.old_values, row.new_values) for row in page.rows}
    return Looked(
        ids=[row.id for row in page.rows],
        context={"page": page, "differences": found, "actions": OF_CHANGES} | _around(who, asked, page.rows),
    )


def _around(who: Actor, asked: Asked, rows: Iterable[SeenRow | ChangeRow]) -> dict[str, Any]:
    """Names of people and patients: they stand nowhere in the audit itself."""
    wanted = {row.patient_id for row in rows if row.patient_id} | {asked.get("patient")} - {None}
    return {
        "people": ports.people(who, [row.user_id for row in rows]),
        "cards": ports.patients(who, wanted) if wanted else {},
        "did": _action,
        "thing": _thing,
    }


def _heads() -> list[str]:
    return [
        _("Time"), _("Person"), _("Action"), _("About"), _("Patient"), _("Patient number"), _("Rows"),
        _("Result"), _("Address"), _("Browser"), _("Row"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    for rows in listing.all_seen(who, asked, ids):
        around = _around(who, asked, rows)
        cells = [[*_begin(row, around, who), str(row.listed or ""), row.result, *_end(row)] for row in rows]
        yield Sheet(ids=[row.id for row in rows], cells=cells)


def _heads_of_changes() -> list[str]:
    return [
        _("Time"), _("Person"), _("Action"), _("About"), _("Patient"), _("Patient number"),
        _("What changed"), _("Address"), _("Browser"), _("Row"),
    ]  # fmt: skip


def _sheets_of_changes(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    for rows in listing.all_changes(who, asked, ids):
        around = _around(who, asked, rows)
        cells = [
            [*_begin(row, around, who), as_text(differences(row.old_values, row.new_values)), *_end(row)]
            for row in rows
        ]
        yield Sheet(ids=[row.id for row in rows], cells=cells)


def _begin(row: SeenRow | ChangeRow, around: dict[str, Any], who: Actor) -> list[str]:
    card = around["cards"].get(row.patient_id)
    return [
        f"{clock.local(row.at, ports.timezone(who)):%Y-%m-%d %H:%M:%S}",
        around["people"].get(row.user_id, "") if row.user_id else "",
        _action(row.action),
        _thing(row.resource_type),
        card.name if card else "",
        card.patient_number if card else "",
    ]


def _end(row: SeenRow | ChangeRow) -> list[str]:
    return [row.ip_address or "", row.user_agent or "", str(row.id)]


def _nowhere(who: Actor, view: View | None) -> Standing:
    """These lists follow no topic: every view of anything would move it."""
    return Standing({})


VIEWS = Listing(
    name="audit",
    endpoint="audit.seen",
    export_endpoint="audit.seen_file",
    fragment="audit/_seen.html",
    page="audit/page.html",
    permission="audit.view",
    action="audit.list",
    resource="access_log",
    witness=api.list_view,
    saw=api.saw_list,
    grammar=listing.SEEN_GRAMMAR,
    stand=_nowhere,
    look=_look_seen,
    heads=_heads,
    sheets=_sheets,
    is_kept=False,
)
CHANGES = Listing(
    name="audit-changes",
    endpoint="audit.changes",
    export_endpoint="audit.changes_file",
    fragment="audit/_changes.html",
    page="audit/page.html",
    permission="audit.view",
    action="audit.list",
    resource="change",
    witness=api.list_view,
    saw=api.saw_list,
    grammar=listing.CHANGES_GRAMMAR,
    stand=_nowhere,
    look=_look_changes,
    heads=_heads_of_changes,
    sheets=_sheets_of_changes,
    is_kept=False,
)
