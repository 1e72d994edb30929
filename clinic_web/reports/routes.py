"""The page of reports, its tables as CSV, the whole as PDF, and making reports by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_, InvalidForm, NotFound, RuleBroken
from clinic_web.organization import api as organization
from clinic_web.reports import forms, paper
from clinic_web.reports.page import Page, page_of
from clinic_web.reports.queries.kept import Period
from clinic_web.reports.service import running
from clinic_web.reports.tables import to_csv, write
from clinic_web.ui import pdf, texts
from clinic_web.ui.web import (
    LastAct,
    acted,
    actor,
    form_errors,
    form_key,
    is_htmx,
    needs,
    page_or_fragment,
)

bp = Blueprint("reports", __name__, url_prefix="/reports")


@bp.get("")
@needs("report.view")
def page() -> ResponseReturnValue:
    try:
        return _shown(_asked())
    except InvalidForm as error:
        # The days can't be shown, so the last kept day is, below the sentence at the field.
        typed = {name: request.args.get(name, "") for name in ("from", "to")}
        return _shown(_nothing_asked(), typed=typed, errors=form_errors(error)), error.status


@bp.get("/<name>.csv")
@needs("report.view")
def table(name: str) -> ResponseReturnValue:
    """One table of the report, as a spreadsheet opens it."""
    shown = page_of(actor(), _asked())
    found = shown.teller.table(name)
    if found is None:
        raise NotFound(N_("This table is not here."))
    return as_file(to_csv(found), "text/csv; charset=utf-8", f"{name}-{days_in_name(shown.period)}.csv")


@bp.get("/report.pdf")
@needs("report.view")
def as_pdf() -> ResponseReturnValue:
    shown = page_of(actor(), _asked())
    made = pdf.render("report", paper.data(shown), texts.language())
    return as_file(made, pdf.MIMETYPE, f"report-{days_in_name(shown.period)}.pdf")


@bp.post("/make")
@needs("report.view")
def make() -> ResponseReturnValue:
    """Make the reports of some days, or make them again."""
    facility_id = request.form.get("facility", type=UUID)
    typed = {name: request.form.get(name, "") for name in ("from", "to")}
    try:
        first, last = forms.read_days(request.form)
        running.ask(actor(), facility_id, first, last, key=form_key())
    except (InvalidForm, RuleBroken) as error:
        asked = forms.Asked(facility_id, None, None, None)
        return _shown(asked, typed=typed, errors=form_errors(error)), error.status
    days = (last - first).days + 1
    text = ngettext("Asked for the report of %(num)s day", "Asked for the reports of %(num)s days", days)
    asked = forms.Asked(facility_id, first, last, None)
    where = _addresses(page_of(actor(), asked))()
    return acted(LastAct(text=text), redirect=where, panel=_shown(asked) if is_htmx() else None)


@bp.post("/runs/<uuid:run_id>/retry")
@needs("report.view")
def retry(run_id: UUID) -> ResponseReturnValue:
    running.try_again(actor(), run_id)
    return acted(LastAct(text=str(_("Asked for the reports again"))), redirect=url_for(".page"))


def _asked() -> forms.Asked:
    facility = request.args.get("facility", type=UUID)
    zone = organization.directory(actor().organization_id).facilities.get(facility) if facility else None
    here = zone or organization.facility(actor())
    return forms.read_asked(request.args, clock.today(here.timezone))


def _nothing_asked() -> forms.Asked:
    return forms.Asked(request.args.get("facility", type=UUID), None, None, None)


def _shown(asked: forms.Asked, **context: Any) -> str:
    shown = page_of(actor(), asked)
    return page_or_fragment(
        "reports/page.html",
        "reports/_report.html",
        shown=shown,
        report=shown.report,
        address=_addresses(shown),
        write=write,
        **({"typed": None, "errors": {}} | context),
    )


def _addresses(shown: Page) -> Callable[..., str]:
    """Return a function that gives the address of the report, or of a file of it, for some days."""
    elsewhere = shown.facility.id if len(shown.facilities) > 1 else None

    def address(period: Period | None = None, endpoint: str = ".page", **more: Any) -> str:
        days = period or shown.period
        span: dict[str, Any] = {"day": days.first}
        if days.days > 1:
            span = {"from": days.first, "to": days.last}
        return url_for(endpoint, facility=elsewhere, **span, **more)

    return address


def days_in_name(period: Period) -> str:
    return str(period.first) if period.days == 1 else f"{period.first}-{period.last}"


def as_file(body: str | bytes, mimetype: str, name: str) -> Response:
    answer = Response(body, content_type=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
