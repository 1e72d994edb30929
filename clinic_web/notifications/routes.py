"""The messages that patients get: the list, one of them, those of one patient, and what that one wishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import DomainError, InvalidForm, StaleScreen
from clinic_web.kernel.listing import Asked
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications import forms, queries, words
from clinic_web.notifications.kinds import GROUPS, KINDS
from clinic_web.notifications.queries import MessageRow
from clinic_web.notifications.service import preferring, resending
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import say
from clinic_web.ui.web import LastAct, acted, actor, form_errors, is_htmx, needs, page_or_fragment

bp = Blueprint("messages", __name__, url_prefix="/messages")

VIEW, MANAGE = "message.view", "message.manage"


@bp.get("")
@needs(VIEW)
def page() -> ResponseReturnValue:
    return lists.show(MESSAGES, _zone)


@bp.get("/export.csv")
@needs("list.export", also=VIEW)
def export() -> ResponseReturnValue:
    return lists.export(MESSAGES, _zone, request.args.getlist("id"))


@bp.get("/<uuid:message_id>")
@needs(VIEW)
def message(message_id: UUID) -> str:
    return _one(message_id)


@bp.post("/<uuid:message_id>/again")
@needs(MANAGE, also=VIEW)
def send_again(message_id: UUID) -> ResponseReturnValue:
    try:
        resending.send_again(actor(), message_id)
    except StaleScreen as error:
        return make_response(_one(message_id, sentence=say(error)), error.status)
    return acted(
        LastAct(text=_("The message goes out again")),
        redirect=url_for(".message", message_id=message_id),
        panel=_one(message_id) if is_htmx() else None,
    )


def _one(message_id: UUID, sentence: str = "") -> str:
    return page_or_fragment(
        "messages/one.html",
        "messages/_one.html",
        shown=queries.one(actor(), message_id),
        sentence=sentence,
        kinds=KINDS,
        words=words,
    )


# ---- One patient -----------------------------------------------------------------------------------------


@bp.get("/of-patient/<uuid:patient_id>")
@needs(VIEW)
def patient_messages(patient_id: UUID) -> str:
    return _panel(patient_id)


@bp.post("/of-patient/<uuid:patient_id>/wishes")
@needs("patient.edit", also=VIEW)
def patient_wishes(patient_id: UUID) -> ResponseReturnValue:
    who = actor()
    patients.enter_chart(who, patient_id)
    try:
        preferring.keep_wishes(who, patient_id, forms.read_wishes(request.form))
    except (InvalidForm, StaleScreen) as error:
        return make_response(_panel(patient_id, error), error.status)
    return acted(
        LastAct(text=_("The wishes are kept")),
        redirect=url_for("patients.patient", patient_id=patient_id),
        panel=_panel(patient_id) if is_htmx() else None,
    )


def _panel(patient_id: UUID, error: DomainError | None = None) -> str:
    who = actor()
    with transaction():
        patients.require(who, patient_id)
        opened = patients.enter_chart(who, patient_id)
        audit.saw(who, "patient.messages", "patient", patient_id, emergency_id=opened.id if opened else None)
    ids = patients.ids_of(patient_id)
    number = max(1, request.args.get("page", type=int, default=1))
    return page_or_fragment(
        "messages/patient.html",
        "messages/_patient.html",
        told=queries.of_patient(who, patient_id, ids, number),
        wishes=preferring.wishes_of(who, ids),
        typed=request.form if error else None,
        errors=form_errors(error) if error else {},
        kinds=KINDS,
        groups=GROUPS,
        words=words,
    )


# ---- The list --------------------------------------------------------------------------------------------


def _zone(who: Actor) -> str:
    return organization.facility(who).timezone


def _look(who: Actor, asked: Asked) -> Looked:
    found = queries.page(who, asked)
    tabs = {name: found.counts.get(state, 0) for name, state in queries.STATES.items()}
    around = {
        "page": found,
        "tabs": tabs,
        "states": queries.STATES,
        "ways": queries.WAYS,
        "kinds": KINDS,
        "words": words,
        "failed_today": found.aside.get("failed_today", 0),
        "cards": _cards(who, found.rows, asked.get("patient")),
    }
    return Looked(ids=[row.id for row in found.rows], context=around)


def _cards(who: Actor, rows: Iterable[MessageRow], *more: UUID | None) -> dict[UUID, Any]:
    return patients.cards(who, {row.patient_id for row in rows} | set(filter(None, more)))


def _heads() -> list[str]:
    return [
        _("Written"), _("Patient"), _("Patient number"), _("What about"), _("Way"), _("State"), _("Why"),
        _("Failed tries"), _("Sent"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    zone = _zone(who)
    for rows in queries.everything(who, asked, ids):
        cards = _cards(who, rows)
        yield Sheet(ids=[row.id for row in rows], cells=[_cells(row, cards, zone) for row in rows])


def _cells(row: MessageRow, cards: dict[UUID, Any], zone: str) -> list[str]:
    """Neither an address nor a text: a file goes further than a page."""
    card = cards.get(row.patient_id)
    return [
        f"{clock.local(row.created_at, zone):%Y-%m-%d %H:%M}",
        card.name if card else "",
        card.patient_number if card else "",
        say(KINDS[row.template].label) if row.template in KINDS else row.template,
        say(words.TYPES[row.notification_type]) if row.notification_type else "",
        say(words.STATES[row.state]),
        say(words.FAILURES[row.failure]) if row.failure else "",
        str(row.retry_count),
        f"{clock.local(row.sent_at, zone):%Y-%m-%d %H:%M}" if row.sent_at else "",
    ]


MESSAGES = Listing(
    name="messages",
    endpoint="messages.page",
    export_endpoint="messages.export",
    fragment="messages/_list.html",
    page="messages/list.html",
    permission=VIEW,
    action="message.list",
    resource="message",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=queries.GRAMMAR,
    stand=queries.stand,
    look=_look,
    heads=_heads,
    sheets=_sheets,
    is_kept=False,  # a message that is written down bumps no topic, only one that was sent or given up
)
