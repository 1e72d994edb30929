"""What is written beside an appointment, corrected later. The old words stay in the audit."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.access import appointment_for
from clinic_web.reception.models import Visit
from clinic_web.reception.service.moves import tell_line


def note(actor: Actor, appointment_id: UUID, text: str | None, *, version: int) -> None:
    """Write ``text`` beside the appointment, None for nothing. ``version`` is the appointment's.

    Raises StaleScreen (409) when somebody else changed the appointment, NotFound (404).
    """
    with transaction():
        appointment = appointment_for(actor, appointment_id, lock=True)
        appointment.require_version(version)
        if appointment.notes == text:
            return
        was, appointment.notes, appointment.updated_by = appointment.notes, text, actor.user_id
        audit.changed(
            actor,
            "appointment.note",
            "appointment",
            appointment.id,
            old={"notes": was},
            new={"notes": text},
        )
        tell_line(
            db.session.scalars(select(Visit.queue_id).where(Visit.appointment_id == appointment.id)).one()
        )
