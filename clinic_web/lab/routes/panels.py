"""What others show of the laboratory: the tests of an order on its line, and the paper of a specimen."""

from __future__ import annotations

import io
from uuid import UUID

import segno
from flask import render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.lab.queries import one
from clinic_web.lab.routes import bp
from clinic_web.lab.routes.work import FLAG_WORDS
from clinic_web.ui.texts import say
from clinic_web.ui.web import actor, needs, page_or_fragment


@bp.get("/orders/<uuid:order_id>/panel")
@needs("order.view")
def order_panel(order_id: UUID) -> ResponseReturnValue:
    """An order's tests and what came out of them, for the order's line and for the doctor."""
    return page_or_fragment(
        "lab/order.html",
        "lab/_order.html",
        panel=one.panel_of(actor(), order_id),
        flag_words={name: say(word) for name, word in FLAG_WORDS.items()},
    )


@bp.get("/tests/<uuid:lab_order_id>/label")
@needs("lab.work")
def label(lab_order_id: UUID) -> str:
    """The label of a specimen that is taken: 50 by 25 mm, the number as text and as a code."""
    held = one.in_hand(actor(), lab_order_id)
    if held.specimen is None:
        raise StaleScreen(N_("No specimen is taken yet."))
    return render_template("lab/label.html", held=held, code=_code(held.specimen.specimen_number))


def _code(number: str) -> Markup:
    """Return a number as a QR code in SVG: shapes and classes only, the page allows no inline style."""
    out = io.BytesIO()
    segno.make(number, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=2, svgclass="qr",
        lineclass=None, nl=False,
    )  # fmt: skip
    return Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno from a number of ours
