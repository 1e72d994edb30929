"""The page of all facilities' reports, its tables as CSV, the whole as PDF."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from clinic_web.kernel import clock
from clinic_web.kernel.errors import N_, InvalidForm, NotFound
from clinic_web.organization import api as organization
from clinic_web.reports import forms, paper
from clinic_web.reports.everywhere import everywhere_of
from clinic_web.reports.everywhere import paper as paper_of
from clinic_web.reports.queries.kept import Period
from clinic_web.reports.routes import as_file, bp, days_in_name
from clinic_web.reports.tables import to_csv, write
from clinic_web.ui import pdf, texts
from clinic_web.ui.web import actor, form_errors, needs, page_or_fragment

SEE_ALL = "report.view_all"


@bp.get("/all")
@needs(SEE_ALL)
def everywhere() -> ResponseReturnValue:
    try:
        return _shown(_asked())
    except InvalidForm as error:
        typed = {name: request.args.get(name, "") for name in ("from", "to")}
        nothing = forms.Asked(None, None, None, None)
        return _shown(nothing, typed=typed, errors=form_errors(error)), error.status


@bp.get("/all/<name>.csv")
@needs(SEE_ALL)
def everywhere_table(name: str) -> ResponseReturnValue:
    """One of its tables, as a spreadsheet opens it."""
    shown = everywhere_of(actor(), _asked())
    found = shown.tables.get(name)
    if found is None:
        raise NotFound(N_("This table is not here."))
    return as_file(to_csv(found), "text/csv; charset=utf-8", f"all-{name}-{days_in_name(shown.period)}.csv")


@bp.get("/all.pdf")
@needs(SEE_ALL)
def everywhere_pdf() -> ResponseReturnValue:
    shown = everywhere_of(actor(), _asked())
    made = pdf.render("report", paper.drawn(paper_of(shown)), texts.language())
    return as_file(made, pdf.MIMETYPE, f"report-all-{days_in_name(shown.period)}.pdf")


def _asked() -> forms.Asked:
    return forms.read_asked(request.args, clock.today(organization.facility(actor()).timezone))


def _shown(asked: forms.Asked, **context: Any) -> str:
    shown = everywhere_of(actor(), asked)

    def address(period: Period | None = None, endpoint: str = "reports.everywhere", **more: Any) -> str:
        days = period or shown.period
        span: dict[str, Any] = {"from": days.first, "to": days.last} if days.days > 1 else {"day": days.first}
        names = {"reports.table": "reports.everywhere_table"}
        return url_for(names.get(endpoint, endpoint), **span, **more)

    return page_or_fragment(
        "reports/everywhere.html",
        "reports/_everywhere.html",
        shown=shown,
        address=address,
        write=write,
        **({"typed": None, "errors": {}} | context),
    )
