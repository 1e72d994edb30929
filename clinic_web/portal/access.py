"""Whose records an account may see. What is not the person's own looks the same as what is not there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.portal.models import SELF, Account, Invitation

Row = TypeVar("Row", Account, Invitation)


@dataclass(frozen=True)
class Own:
    """A patient whose records the person may see; ``ids`` are all under which rows of them were written."""

    card: PatientCard
    relation: str
    ids: tuple[UUID, ...]


def own_patients(actor: Actor) -> list[Own]:
    """Return whose records the person may see, themselves first; each once, also after a merge."""
    rows = db.session.execute(
        select(Account.patient_id, Account.relation)
        .where(
            Account.organization_id == actor.organization_id,
            Account.user_id == actor.user_id,
            Account.ended_at.is_(None),
        )
        .order_by(Account.relation != SELF, Account.granted_at, Account.id)
    ).all()
    cards = patients.cards(actor, [row.patient_id for row in rows])
    found: dict[UUID, Own] = {}
    for row in rows:
        card = cards.get(row.patient_id)
        if card is not None and card.id not in found:
            found[card.id] = Own(card, row.relation, tuple(patients.ids_of_card(card)))
    return list(found.values())


def own_patient(actor: Actor, patient_id: UUID | None) -> tuple[Own, list[Own]]:
    """Return the patient asked for, or the first, and all whose records are theirs. Raises NotFound (404)."""
    mine = own_patients(actor)
    for each in mine:
        if patient_id is None or patient_id in each.ids:
            return each, mine
    raise NotFound


def account_for(actor: Actor, account_id: UUID) -> Account:
    """Return an account of the tenant's, locked. Raises NotFound (404)."""
    wanted = select(Account).where(Account.id == account_id, Account.organization_id == actor.organization_id)
    return _found(db.session.scalar(wanted.with_for_update()))


def invitation_for(actor: Actor, invitation_id: UUID) -> Invitation:
    """Return an invitation of the tenant's, locked. Raises NotFound (404)."""
    wanted = select(Invitation).where(
        Invitation.id == invitation_id, Invitation.organization_id == actor.organization_id
    )
    return _found(db.session.scalar(wanted.with_for_update()))


def accounts_of(actor: Actor, ids: Collection[UUID]) -> list[Account]:
    """Return the open accounts of a patient, under all their ids, the patient's own first."""
    wanted = select(Account).where(
        Account.organization_id == actor.organization_id,
        Account.patient_id.in_(ids),
        Account.ended_at.is_(None),
    )
    return list(db.session.scalars(wanted.order_by(Account.relation != SELF, Account.granted_at)))


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row
