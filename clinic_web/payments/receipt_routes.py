"""Receipts on paper: a page for 80 mm or A4, the same as PDF, in the language of who gets it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from clinic_web.payments.papers import PAPERS, SLIP, paper_of
from clinic_web.payments.routes import bp, panel_fragment
from clinic_web.payments.service import printing, viewing
from clinic_web.payments.service.viewing import Panel
from clinic_web.ui import pdf
from clinic_web.ui.texts import LANGUAGES, language
from clinic_web.ui.web import actor, is_htmx, needs, see_other

PDF = "pdf"


@bp.get("/<uuid:payment_id>/receipts/<uuid:receipt_id>")
@needs("payment.view")
def receipt_paper(payment_id: UUID, receipt_id: UUID) -> ResponseReturnValue:
    """The receipt as it is printed by the browser."""
    shown, paper = _paper(payment_id, receipt_id)
    with force_locale(paper["language"]):
        return render_template("payments/paper.html", panel=shown, receipt=shown.receipt, **paper)


@bp.get("/<uuid:payment_id>/receipts/<uuid:receipt_id>.pdf")
@needs("payment.view")
def receipt_pdf(payment_id: UUID, receipt_id: UUID) -> ResponseReturnValue:
    _shown, paper = _paper(payment_id, receipt_id)
    made = pdf.render("receipt", paper["words"], paper["language"])
    response = make_response(made)
    response.mimetype = pdf.MIMETYPE
    response.headers["Content-Disposition"] = f'inline; filename="{paper["words"]["number"]}.pdf"'
    return response


@bp.post("/<uuid:payment_id>/receipts/<uuid:receipt_id>/print")
@needs("payment.view")
def print_receipt(payment_id: UUID, receipt_id: UUID) -> ResponseReturnValue:
    """Note that it goes to paper: the first time as the original, later as a copy."""
    number = printing.note_print(actor(), receipt_id)
    if is_htmx():
        shown = viewing.panel(actor(), payment_id, receipt_id)
        at = request.form.get("at")
        return panel_fragment(shown, at=at, is_copy=number > 1, print_now=True)
    endpoint = ".receipt_pdf" if request.form.get("as") == PDF else ".receipt_paper"
    return see_other(
        url_for(
            endpoint,
            payment_id=payment_id,
            receipt_id=receipt_id,
            print=number,
            paper=request.form.get("paper"),
            language=request.form.get("language"),
        )
    )


def _paper(payment_id: UUID, receipt_id: UUID) -> tuple[Panel, dict[str, Any]]:
    shown = viewing.panel(actor(), payment_id, receipt_id)
    kind = request.args.get("paper")
    spoken = request.args.get("language")
    paper = kind if kind in PAPERS else SLIP
    in_language = spoken if spoken in LANGUAGES else language()
    number = request.args.get("print", type=int)
    is_original = printing.is_original(actor(), receipt_id, number)
    words = paper_of(shown, paper=paper, language=in_language, is_copy=not is_original)
    return shown, {"words": words, "paper": paper, "language": in_language, "languages": LANGUAGES}
