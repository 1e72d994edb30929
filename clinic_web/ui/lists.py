"""Lists on a screen: one fragment per question, kept rendered; a page around it; the same as a file.

What is kept holds nothing of the person or the session (no token, no nonce, no name), only what their rights,
language and place show; each view of it leaves its own row in the access log, with the ids.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, current_app, make_response, render_template, request, stream_with_context, url_for
from markupsafe import Markup

from clinic_web.kernel import clock, kept, keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Kept, Standing
from clinic_web.kernel.listing import Asked, Grammar
from clinic_web.ui import sockets, texts
from clinic_web.ui.web import actor, is_htmx

EXPORT = "list.export"
# A socket may hear forty topics; the first ones of a list tell the most.
MOST_TOPICS = 30
BOM = "\ufeff"
# A cell that begins like this is a formula to a spreadsheet, and may send what stands beside it elsewhere.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a list shows: the ids of its rows, and what its template needs."""

    ids: list[UUID]
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A piece of a file: ``cells`` as text, and the ids of the rows they are of."""

    ids: list[UUID]
    cells: list[list[str]]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One kind of list. ``name`` is its cache's and its file's, ``endpoint`` the view of its address.

    ``stand`` tells where the topics stand that its rows follow, ``look`` reads the page, ``heads`` are the
    columns of the file and ``sheets`` its rows. ``saw`` writes the access log (as ``audit.api.saw_list`` does),
    ``permission`` is what seeing the rows takes.
    """

    name: str
    endpoint: str
    export_endpoint: str
    fragment: str
    page: str
    permission: str
    action: str
    resource: str
    saw: Callable[[Actor, str, str, str | None], None]
    grammar: Grammar
    stand: Callable[[Actor], Standing]
    look: Callable[[Actor, Asked], Looked]
    heads: Callable[[], list[str]]
    sheets: Callable[[Actor, Asked, list[UUID]], Iterator[Sheet]]


def read(listing_: Listing, timezone: str) -> Asked:
    """Return what the request's address asks of the list."""
    return listing.read(listing_.grammar, request.args, clock.today(timezone))


def show(listing_: Listing, timezone: Callable[[Actor], str], **around: Any) -> Response:
    """Answer with the list: the fragment to htmx, the page around it otherwise.

    Where the topics stand is read first of all, so that nothing that is read afterwards can be older.
    """
    standing = listing_.stand(actor())
    asked = read(listing_, timezone(actor()))
    shown = fragment(listing_, asked, standing)
    if is_htmx():
        response = make_response(shown.html)
        response.mimetype = "text/html"
        if request.headers.get("X-Background") != "1":
            address = urlencode(asked.to_address())
            response.headers["HX-Push-Url"] = f"{request.path}?{address}" if address else request.path
        return response
    html = Markup(shown.html.decode())  # noqa: S704 - our own template's
    return make_response(render_template(listing_.page, fragment=html, asked=asked, **around))


def fragment(listing_: Listing, asked: Asked, standing: Standing) -> Kept:
    """Return the rendered list, kept or new, and note who saw which rows."""
    who = actor()
    key = kept.key_of(listing_.name, who, standing, _looks(asked))
    shown = kept.find(key)
    if shown is None:
        shown = _render(listing_, who, asked, standing)
        kept.keep(key, shown)
    listing_.saw(who, listing_.action, listing_.resource, shown.ids)
    return shown


def _looks(asked: Asked) -> dict[str, str]:
    """What decides how a list looks besides its rows: the address, the day, the language, the templates."""
    return asked.to_address() | {"/": f"{asked.today} {texts.language()} {_build()}"}


def _render(listing_: Listing, who: Actor, asked: Asked, standing: Standing) -> Kept:
    looked = listing_.look(who, asked)
    html = render_template(
        listing_.fragment,
        asked=asked,
        address=_addresses(listing_.endpoint, asked.first_page),
        stay=_addresses(listing_.endpoint, asked),
        here=url_for(listing_.endpoint, **asked.to_address()),  # type: ignore[arg-type]
        action=url_for(listing_.endpoint),
        export=url_for(listing_.export_endpoint),
        topics=[topic for topic in standing.topics if sockets.is_heard(topic)][:MOST_TOPICS],
        most_counted=keyset.MOST_COUNTED,
        **looked.context,
    )
    return Kept.of(looked.ids, html)


def _addresses(endpoint: str, asked: Asked) -> Callable[..., str]:
    """Return a function that gives the list's address with some of it changed; ``when`` takes days away."""
    address = asked.to_address()

    def changed(**changes: Any) -> str:
        kept_days = {} if "when" not in changes else {"from": None, "to": None}
        new_ones = {name.rstrip("_"): value for name, value in changes.items()}
        merged: dict[str, Any] = address | kept_days | new_ones
        return url_for(endpoint, **{name: value for name, value in merged.items() if value})

    return changed


@cache
def _build() -> str:
    """Return what changes with the templates and their words: after an upgrade nothing old is shown."""
    folders = (Path(str(current_app.template_folder)), Path(current_app.root_path) / "translations")
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(each for folder in folders for each in folder.rglob("*.*") if each.is_file()):
        digest.update(file.read_bytes())
    return digest.hexdigest()


# ---- The same list as a file -----------------------------------------------------------------------------


def export(listing_: Listing, timezone: Callable[[Actor], str], marked: Iterable[str] = ()) -> Response:
    """Stream the whole list, or its marked rows, as CSV in UTF-8 with a BOM (spreadsheets ask for one).

    Each piece is noted in the access log before it leaves. The first is read before the answer begins, so
    that a refusal still is one.
    """
    who = actor()
    asked = read(listing_, timezone(who)).first_page
    who.require(EXPORT)
    who.require(listing_.permission)
    sheets = _noted(listing_, who, listing_.sheets(who, asked, _ids(marked)))
    first = next(sheets, None)
    response = Response(
        stream_with_context(_lines(listing_.heads(), first, sheets)),
        mimetype="text/csv",
        direct_passthrough=True,
    )
    name = f"{listing_.name}-{asked.today}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _ids(marked: Iterable[str]) -> list[UUID]:
    return [listing.an_id(each) for each in marked][: keyset.CHUNK]


def _noted(listing_: Listing, who: Actor, sheets: Iterator[Sheet]) -> Iterator[Sheet]:
    action = f"{listing_.action.partition('.')[0]}.export"
    for sheet in sheets:
        listing_.saw(who, action, listing_.resource, Kept.of(sheet.ids, "").ids)
        yield sheet


def _lines(heads: list[str], first: Sheet | None, more: Iterator[Sheet]) -> Iterator[bytes]:
    yield (BOM + _written([heads])).encode()
    if first:
        yield _written(first.cells).encode()
    for sheet in more:
        yield _written(sheet.cells).encode()


def _written(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def harmless(cell: str) -> str:
    """Return the text so that no spreadsheet takes it for a formula; numbers stay numbers."""
    if cell.startswith(FORMULA) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).isdecimal()


def tabs(counts: Callable[[tuple[str, ...]], int], states: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Return how many rows stand under each tab."""
    return {name: counts(statuses) for name, statuses in states.items()}
