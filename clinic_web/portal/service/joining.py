"""From a code to an account: prove, then choose a user name, or add the patient to an account one has.

A wrong code and a wrong birth date meet the same sentence, and the same growing delay. Each step is used up
by the one who comes first: of two at once one gets the account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.identity import AddressGiven
from clinic_web.identity import api as identity
from clinic_web.identity.api import entrance
from clinic_web.kernel import bus, clock
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotAllowed, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id, new_token
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.patients import api as patients
from clinic_web.portal import lookup
from clinic_web.portal.forms import NewAccount
from clinic_web.portal.models import ONE_OF_USER, ONE_SELF, SELF, Account, Invitation
from clinic_web.portal.service.inviting import hash_of_code

PROOF_LASTS = timedelta(minutes=15)
TRIED = "invitation:"  # under this and the code tries are counted; nobody's user name begins so


class CodeRefused(RuleBroken):
    """Code and birth date do not belong together (422); which of them is wrong is nobody's business."""

    def __init__(self) -> None:
        super().__init__(
            N_("This code and this day of birth do not belong together, or the code is too old."),
            field="code",
        )


class InvitationGone(NotFound):
    """The invitation was used, taken back or is too old; or its proof is (404)."""

    def __init__(self) -> None:
        super().__init__(N_("This invitation was used already, or this took too long. Please begin again."))


@dataclass(frozen=True)
class Invitee:
    """Whose records a proof opens; ``is_self`` where the account is the patient's own."""

    name: str
    language: str | None
    is_self: bool
    organization_id: UUID


def prove(code: str, born: date, source: entrance.Source) -> str:
    """Return the token of a proof for a code and the patient's day of birth.

    Raises CodeRefused (422), TooManyTries (429).
    """
    code_hash = hash_of_code(code)
    with lookup.of_code(code_hash):
        return _prove(code_hash, born, source)


def _prove(code_hash: bytes, born: date, source: entrance.Source) -> str:
    one = entrance.tries.count(TRIED + code_hash.hex(), source, reason=entrance.tries.WRONG_CODE)
    with transaction():
        row = lookup.by_code(code_hash)
        if row is not None and _was_born(row, born):
            entrance.tries.succeeded(one)
            return _proved(row)
        if row is not None:
            _note_failure(row)
    raise entrance.tries.refusal(one, CodeRefused())


def _was_born(row: Invitation, born: date) -> bool:
    card = patients.cards(system_actor(row.organization_id), [row.patient_id]).get(row.patient_id)
    return card is not None and not card.date_of_birth_estimated and card.date_of_birth == born


def _proved(row: Invitation) -> str:
    token = new_token()
    row.proof_hash, row.proof_expires_at = entrance.hash_of(token), clock.now() + PROOF_LASTS
    return token


def _note_failure(row: Invitation) -> None:
    failed = update(Invitation).where(Invitation.id == row.id)
    db.session.execute(failed.values(failures=Invitation.failures + 1))


def invitee(proof: str | None) -> Invitee:
    """Return whose records a proof opens. Raises InvitationGone (404)."""
    proof_hash = entrance.hash_of(proof or "")
    with lookup.of_proof(proof_hash):
        row = lookup.by_proof(proof_hash)
        if row is None:
            raise InvitationGone
        card = patients.card(system_actor(row.organization_id), row.patient_id)
        return Invitee(card.name, card.language, row.relation == SELF, row.organization_id)


def open_account(proof: str | None, wanted: NewAccount, language: str) -> UUID:
    """Make the account that an invitation is for; return its user's id.

    Raises InvitationGone (404), RuleBroken (422: the user name is taken, the password is weak), Busy (503).
    """
    who = invitee(proof)
    with lookup.of_proof(entrance.hash_of(proof or "")), transaction():
        row = _used(proof)
        actor = system_actor(row.organization_id, facility_id=row.facility_id, name="portal")
        user_id = _make_user(actor, who, wanted, language)
        _grant(actor, row, user_id)
    return user_id


def _make_user(actor: Actor, who: Invitee, wanted: NewAccount, language: str) -> UUID:
    first, _, last = who.name.partition(" ")
    is_address = "@" in wanted.username
    try:
        user_id = identity.create_user(
            actor,
            username=wanted.username,
            password=wanted.password,
            first_name=first if who.is_self else wanted.first_name,
            last_name=last if who.is_self else wanted.last_name,
            roles=[entrance.ROLE_OF_PATIENTS],
            facility_id=actor.facility_id,
            language=language,
            email=wanted.username if is_address else "",
        )
    except RuleBroken as error:
        # Whose address it is already: here it is the user name, too.
        field = "username" if error.field == "email" else error.field
        raise RuleBroken(error.sentence, field=field, **error.values) from error
    if not is_address:
        entrance.patients.set_phone(actor, user_id, wanted.username)
    elif entrance.ports.can_mail:
        bus.publish(AddressGiven(organization_id=actor.organization_id, user_id=user_id), actor)
    return user_id


def add_to_mine(actor: Actor, proof: str | None) -> UUID:
    """Let one's account see one patient more; return which.

    Raises InvitationGone (404), NotAllowed (403), RuleBroken (422).
    """
    actor.require("portal.account")
    if actor.user_id is None:
        raise NotAllowed("portal.account")
    if invitee(proof).organization_id != actor.organization_id:
        raise RuleBroken(N_("Your account is of another centre. Please open a new one here."))
    with transaction():
        row = _used(proof)
        _grant(actor, row, actor.user_id)
        return row.patient_id


def _used(proof: str | None) -> Invitation:
    """Use an invitation up; of two at once one gets it."""
    found, now = lookup.by_proof(entrance.hash_of(proof or "")), clock.now()
    if found is None:
        raise InvitationGone
    taken: Invitation | None = db.session.scalar(
        update(Invitation)
        .where(Invitation.id == found.id, Invitation.proof_hash == found.proof_hash, lookup.is_open(now))
        .values(used_at=now, proof_hash=None)
        .returning(Invitation)
    )
    if taken is None:
        raise InvitationGone
    return taken


def _grant(actor: Actor, row: Invitation, user_id: UUID) -> None:
    patient_id = patients.hold(actor, row.patient_id)
    if row.relation == SELF and _has_own(actor, patient_id):
        raise RuleBroken(N_("There is an account for this patient already. Please ask at the desk."))
    account = Account(
        id=new_id(),
        organization_id=row.organization_id,
        user_id=user_id,
        patient_id=patient_id,
        relation=row.relation,
        granted_at=clock.now(),
        granted_by=row.created_by,
    )
    db.session.add(account)
    try:
        db.session.flush()
    except IntegrityError as error:
        raise _refusal(error) from error
    new = {"patient": patient_id, "relation": row.relation, "user": user_id}
    audit.changed(actor, "portal.join", "portal_account", account.id, old=None, new=new)


def _has_own(actor: Actor, patient_id: UUID) -> bool:
    own = select(Account.id).where(
        Account.organization_id == actor.organization_id,
        Account.patient_id.in_(patients.ids_of(patient_id)),
        Account.relation == SELF,
        Account.ended_at.is_(None),
    )
    return db.session.scalar(own.limit(1)) is not None


def _refusal(error: IntegrityError) -> RuleBroken:
    refusals = {
        ONE_SELF: N_("There is an account for this patient already. Please ask at the desk."),
        ONE_OF_USER: N_("Your account is another patient's own already. Please ask at the desk."),
        "uq_accounts_once": N_("Your account shows this patient already."),
    }
    sentence = refusals.get(constraint_of(error) or "")
    if sentence is None:
        raise error
    return RuleBroken(sentence)
