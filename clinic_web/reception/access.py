"""The only way to load a row of reception for a person: tenant and facility decide; absent and foreign are 404."""

from __future__ import annotations

from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.reception.models import Appointment, Queue, Visit


def visit_for(actor: Actor, visit_id: UUID, *, lock: bool = False) -> Visit:
    """Return the visit (``lock``: FOR UPDATE, and fresh); NotFound (404) if it is not the actor's to see."""
    raise NotImplementedError


def appointment_for(actor: Actor, appointment_id: UUID, *, lock: bool = False) -> Appointment:
    """Return the appointment; NotFound (404) if it is not the actor's to see."""
    raise NotImplementedError


def queue_for(actor: Actor, queue_id: UUID) -> Queue:
    """Return the queue; NotFound (404) if it is not the actor's to see."""
    raise NotImplementedError


def queue_of_clinic(actor: Actor, clinic_id: UUID) -> Queue:
    """Return the clinic's queue; NotFound (404) if there is none for the actor."""
    raise NotImplementedError
