"""The first page of set-up: what is there, and what is missing for a day's work."""

from __future__ import annotations

from flask import g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from clinic_web.kernel.actor import Actor
from clinic_web.organization import directory as kept
from clinic_web.organization.routes import bp
from clinic_web.organization.setting_up import listing
from clinic_web.ui import admin
from clinic_web.ui.admin import State
from clinic_web.ui.web import actor, needs, page_or_fragment

MANAGE = "organization.manage"


@bp.get("", endpoint="admin", strict_slashes=False)
@needs(MANAGE)
def overview() -> ResponseReturnValue:
    who = actor()
    sections = admin.for_actor(who, with_state=True)
    return page_or_fragment(
        "organization/overview.html",
        "organization/_overview.html",
        sections=sections,
        missing=[sentence for each in sections for sentence in each.state.missing],
        topic=kept.topic(who.organization_id),
    )


def state_of(name: str, who: Actor) -> State:
    """Return how many of a kind there are and what they lack."""
    if "survey" not in g:  # one statement serves every line of the page
        g.survey = listing.survey(who)
    found: listing.Survey = g.survey
    if name == "organization":
        return State()
    count = int(getattr(found, name))
    return State(count, tuple(_missing(name, found)))


def _missing(name: str, found: listing.Survey) -> list[str]:
    """A small centre needs no departments; everything else must be there before somebody can be booked."""
    nothing = {
        "facilities": _("A facility is needed: it has the time zone and the currency."),
        "clinics": _("A clinic is needed: each has its own line."),
        "staff": _("Somebody is needed who sees patients."),
        "services": _("A service with a price is needed: it is what people book."),
    }
    if not getattr(found, name) and name in nothing:
        return [nothing[name]]
    lacking = {
        "rooms": (found.clinics_without_room, _("Without a room: %(names)s")),
        "services": (found.clinics_without_service, _("Without a service: %(names)s")),
        "staff": (found.clinics_without_doctor, _("Without a doctor: %(names)s")),
        "hours": (found.doctors_without_hours, _("Without working hours: %(names)s")),
    }
    names, sentence = lacking.get(name, ([], ""))
    return [sentence % {"names": _(", ").join(names)}] if names else []
