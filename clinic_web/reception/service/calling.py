"""Call patients in: the next one, a particular one, again; and take a wrong call back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.reception.service.moves import Moved


@dataclass(frozen=True, kw_only=True)
class Called:
    """Who is called now. ``finished_ticket`` is the patient whom the same press finished, if one was in the room.

    ``was_called_already``: nobody new was called, because this patient is called and not in yet.
    ``version`` is the called visit's.
    """

    visit_id: UUID
    ticket: str | None
    patient_id: UUID
    room_id: UUID | None
    queue_id: UUID
    version: int
    finished_ticket: str | None = None
    finished_visit_id: UUID | None = None
    was_called_already: bool = False


def call_next(actor: Actor, *, key: str) -> Called | None:
    """Finish the patient in my room and call exactly one next: priority first, then the queue's policy.

    None: nobody waits for me (the patient in the room is finished nevertheless; see ``finishing.finish``).
    Raises RuleBroken (422) when the actor is not a member of staff, BadRequest (400: no key).
    """
    raise NotImplementedError


def call(actor: Actor, visit_id: UUID, *, version: int) -> Called:
    """Call a particular WAITING patient; the one in my room is finished first, as with ``call_next``.

    Raises StaleScreen (409), also when somebody else whom I called is not in yet; NotFound, RuleBroken.
    """
    raise NotImplementedError


def call_again(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """Announce a CALLED patient once more (``times_called``); the board shows it as new."""
    raise NotImplementedError


def open_visit(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """CALLED → IN_PROGRESS: the patient is in the room."""
    raise NotImplementedError


def send_back(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """CALLED → WAITING, at the old place in the line."""
    raise NotImplementedError


def undo_call(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """CALLED → WAITING, and the patient whom that call finished (PENDING_PAYMENT) is IN_PROGRESS again.

    One who was COMPLETED by that call (paid) stays completed.
    """
    raise NotImplementedError
