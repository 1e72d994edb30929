"""What the wizard's pages share: the steps, the guard, and the frame around each form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue

from clinic_web.identity import api as identity
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import (
    N_,
    DomainError,
    InvalidForm,
    NotAllowed,
    NotFound,
    RuleBroken,
    StaleScreen,
)
from clinic_web.organization import api as organization
from clinic_web.ui import texts
from clinic_web.ui.texts import say
from clinic_web.ui.web import actor, new_key

bp = Blueprint("setup", __name__, url_prefix="/setup")

MANAGE, GIVE_ACCESS = "organization.manage", "user.manage"
REFUSALS = (InvalidForm, RuleBroken, StaleScreen, NotAllowed)
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


@dataclass(frozen=True)
class Step:
    name: str
    label: str
    endpoint: str


STEPS = (
    Step("facility", N_("Facility"), "setup.facility"),
    Step("clinics", N_("Clinics and rooms"), "setup.clinics"),
    Step("services", N_("Services and prices"), "setup.services"),
    Step("doctors", N_("Doctors and hours"), "setup.doctors"),
    Step("people", N_("Who signs in"), "setup.people"),
    Step("done", N_("Done"), "setup.done"),
)


def is_open() -> bool:
    """Return whether the first page may still be opened: nobody has set anything up."""
    return not organization.any_organization()


def while_setting_up(view: View) -> View:
    """Only in the organization that the wizard made, until its last page was reached."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> ResponseReturnValue:
        if not organization.is_being_set_up(actor()):
            raise NotFound(N_("This centre is set up. Everything can be changed under Set-up."))
        return view(*args, **kwargs)

    return cast(View, guarded)


def first_missing(who: Actor) -> str:
    found = organization.survey(who)
    there = (found.facilities, found.clinics, found.services, found.hours)
    return next(
        (step.endpoint for step, count in zip(STEPS, there, strict=False) if not count), STEPS[4].endpoint
    )


def page(template: str, step: str, **context: Any) -> str:
    who = actor()
    found = organization.survey(who)
    done = {
        "facility": bool(found.facilities),
        "clinics": bool(found.clinics),
        "services": bool(found.services),
        "doctors": bool(found.hours),
        "people": len(identity.actors_of(who.organization_id)) > 1,
        "done": False,
    }
    place = [each.name for each in STEPS].index(step)
    defaults = {"values": {}, "errors": {}, "version": 0, "row": None}
    return render_template(
        f"setup/{template}",
        step=step,
        steps=[(each, say(each.label), done[each.name]) for each in STEPS],
        before=STEPS[place - 1] if place else None,
        after=STEPS[place + 1] if place + 1 < len(STEPS) else None,
        found=found,
        key=request.form.get("idempotency_key") or new_key(),
        **(defaults | context),
    )


def wrong(error: DomainError, page: str) -> ResponseReturnValue:
    return make_response(page, error.status)


def chosen_id(name: str) -> UUID | None:
    """Return the id of the row that is being changed; None for a new one. Raises NotFound."""
    text = request.values.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise NotFound from error


def facility_id_or_none() -> UUID | None:
    return next((each.id for each in organization.lines(actor(), "facilities")), None)


def version() -> int:
    return request.form.get("version", type=int, default=0)


def the_facility() -> UUID:
    facility_id = facility_id_or_none()
    if facility_id is None:
        raise NotFound(N_("The facility comes first."))
    return facility_id


def clinic_choices() -> list[tuple[str, str]]:
    return [
        (str(each.id), texts.local_name(each.name, each.name_ar))
        for each in organization.lines(actor(), "clinics")
    ]
