"""What the portal and its panel at the desk show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.identity.api import entrance
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import api as patients
from clinic_web.portal import access
from clinic_web.portal.access import Own
from clinic_web.portal.lookup import is_open
from clinic_web.portal.models import GUARDIAN, SELF, Invitation
from clinic_web.reception import api as reception
from clinic_web.reception.api import OwnTurn, OwnVisits

GROWN_UP = 18  # years: who is younger usually has somebody who looks after them


@dataclass(frozen=True)
class Home:
    """One patient's page of the portal; ``others`` are all whose records the account shows."""

    own: Own
    others: list[Own]
    visits: OwnVisits


def home(actor: Actor, patient_id: UUID | None) -> Home:
    """Return one's own page, or that of somebody one looks after; NotFound (404). The look is noted."""
    with transaction():
        own, others = access.own_patient(actor, patient_id)
        audit.saw(actor, "portal.view", "patient", own.card.id)
        return Home(own, others, reception.own_visits(actor, own.ids))


def turns(actor: Actor, patient_id: UUID) -> tuple[Own, list[OwnTurn]]:
    """Return where the patient stands in today's lines; NotFound (404). The look is noted."""
    with transaction():
        own, _ = access.own_patient(actor, patient_id)
        audit.saw(actor, "portal.view", "patient", own.card.id)
        return own, reception.own_turns(actor, own.ids)


@dataclass(frozen=True)
class ShownAccount:
    """Somebody who sees the patient's records. ``last_used_at``: when they last signed in."""

    id: UUID
    name: str
    is_self: bool
    since: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class ShownInvitation:
    id: UUID
    is_self: bool
    is_mailed: bool
    expires_at: datetime


@dataclass(frozen=True)
class Panel:
    """What the desk knows of a patient's portal. ``email`` is there where letters can go to it."""

    patient_id: UUID
    accounts: list[ShownAccount]
    invitations: list[ShownInvitation]
    usual: str
    has_own: bool
    email: str | None


def panel(actor: Actor, patient_id: UUID) -> Panel:
    """Return the panel of a patient of the actor's tenant. Raises NotFound (404)."""
    patient_id = patients.require(actor, patient_id)
    ids = patients.ids_of(patient_id)
    card = patients.card(actor, patient_id)
    accounts = _accounts(actor, ids)
    with transaction():
        audit.saw(actor, "patient.view", "patient", patient_id)
    return Panel(
        patient_id=patient_id,
        accounts=accounts,
        invitations=_invitations(actor, ids),
        usual=GUARDIAN if card.guardian_id or (card.age is not None and card.age < GROWN_UP) else SELF,
        has_own=any(each.is_self for each in accounts),
        email=patients.email_of(actor, patient_id) if entrance.ports.can_mail else None,
    )


def _accounts(actor: Actor, ids: list[UUID]) -> list[ShownAccount]:
    rows = access.accounts_of(actor, ids)
    users = [each.user_id for each in rows]
    names, used = identity.names_of(actor, users), entrance.patients.last_uses(actor, users)
    return [
        ShownAccount(
            each.id,
            names.get(each.user_id, ""),
            each.relation == SELF,
            each.granted_at,
            used.get(each.user_id),
        )
        for each in rows
    ]


def _invitations(actor: Actor, ids: list[UUID]) -> list[ShownInvitation]:
    rows = db.session.scalars(
        select(Invitation)
        .where(
            Invitation.organization_id == actor.organization_id,
            Invitation.patient_id.in_(ids),
            is_open(clock.now()),
        )
        .order_by(Invitation.created_at)
    )
    return [ShownInvitation(each.id, each.relation == SELF, each.is_mailed, each.expires_at) for each in rows]
