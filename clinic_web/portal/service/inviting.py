"""Inviting a patient at the desk, taking an invitation back, ending an account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update

from clinic_web.audit import api as audit
from clinic_web.events.portal import PatientInvited
from clinic_web.identity.api import entrance
from clinic_web.kernel import bus, clock, idempotency, ids
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import api as patients
from clinic_web.portal import access
from clinic_web.portal.lookup import is_open
from clinic_web.portal.models import RELATIONS, SELF, Account, Invitation

INVITE = "portal.invite"
LASTS = timedelta(days=7)
GROUPS, OF = 3, 4  # a code is three groups of four: 60 random bits


@dataclass(frozen=True)
class Invited:
    """``code`` is shown once, and None where a letter carries it or the form was sent again."""

    id: UUID
    patient_id: UUID
    expires_at: datetime
    code: str | None = None
    is_mailed: bool = False


def new_code() -> str:
    return "-".join(ids.code(OF) for _ in range(GROUPS))


def hash_of_code(typed: str) -> bytes:
    """Return what is kept of a code, however it was typed: also with an O for a 0."""
    plain = "".join(each for each in typed.upper() if each.isalnum())
    return entrance.hash_of(plain.translate(str.maketrans("OIL", "011")))


def invite(actor: Actor, patient_id: UUID, relation: str, *, by_mail: bool, key: str | None) -> Invited:
    """Invite a patient, or who looks after them, under the form's key.

    An invitation for the same that nobody has used yet ends. Raises NotAllowed (403), NotFound (404),
    RuleBroken (422: no birth date to prove with, no address, has an account).
    """
    actor.require(INVITE)
    if relation not in RELATIONS:
        raise RuleBroken(N_("Choose one of these."), field="relation")
    with transaction():
        claim = idempotency.claim(
            actor, INVITE, key, {"patient": str(patient_id), "relation": relation, "by_mail": by_mail}
        )
        if claim.answer is not None:
            row = access.invitation_for(actor, UUID(claim.answer["id"]))
            return Invited(row.id, row.patient_id, row.expires_at, is_mailed=row.is_mailed)
        patients.hold(actor, patient_id)
        card = patients.card(actor, patient_id)
        _require_possible(actor, card, relation, by_mail=by_mail)
        _end_former(actor, card.id, relation)
        code = None if by_mail else new_code()
        row = _write(actor, card.id, relation, code, by_mail=by_mail)
        claim.keep({"id": str(row.id)})
        return Invited(row.id, row.patient_id, row.expires_at, code, by_mail)


def _require_possible(actor: Actor, card: patients.PatientCard, relation: str, *, by_mail: bool) -> None:
    if card.date_of_birth is None or card.date_of_birth_estimated:
        raise RuleBroken(
            N_("First write down the day of birth: with it the person proves who they are."), field="relation"
        )
    if by_mail and not (entrance.ports.can_mail and patients.email_of(actor, card.id)):
        raise RuleBroken(N_("There is no e-mail address to write to."), field="by")
    held = access.accounts_of(actor, patients.ids_of(card.id))
    if relation == SELF and any(each.relation == SELF for each in held):
        raise RuleBroken(N_("This patient has an account. End it first to invite again."), field="relation")


def _end_former(actor: Actor, patient_id: UUID, relation: str) -> None:
    """Of the patient's own there is one code at a time; two parents may have one each."""
    if relation == SELF:
        former = update(Invitation).where(
            Invitation.organization_id == actor.organization_id,
            Invitation.patient_id.in_(patients.ids_of(patient_id)),
            Invitation.relation == SELF,
            is_open(clock.now()),
        )
        db.session.execute(former.values(revoked_at=clock.now(), revoked_by=actor.user_id))


def _write(actor: Actor, patient_id: UUID, relation: str, code: str | None, *, by_mail: bool) -> Invitation:
    now = clock.now()
    row = Invitation(
        id=ids.new_id(),
        organization_id=actor.organization_id,
        facility_id=actor.facility_id,
        patient_id=patient_id,
        relation=relation,
        is_mailed=by_mail,
        code_hash=hash_of_code(code) if code else None,
        created_at=now,
        created_by=actor.user_id,
        expires_at=now + LASTS,
    )
    db.session.add(row)
    db.session.flush()
    new = {"patient": patient_id, "relation": relation, "by_mail": by_mail}
    audit.changed(actor, INVITE, "portal_invitation", row.id, old=None, new=new)
    audit.saw(actor, INVITE, "patient", patient_id)
    if by_mail:
        bus.publish(
            PatientInvited(
                organization_id=actor.organization_id, patient_id=patient_id, invitation_id=row.id
            ),
            actor,
        )
    return row


def revoke(actor: Actor, invitation_id: UUID) -> UUID:
    """Let an invitation open nothing any more; return whose it was. Twice is harmless.

    Raises NotAllowed (403), NotFound (404).
    """
    actor.require(INVITE)
    with transaction():
        row = access.invitation_for(actor, invitation_id)
        if row.revoked_at is None and row.used_at is None:
            row.revoked_at, row.revoked_by = clock.now(), actor.user_id
            audit.changed(actor, "portal.revoke", "portal_invitation", row.id, old=None, new=None)
        return row.patient_id


def end(actor: Actor, account_id: UUID) -> UUID:
    """End an account's right to see a patient; return whose. Who sees nobody any more is shut out at once.

    Raises NotAllowed (403), NotFound (404).
    """
    actor.require(INVITE)
    with transaction():
        row = access.account_for(actor, account_id)
        if row.ended_at is None:
            row.ended_at, row.ended_by = clock.now(), actor.user_id
            db.session.flush()
            old = {"patient": row.patient_id, "relation": row.relation}
            audit.changed(actor, "portal.end", "portal_account", row.id, old=old, new=None)
            if not _sees_anybody(row.user_id):
                entrance.patients.close_account(actor, row.user_id)
        return row.patient_id


def _sees_anybody(user_id: UUID) -> bool:
    left = select(Account.id).where(Account.user_id == user_id, Account.ended_at.is_(None))
    return db.session.scalar(left.limit(1)) is not None
