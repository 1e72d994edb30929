"""One patient of the demo centre who looks at the portal, and waits in a line whenever there is a day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from uuid import UUID

from clinic_web.cli.demo import day, logins
from clinic_web.cli.demo.logins import Login
from clinic_web.identity import api as identity
from clinic_web.kernel import ids
from clinic_web.kernel.actor import Actor
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.portal import access
from clinic_web.portal.forms import NewAccount
from clinic_web.portal.models import SELF
from clinic_web.portal.service import inviting, joining
from clinic_web.reception.service import walking_in

USERNAME = "patient@example.org"
CAME = timedelta(minutes=8)  # before now: long enough to stand in the line, too short to have been called
GROWN = range(25, 60)  # years
LOOKED_AT = 100  # of the demo's patients; one of them will do


def patient(actor: Actor) -> tuple[UUID, date] | None:
    """Return who it is, the same at every start, and their day of birth; None where nobody will do."""
    known = patients.ids_of_imported(actor)
    some = [known[each] for number in range(LOOKED_AT) if (each := f"demo-{number}") in known]
    cards = patients.cards(actor, some)
    for patient_id in some:
        card = cards[patient_id]
        if card.language == "en" and card.age in GROWN and card.date_of_birth:
            return patient_id, card.date_of_birth
    return None


def ensure(actor: Actor, path: str | None) -> Login | None:
    """Give them an account by the way every patient goes, if they have none; return how they sign in."""
    found = patient(actor)
    if found is None or access.accounts_of(actor, patients.ids_of(found[0])):
        return None
    patient_id, born = found
    desk = identity.actors_of(actor.organization_id)["amina"]
    invited = inviting.invite(desk, patient_id, SELF, by_mail=False, key=str(ids.new_id()))
    proof = joining.prove(invited.code or "", born, identity.Source())
    login = Login("patient", USERNAME, identity.generate_password(), "/portal")
    logins.add(login, path)
    joining.open_account(proof, NewAccount(USERNAME, login.password), "en")
    return login


def plan(played: day.Day, clinic_id: UUID) -> None:
    """Let them walk in a little before now."""
    found = patient(played.desk)
    if found is None:
        return
    patient_id, _ = found
    if patient_id in played.patients:
        played.patients.remove(patient_id)
    service = organization.directory(played.desk.organization_id).services_of(clinic_id)[0]
    walk_in = walking_in.WalkIn(patient_id=patient_id, service_id=service.id)
    key = str(ids.new_id())
    played.at(played.now - CAME, partial(_walk_in, played.desk, walk_in, key))


def _walk_in(desk: Actor, walk_in: walking_in.WalkIn, key: str) -> None:
    walking_in.open_walk_in(desk, walk_in, key=key)
