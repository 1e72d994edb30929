"""What all lists of the API share: the question of an address, the page and where the next one begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import request

from clinic_web.audit import api as audit
from clinic_web.interop.endpoint import Answer, Call
from clinic_web.interop.shapes.common import Out, Page, Paged
from clinic_web.kernel import clock, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.listing import Asked, Cursor, Grammar
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients

Row = TypeVar("Row")
Item = TypeVar("Item", bound=Out)

# What the shapes call otherwise than the lists' grammars do.
NAMES = {"first": "from", "last": "to", "status": "state", "cursor": "after"}


def asked(
    who: Actor, query: Paged, grammar: Grammar, words: Mapping[str, Mapping[str, str]] | None = None
) -> Asked:
    """Return what an address asks of a list. ``words``: what the list itself calls the values of a field.

    Raises RuleBroken (422: a cursor that is none), ChartClosed (403: one patient's rows are their history,
    which is a part of the chart).
    """
    patient_id: UUID | None = getattr(query, "patient", None)
    if patient_id is not None:
        patients.enter_chart(who, patient_id)
    given = {name: value for name, value in query if value is not None and name != "limit"}
    for name in (words or {}).keys() & given.keys():
        given[name] = (words or {})[name][given[name]]
    args = {NAMES.get(name, name): str(value) for name, value in given.items()}
    if "for" in grammar.filters and "type" in args:
        args["for"] = args.pop("type")
    if not args.keys() & {"from", "to"}:
        args["when"] = "any"
    return listing.read(grammar, args, clock.today(organization.facility(who).timezone))


def page(
    call: Call, found: tuple[list[Row], Cursor | None], show: Callable[[Row], Item], kind: type[Page[Item]]
) -> Answer:
    """Return the page, with the address of the next one."""
    rows, after = found
    beyond = next_page(call.query, after)
    return Answer(shape=kind(items=[show(row) for row in rows], next=beyond), next=beyond)


def next_page(query: Paged, after: Cursor | None) -> str | None:
    if after is None:
        return None
    given = query.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    return f"{request.path}?{urlencode(given | {'cursor': after.to_text()})}"


def saw(who: Actor, action: str, resource: str, ids: Iterable[UUID]) -> None:
    """Note that a program saw these rows of a list."""
    with transaction():
        audit.saw(who, action, resource, ids=ids)


def saw_one(who: Actor, action: str, resource: str, resource_id: UUID, **more: Any) -> None:
    with transaction():
        audit.saw(who, action, resource, resource_id, **more)
