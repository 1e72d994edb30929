"""The list of patients, on a screen and as a file."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.kernel.listing import Asked
from clinic_web.organization import api as organization
from clinic_web.patients import finding, listing, names
from clinic_web.patients.listing import SEXES, PatientRow
from clinic_web.patients.routes import bp
from clinic_web.ui import lists
from clinic_web.ui.lists import Listing, Looked, Sheet
from clinic_web.ui.texts import say
from clinic_web.ui.web import needs

SEX_WORDS = {"FEMALE": N_("Female"), "MALE": N_("Male"), "OTHER": N_("Other"), "UNKNOWN": N_("Not known")}


@bp.get("/patients")
@needs("patient.search", remembers=True)
def patients_list() -> ResponseReturnValue:
    return lists.show(PATIENTS, _zone)


@bp.get("/patients.csv")
@needs("list.export", also="patient.search")
def patients_file() -> ResponseReturnValue:
    return lists.export(PATIENTS, _zone, request.args.getlist("id"))


def _zone(who: Actor) -> str:
    return organization.facility(who).timezone


def _look(who: Actor, asked: Asked) -> Looked:
    page = listing.patients_page(who, asked)
    words = list(finding.understand(asked.get("q") or "").words)
    return Looked(
        ids=[row.card.id for row in page.rows],
        context={
            "page": page,
            "marked": {row.card.id: names.marked(row.card.name, words) for row in page.rows},
            "tabs": {name: page.counts.get(sex, 0) for name, sex in SEXES.items()},
            "words": SEX_WORDS,
            "sexes": SEXES,
        },
    )


def _heads() -> list[str]:
    return [
        _("Number"), _("Name"), _("Sex"), _("Date of birth"), _("Age"), _("Telephone"), _("Language"),
        _("Registered"),
    ]  # fmt: skip


def _sheets(who: Actor, asked: Asked, ids: list[UUID]) -> Iterator[Sheet]:
    zone = _zone(who)
    for rows in listing.all_patients(who, asked, ids):
        yield Sheet(ids=[row.card.id for row in rows], cells=[_cells(row, zone) for row in rows])


def _cells(row: PatientRow, zone: str) -> list[str]:
    card = row.card
    return [
        card.patient_number,
        card.name,
        say(SEX_WORDS[card.gender]),
        card.date_of_birth.isoformat() if card.date_of_birth else "",
        str(card.age) if card.age is not None else "",
        card.phone or "",
        card.language or "",
        f"{clock.local(row.registered_at, zone):%Y-%m-%d %H:%M}",
    ]


PATIENTS = Listing(
    name="patients",
    endpoint="patients.patients_list",
    export_endpoint="patients.patients_file",
    fragment="patients/list/_patients.html",
    page="patients/list/patients.html",
    permission="patient.search",
    action="patient.list",
    resource="patient",
    witness=audit.list_view,
    saw=audit.saw_list,
    grammar=listing.GRAMMAR,
    stand=listing.stand,
    look=_look,
    heads=_heads,
    sheets=_sheets,
)
