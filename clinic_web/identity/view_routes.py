"""Kept views of lists, listed above the table: each answer is that line anew."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

from flask import Blueprint, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity.permissions import OWN_ACCOUNT
from clinic_web.identity.service import views
from clinic_web.kernel.errors import DomainError, NotFound, RuleBroken, StaleScreen
from clinic_web.ui import lists, private
from clinic_web.ui.lists import Listing
from clinic_web.ui.web import LastAct, acted, actor, form_errors, form_key, is_htmx, needs

bp = Blueprint("views", __name__, url_prefix="/views")


@bp.get("")
@needs(OWN_ACCOUNT)
def line() -> ResponseReturnValue:
    """The line above a list, which fetches it: so the list itself costs nobody a look at their views."""
    listing = _listing(request.args.get("list", ""))
    asked = urlsplit(request.headers.get("HX-Current-URL", "")).query
    html = _line(listing, urlencode(parse_qsl(asked)))
    return html if is_htmx() else render_template("ui/views_page.html", line=html)


@bp.post("")
@needs(OWN_ACCOUNT)
def keep() -> ResponseReturnValue:
    listing = _listing(request.form.get("list", ""))
    query = lists.as_kept(listing, private.of_query(request.form.get("query", "").lstrip("?")))
    name, is_shared = request.form.get("name", ""), "is_shared" in request.form
    try:
        views.keep(
            actor(), list_name=listing.name, name=name, query=query, is_shared=is_shared, key=form_key()
        )
    except RuleBroken as error:
        return _refused(listing, error, query)
    return _done(listing, _("Kept: %(name)s", name=name), query)


@bp.post("/<uuid:view_id>/rename")
@needs(OWN_ACCOUNT)
def rename(view_id: UUID) -> ResponseReturnValue:
    listing = _listing(request.form.get("list", ""))
    version = request.form.get("version", type=int, default=0)
    try:
        row = views.rename(actor(), view_id, request.form.get("name", ""), version=version, require=_listing)
    except (RuleBroken, StaleScreen) as error:
        return _refused(listing, error, renamed=view_id)
    return _done(listing, _("Changed: %(name)s", name=row.name), row.query)


@bp.post("/<uuid:view_id>/delete")
@needs(OWN_ACCOUNT)
def delete(view_id: UUID) -> ResponseReturnValue:
    row = views.delete(actor(), view_id, require=_listing)
    undo = url_for("views.take_back", view_id=view_id)
    return _done(_listing(row.list), _("Deleted: %(name)s", name=row.name), row.query, undo=undo)


@bp.post("/<uuid:view_id>/take-back")
@needs(OWN_ACCOUNT)
def take_back(view_id: UUID) -> ResponseReturnValue:
    row = views.take_back(actor(), view_id, require=_listing)
    return _done(_listing(row.list), _("Here again: %(name)s", name=row.name), row.query, is_undo=True)


def _listing(name: str) -> Listing:
    listing = lists.KNOWN.get(name)
    if listing is None:
        raise NotFound
    actor().require(listing.permission)
    return listing


def _done(
    listing: Listing, text: str, query: str, *, undo: str | None = None, is_undo: bool = False
) -> ResponseReturnValue:
    """The line anew, out of band after an undo, which stands in the foot."""
    address = url_for(listing.endpoint, **dict(parse_qsl(query)))  # type: ignore[arg-type]
    panel = _line(listing, query, is_beside=is_undo)
    return acted(LastAct(text=text, undo_url=undo), redirect=address, panel=panel)


def _line(listing: Listing, query: str, *, is_beside: bool = False, **context: object) -> str:
    return render_template(
        "ui/_views.html", **lists.views_around(listing, query), beside=is_beside, **context
    )


def _refused(
    listing: Listing, error: DomainError, query: str = "", renamed: UUID | None = None
) -> ResponseReturnValue:
    line = _line(
        listing, query, view_errors=form_errors(error), view_typed=request.form, view_renamed=renamed
    )
    if is_htmx():
        return make_response(line, error.status)
    return make_response(render_template("ui/views_page.html", line=line), error.status)
