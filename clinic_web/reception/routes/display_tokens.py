"""The tokens of screens, beside those of other programs: what each may show, until when, and its end."""

from __future__ import annotations

from uuid import UUID

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.reception.queries import display_tokens as queries
from clinic_web.reception.routes import bp
from clinic_web.reception.service import displays
from clinic_web.ui import admin
from clinic_web.ui.web import LastAct, acted, actor, needs, page_or_fragment

MANAGE = "user.manage"


@bp.get("/admin/displays")
@needs(MANAGE)
def display_tokens() -> str:
    return _page()


@bp.post("/admin/displays/<uuid:display_id>/revoke")
@needs(MANAGE)
def revoke_display_token(display_id: UUID) -> ResponseReturnValue:
    name = displays.revoke(actor(), display_id, is_anywhere=True)
    act = LastAct(text=_("%(name)s is revoked and shows nothing any more.", name=name))
    return acted(act, redirect=url_for("reception.display_tokens"), panel=_page())


def _page() -> str:
    who = actor()
    return page_or_fragment(
        "reception/board/tokens.html",
        "reception/board/_tokens.html",
        rows=queries.of_tenant(who),
        days=displays.UNUSED.days,
        sections=admin.for_actor(who),
    )
