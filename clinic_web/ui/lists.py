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
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from flask import Response, current_app, make_response, render_template, request, stream_with_context, url_for
from markupsafe import Markup

from clinic_web.kernel import clock, kept, keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.kept import Kept, Shown, Standing, View
from clinic_web.kernel.listing import Asked, Grammar
from clinic_web.ui import private, sockets, texts
from clinic_web.ui.ports import ports
from clinic_web.ui.web import actor, is_htmx

EXPORT = "list.export"
# A socket may hear a hundred and twenty topics; the first ones of a list tell the most.
MOST_TOPICS = 100
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
    columns of the file and ``sheets`` its rows. ``witness`` and ``saw`` write the access log (they are
    ``audit.api.list_view``, ``saw_list``), ``permission`` is what seeing the rows takes. ``moment`` is what
    of the time of asking decides how the list looks, besides the day. ``is_kept`` is False where no topic
    tells when the rows change: then every view reads them.
    """

    name: str
    endpoint: str
    export_endpoint: str
    fragment: str
    page: str
    permission: str
    action: str
    resource: str
    witness: Callable[[Actor, str, str, str | None], dict[str, Any]]
    saw: Callable[[Mapping[str, Any]], None]
    grammar: Grammar
    stand: Callable[[Actor, View | None], Standing]
    look: Callable[[Actor, Asked], Looked]
    heads: Callable[[], list[str]]
    sheets: Callable[[Actor, Asked, list[UUID]], Iterator[Sheet]]
    moment: Callable[[], str] = str
    is_kept: bool = True

    def __post_init__(self) -> None:
        KNOWN[self.name] = self


KNOWN: dict[str, Listing] = {}  # every kind of list, by name


def show(listing_: Listing, timezone: Callable[[Actor], str], **around: Any) -> Response:
    """Answer with the list: the fragment to htmx, the page around it otherwise."""
    shown = _shown(listing_, timezone)
    if is_htmx():
        response = Response(shown.kept.html, mimetype="text/html")
        if request.headers.get("X-Background") != "1":
            response.headers["HX-Push-Url"] = shown.address
        return response
    html = Markup(shown.kept.html.decode())  # noqa: S704 - our own template's
    return make_response(render_template(listing_.page, fragment=html, list_name=listing_.name, **around))


def views_around(listing_: Listing, query: str) -> dict[str, Any]:
    """Return what the line of kept views shows beside a list whose address asks ``query``."""
    views = [(each, _sealed(each.query)) for each in ports.views_of(actor(), listing_.name)]
    return {
        "list_name": listing_.name,
        "list_query": _sealed(query),
        "views": views,
        "list_url": url_for(listing_.endpoint),
    }


def _sealed(query: str) -> str:
    return private.as_query(dict(parse_qsl(query)))


def as_kept(listing_: Listing, args: Mapping[str, str]) -> str:
    """Return the filters and the order of an address as they are kept: its first page, and nothing else.

    Raises RuleBroken (422) when the address can't be.
    """
    asked = listing.read(listing_.grammar, args, clock.now().date()).first_page
    return urlencode(asked.to_address())


def _shown(listing_: Listing, timezone: Callable[[Actor], str]) -> Shown:
    """Return the rendered list, and note who saw which rows.

    If this process has answered the same question before, one statement asks whether everything still stands
    as it did, and notes the view if it does. Else where the topics stand is read before anything else, so
    that nothing that is read afterwards can be older.
    """
    who = actor()
    if not listing_.is_kept:
        return _read_anew(listing_, who, timezone(who))
    moment = listing_.moment()
    place = (who.organization_id, who.facility_id, who.permissions)
    question = (listing_.name, *place, texts.language(), moment, request.query_string)
    before = kept.shown_here(question)
    standing = listing_.stand(who, _view(listing_, who, before) if before else None)
    if before and standing.is_seen:
        return before
    shown = _find_or_render(listing_, who, standing, timezone(who), moment)
    listing_.saw(_view(listing_, who, shown).witness)
    kept.remember(question, shown)
    return shown


def _read_anew(listing_: Listing, who: Actor, timezone: str) -> Shown:
    standing = listing_.stand(who, None)
    asked = listing.read(listing_.grammar, request.args, clock.today(timezone))
    rendered = _render(listing_, who, asked, standing)
    shown = Shown(rendered, standing.generation, _address(asked), clock.now())
    listing_.saw(_view(listing_, who, shown).witness)
    return shown


def _address(asked: Asked) -> str:
    address = private.as_query(asked.to_address())
    return f"{request.path}?{address}" if address else request.path


def _view(listing_: Listing, who: Actor, shown: Shown) -> View:
    ids = shown.kept.ids
    return View(shown.generation, listing_.witness(who, listing_.action, listing_.resource, ids))


def _find_or_render(listing_: Listing, who: Actor, standing: Standing, timezone: str, moment: str) -> Shown:
    asked = listing.read(listing_.grammar, request.args, clock.today(timezone))
    key = kept.key_of(listing_.name, who, standing, _looks(asked, moment))
    rendered = kept.find(key)
    if rendered is None:
        rendered = _render(listing_, who, asked, standing)
        kept.keep(key, rendered)
    return Shown(
        rendered,
        standing.generation,
        _address(asked),
        min(clock.now() + timedelta(seconds=kept.FIVE_MINUTES), clock.midnight_after(clock.now(), timezone)),
    )


def _looks(asked: Asked, moment: str) -> dict[str, str]:
    """What decides how a list looks besides its rows: the address, the day, the language, the templates."""
    return asked.to_address() | {"/": f"{asked.today} {moment} {texts.language()} {_build()}"}


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
    asked = listing.read(listing_.grammar, request.args, clock.today(timezone(who))).first_page
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
        listing_.saw(listing_.witness(who, action, listing_.resource, Kept.of(sheet.ids, "").ids))
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
