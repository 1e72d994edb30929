"""An invitation as a letter: its code is made when the letter is written, and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from clinic_web.identity.api import entrance
from clinic_web.kernel import clock
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.portal.lookup import is_open
from clinic_web.portal.models import Invitation
from clinic_web.portal.service.inviting import hash_of_code, new_code


@dataclass(frozen=True)
class InvitationLetter:
    """``link`` carries the code behind a ``#``: no server ever sees that part of an address."""

    recipient: str
    language: str
    link: str
    code: str
    expires_at: datetime


def link_to(code: str) -> str:
    """Return the address at which a code is typed in already."""
    return f"{entrance.ports.public_url}/portal/join#{code}"


def invitation_letter(organization_id: UUID, invitation_id: UUID) -> InvitationLetter | None:
    """Return what a letter says, with a new code; None where there is nothing to invite to any more."""
    with transaction():
        row = db.session.scalar(
            select(Invitation)
            .where(
                Invitation.id == invitation_id,
                Invitation.organization_id == organization_id,
                Invitation.is_mailed,
                is_open(clock.now()),
            )
            .with_for_update()
        )
        if row is None:
            return None
        actor = system_actor(organization_id, facility_id=row.facility_id)
        address, card = patients.email_of(actor, row.patient_id), patients.card(actor, row.patient_id)
        if not address:
            return None
        code = new_code()
        row.code_hash = hash_of_code(code)
        until = clock.local(row.expires_at, organization.facility(actor).timezone)
        return InvitationLetter(address, card.language or "en", link_to(code), code, until)
