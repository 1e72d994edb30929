"""The door before a stranger's chart, and the list in which those who opened one are reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError, InvalidForm, RuleBroken, StaleScreen
from clinic_web.kernel.listing import Asked
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import chart, emergencies, emergency_listing, queries
from clinic_web.patients.chart import ChartClosed
from clinic_web.patients.emergencies import LASTS, OPEN, REVIEW, Reason
from clinic_web.patients.emergency_listing import STATES, EmergencyRow
from clinic_web.patients.models import FOLLOW_UP, JUSTIFIED, NOT_JUSTIFIED, TO_REVIEW, VERDICTS
from clinic_web.patients.routes import bp
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import say
from clinic_web.ui.web import (
    LastAct,
    acted,
    actor,
    form_errors,
    form_key,
    is_htmx,
    needs,
    new_key,
    page_or_fragment,
    see_other,
)

KIND_WORDS = {
    "LIFE": N_("Danger to life or limb"),
    "UNABLE": N_("They can't be asked, and somebody must know"),
    "COVER": N_("I stand in for a colleague"),
    "ADVICE": N_("A colleague asked for advice"),
    "OTHER": N_("Something else"),
}
VERDICT_WORDS = {
    TO_REVIEW: N_("To review"),
    JUSTIFIED: N_("Justified"),
    FOLLOW_UP: N_("To follow up"),
    NOT_JUSTIFIED: N_("Not justified"),
}


def closed(error: ChartClosed) -> ResponseReturnValue:
    """Answer whoever may not see a chart: a page leads to the door before it, a part of one says so. That
    they were refused is noted."""
    db.session.rollback()
    who = actor()
    audit.refused(who, "view", "patient", error.patient_id)
    if request.method == "GET" and not is_htmx():
        return see_other(url_for("patients.door", patient_id=error.patient_id))
    return make_response(
        render_template("patients/emergency/_closed.html", patient_id=error.patient_id, sentence=say(error)),
        error.status,
    )


@bp.get("/patients/<uuid:patient_id>/emergency")
@needs("patient.view")
def door(patient_id: UUID) -> ResponseReturnValue:
    """Who it is, and how the chart is opened; to whom it is not closed, the chart."""
    queries.require(actor(), patient_id)
    try:
        chart.enter(actor(), patient_id)
    except ChartClosed:
        return _door(patient_id)
    return see_other(url_for("patients.patient", patient_id=patient_id))


def _door(patient_id: UUID, *, errors: dict[str, str] | None = None) -> str:
    with transaction():
        card = queries.card(actor(), patient_id)
        audit.saw(actor(), "patient.door", "patient", card.id)
    return page_or_fragment(
        "patients/emergency/door.html",
        "patients/emergency/_door.html",
        patient=card,
        kinds=[(kind, say(word)) for kind, word in KIND_WORDS.items()],
        hours=int(LASTS.total_seconds() // 3600),
        values=request.form,
        errors=errors or {},
        key=request.form.get("idempotency_key") or new_key(),
    )


@bp.post("/patients/<uuid:patient_id>/emergency")
@needs(OPEN, fresh=True)
def open_door(patient_id: UUID) -> ResponseReturnValue:
    try:
        text = " ".join(request.form.get("reason", "").split())
        reason = Reason(request.form.get("kind", ""), text)
        emergencies.open_chart(actor(), patient_id, reason, key=form_key())
    except (InvalidForm, RuleBroken) as error:
        return make_response(_door(patient_id, errors=form_errors(error)), error.status)
    return _gone_to(
        url_for("patients.patient", patient_id=patient_id), LastAct(text=_("The chart is open to you"))
    )


@bp.post("/patients/<uuid:patient_id>/emergency/end")
@needs("patient.view")
def end_emergency(patient_id: UUID) -> ResponseReturnValue:
    emergencies.end(actor(), patient_id)
    return _gone_to(url_for("patients.patients_list"), LastAct(text=_("The chart is closed to you again")))


def _gone_to(url: str, act: LastAct) -> ResponseReturnValue:
    """Another page than before, also to htmx."""
    response = acted(act, redirect=url)
    if is_htmx():
        response.headers["HX-Redirect"] = url
    return response


# ---- The list of reviewers -------------------------------------------------------------------------------


@bp.get("/audit/emergencies")
@needs(REVIEW)
def emergencies_list() -> ResponseReturnValue:
    return lists.show(EMERGENCIES, _zone)


@bp.get("/audit/emergencies.csv")
@needs("list.export", also=REVIEW)
def emergencies_file() -> ResponseReturnValue:
    return lists.export(EMERGENCIES, _zone, request.args.getlist("id"))


@bp.get("/audit/emergencies/<uuid:emergency_id>")
@needs(REVIEW)
def emergency(emergency_id: UUID) -> str:
    return _one(emergency_id)


@bp.post("/audit/emergencies/<uuid:emergency_id>/review")
@needs(REVIEW)
def review(emergency_id: UUID) -> ResponseReturnValue:
    typed = request.form
    note = " ".join(typed.get("note", "").split())
    version = typed.get("version", type=int, default=0)
    try:
        emergencies.review(actor(), emergency_id, typed.get("verdict", ""), note, version=version)
    except StaleScreen as error:
        return make_response(_one(emergency_id, sentence=say(error)), error.status)
    except (InvalidForm, RuleBroken) as error:
        return _refused(emergency_id, error)
    word = say(VERDICT_WORDS[typed["verdict"]])
    return acted(
        LastAct(text=_("Reviewed: %(verdict)s", verdict=word)),
        redirect=url_for("patients.emergencies_list"),
        panel=_one(emergency_id) if is_htmx() else None,
    )


def _refused(emergency_id: UUID, error: DomainError) -> ResponseReturnValue:
    body = _one(emergency_id, errors=form_errors(error), values=request.form)
    return make_response(body, error.status)


def _one(emergency_id: UUID, **context: Any) -> str:
    who = actor()
    row = emergency_listing.one(who, emergency_id)
    defaults: dict[str, Any] = {"errors": {}, "values": {}, "sentence": ""}
    return page_or_fragment(
        "patients/emergency/one.html",
        "patients/emergency/_one.html",
        row=row,
        is_mine=row.user_id == who.user_id,
        verdicts=[(each, say(VERDICT_WORDS[each])) for each in VERDICTS if each != row.verdict],
        **_around(who, [row]),
        **(defaults | context),
    )


def _zone(who: Actor) -> str:
    return organization.facility(who).timezone


def _around(who: Actor, rows: Iterable[EmergencyRow], *more: UUID | None) -> dict[str, Any]:
    """Names of people and patients, and words."""
    listed = list(rows)
    people = {row.user_id for row in listed} | {row.reviewed_by for row in listed}
    return {
        "people": identity.names_of(who, people),
        "cards": queries.cards(who, {row.patient_id for row in listed} | set(filter(None, more))),
        "kind_words": KIND_WORDS,
        "verdict_words": VERDICT_WORDS,
    }


def _look(who: Actor, asked: Asked) -> Looked:
    page = emergency_listing.page(who, asked)
    tabs = {name: page.counts.get(state, 0) for name, state in STATES.items()}
    around = _around(who, page.rows, asked.get("patient"))
    around |= {"page": page, "tabs": tabs, "states": STATES, "kinds": emergency_listing.KIND_OF}
    return Looked(ids=[row.id for row in page.rows], context=around)


def _heads() -> list[str]:
    return [
        _("Opened"), _("Until"), _("Person"), _("Patient"), _("Patient number"), _("Reason"), _("In words"),
        _("Verdict"), _("Reviewed by"), _("Reviewed"), _("Note"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    zone = _zone(who)
    for rows in emergency_listing.everything(who, asked, ids):
        around = _around(who, rows)
        yield Sheet(ids=[row.id for row in rows], cells=[_cells(row, around, zone) for row in rows])


def _cells(row: EmergencyRow, around: dict[str, Any], zone: str) -> list[str]:
    card, people = around["cards"].get(row.patient_id), around["people"]
    return [
        f"{clock.local(row.opened_at, zone):%Y-%m-%d %H:%M}",
        f"{clock.local(row.until, zone):%Y-%m-%d %H:%M}",
        people.get(row.user_id, ""),
        card.name if card else "",
        card.patient_number if card else "",
        say(KIND_WORDS[row.kind]),
        row.reason,
        say(VERDICT_WORDS[row.verdict]),
        people.get(row.reviewed_by, ""),
        f"{clock.local(row.reviewed_at, zone):%Y-%m-%d %H:%M}" if row.reviewed_at else "",
        row.note or "",
    ]


EMERGENCIES = Listing(
    name="emergencies",
    endpoint="patients.emergencies_list",
    export_endpoint="patients.emergencies_file",
    fragment="patients/emergency/_list.html",
    page="patients/emergency/list.html",
    permission=REVIEW,
    action="emergency.list",
    resource="emergency",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=emergency_listing.GRAMMAR,
    stand=emergency_listing.stand,
    look=_look,
    heads=_heads,
    sheets=_sheets,
    is_kept=False,  # it says who is "open now", and names come from two other places
)
