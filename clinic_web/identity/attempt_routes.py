"""Sign-ins as administrators see them: who tried, who is delayed; and sessions of others, to be ended."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.identity import attempts, listing, login, queries
from clinic_web.identity.access import MANAGE
from clinic_web.identity.service import letting_in
from clinic_web.kernel.errors import N_
from clinic_web.ui import admin
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, acted, actor, needs, page_or_fragment

bp = Blueprint("attempts", __name__, url_prefix="/admin/sign-ins")

RESULTS = {
    "SIGNED_IN": N_("signed in"),
    "LET_IN": N_("let in by an administrator"),
    "HALF": N_("password right, second factor awaited"),
    "WRONG_PASSWORD": N_("wrong password"),
    "WRONG_CODE": N_("wrong code"),
    "INACTIVE": N_("has no access"),
}


@bp.get("")
@needs(MANAGE)
def tries() -> str:
    return _page()


@bp.post("/<uuid:user_id>/let-in")
@needs(MANAGE, fresh=True)
def let_in(user_id: UUID) -> ResponseReturnValue:
    name = letting_in.let_in_now(actor(), user_id)
    said = LastAct(text=_("May try again now: %(name)s", name=name))
    return acted(said, redirect=url_for("attempts.tries"), panel=_page())


@bp.get("/<uuid:user_id>")
@needs(MANAGE)
def of_person(user_id: UUID) -> str:
    return _page(user_id)


@bp.post("/<uuid:user_id>/sessions/<uuid:session_id>/end")
@needs(MANAGE)
def end_session(user_id: UUID, session_id: UUID) -> ResponseReturnValue:
    letting_in.end_session(actor(), user_id, session_id)
    return _of(user_id, _("The session was ended."))


@bp.post("/<uuid:user_id>/sessions/end")
@needs(MANAGE)
def end_sessions(user_id: UUID) -> ResponseReturnValue:
    letting_in.end_sessions(actor(), user_id, keep=login.session_id())
    return _of(user_id, _("Signed out everywhere: %(name)s", name=listing.opened(actor(), user_id).name))


def _of(user_id: UUID, sentence: str) -> ResponseReturnValue:
    here = url_for("attempts.of_person", user_id=user_id)
    return acted(LastAct(text=sentence), redirect=here, panel=_page(user_id))


def _page(user_id: UUID | None = None) -> str:
    who = actor()
    only_failed = request.args.get("show") == "failed"
    person = listing.opened(who, user_id) if user_id else None
    rows = attempts.of_tenant(who, only_failed=only_failed, before=_before(), user_id=user_id)
    return page_or_fragment(
        "identity/sign_ins.html",
        "identity/_sign_ins.html",
        rows=rows,
        results={name: say(text) for name, text in RESULTS.items()},
        delayed=[] if person else attempts.delayed(who),
        person=person,
        sessions=queries.open_sessions(user_id, login.session_id()) if user_id else [],
        only_failed=only_failed,
        older=rows[-1].attempted_at.isoformat() if len(rows) == attempts.PAGE else None,
        sections=admin.for_actor(who),
    )


def _before() -> datetime | None:
    try:
        moment = datetime.fromisoformat(request.args.get("before", ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
