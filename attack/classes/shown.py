"""Markup, templates and formulas that people type: shown as what they are, on every page and in every file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from urllib.parse import quote
from uuid import uuid4

from attack.arena import HTMX, Answer, Arena, Case, Knock
from attack.classes.foreign import allowed
from attack.doors import OWN, address, filled_in, question
from attack.judges import without
from attack.payloads import CALCULATED, FORMULAS, MARKUP, RAW, TEMPLATES
from attack.places import Place
from clinic_web.identity.models import SavedView
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.reception.service import walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests import factories

IDS = "A11 A45 A52 A53 A54"
WHAT = "markup, templates and formulas shown"

TYPED = ("name", "first_name", "last_name", "note", "reason", "description", "q", "code", "head", "overbooking_reason",
         "username", "title", "query", "email", "phone", "comment")  # fmt: skip
AS_TEMPLATE = CALCULATED.encode()
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def shown_as_text(answer: Answer) -> str | None:
    if AS_TEMPLATE in answer.body:
        return "a template was calculated"
    if "csv" in answer.headers.get("content-type", ""):
        return _formula_in(answer.text)
    return without(*RAW)(answer)


def _formula_in(text: str) -> str | None:
    for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))):
        for cell in row:
            is_number = cell.lstrip("-").replace(".", "", 1).isdecimal()
            if cell.startswith(FORMULA) and not is_number:
                return f"the cell {cell[:30]!r} is a formula"
    return None


def cases(arena: Arena) -> Iterator[Case]:
    with tenant.of(arena.ours.organization_id):
        plant(arena.ours)
    yield from _everywhere(arena)
    yield from _typed(arena)


def plant(place: Place) -> None:
    """Let people, places and things be called what no form should let them be."""
    desk = place.as_role("receptionist")
    for number, payload in enumerate((*MARKUP, *TEMPLATES, *FORMULAS)):
        patient = factories.patient(
            organization_id=place.organization_id, first_name=payload, last_name=payload
        )
        db.session.commit()
        if number % 4 == 0:
            asked = WalkIn(patient_id=patient, service_id=place.thing("service"))
            walking_in.open_walk_in(desk, asked, key=str(uuid4()))
    for payload in MARKUP[:8]:
        room = factories.room(
            organization_id=place.organization_id, facility_id=place.facility_id,
            clinic_id=place.thing("clinic"), name=payload[:40],
        )  # fmt: skip
        factories.doctor(
            organization_id=place.organization_id, facility_id=place.facility_id, clinics=[place.thing("clinic")],
            first_name=payload, last_name=payload, room_id=room, all_day=False,
        )  # fmt: skip
        factories.service(
            organization_id=place.organization_id, clinic_id=place.thing("clinic"), name=payload, price="1"
        )
        db.session.commit()
        view = SavedView(
            id=new_id(), organization_id=place.organization_id, facility_id=place.facility_id, is_shared=True,
            user_id=place.people["administrator"].user_id, list="visits", name=payload, query="",
        )  # fmt: skip
        place.add(view)
    db.session.remove()


def _everywhere(arena: Arena) -> Iterator[Case]:
    for policy, who in allowed(arena, "GET"):
        path = address(policy, arena.holder(who, OWN))
        asked = "&".join(f"{name}={value}" for name, value in question(policy, arena.ours).items())
        for headers in ({}, HTMX, {"Accept-Language": "ar"}):
            yield Knock("shown", f"{path}?{asked}", shown_as_text, who, headers=headers)
        for number in range(3):
            payload = MARKUP[(len(path) * 5 + number * 11) % len(MARKUP)]
            for name in ("q", "name", "ask", "sort"):
                more = f"{path}?{asked}&{name}={quote(payload)}"
                yield Knock("reflected", more, shown_as_text, who, headers=HTMX)


def _typed(arena: Arena) -> Iterator[Case]:
    for policy, who in allowed(arena, "POST"):
        path = address(policy, arena.holder(who, OWN))
        for number in range(5):
            payload = (*MARKUP, *TEMPLATES)[(len(path) * 3 + number * 7) % (len(MARKUP) + len(TEMPLATES))]
            form = filled_in(arena.ours) | dict.fromkeys(TYPED, payload)
            yield Knock("typed", path, shown_as_text, who, "POST", form, headers=HTMX)
