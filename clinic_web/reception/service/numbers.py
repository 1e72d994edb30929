"""The numbers of a queue's day: gapless, drawn last, from a counter row that the transaction locks."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Select, select, text

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.reception.models import Queue, QueueNumber, Visit
from clinic_web.reception.models.queues import TODAY, ticket_text
from clinic_web.reception.service.statements import DRAW

MOVED_AWAY = N_("Moved to another day")
TODAY_THERE = text(f"SELECT {TODAY}")


def timezone_of(actor: Actor, facility_id: UUID) -> str:
    """Return the IANA time zone of a facility; NotFound (404) if it is not the organization's."""
    facility = organization.directory(actor.organization_id).facilities.get(facility_id)
    if facility is None:
        raise NotFound(N_("This place is not here (any more)."))
    return facility.timezone


def today(actor: Actor, facility_id: UUID) -> date:
    """Return the facility's local day by PostgreSQL's clock, in the current transaction."""
    zone = timezone_of(actor, facility_id)
    day: date = db.session.execute(TODAY_THERE, {"timezone": zone}).scalar_one()
    return day


def require_today(actor: Actor, visit: Visit) -> None:
    """A patient is checked in on the appointment's own day, however early or late."""
    if visit.queue_day != today(actor, visit.facility_id):
        raise RuleBroken(
            N_("This appointment is on %(day)s. Book another one for today, or open a walk-in."),
            day=visit.queue_day.isoformat(),
        )


def give_number(actor: Actor, visit: Visit) -> None:
    """Draw a number for a visit that has none yet, and write its ticket on the payment, too.

    The payment is locked before the counter, as everywhere.
    """
    if visit.queue_number is not None:
        return
    payments.lock_for_visit(actor, visit.id)
    _take_next(visit)
    payments.give_ticket(actor, visit.id, visit.ticket, None)


def to_another_day(actor: Actor, visit: Visit, day: date) -> None:
    """Take the visit to another day of its queue, with a number of that day if it had one.

    The number that it leaves behind is void, with the reason. On a day that it was moved away from before its
    own number is still nobody else's and counts again: the patient may hold it on paper. The caller has
    locked the payment, and writes the ticket there.
    """
    if visit.queue_number is None:
        visit.queue_day = day
        return
    db.session.scalars(_number_of(visit)).one().void(MOVED_AWAY)
    visit.queue_day = day
    own = db.session.scalars(_number_of(visit)).one_or_none()
    if own is None:
        _take_next(visit)
        return
    own.issue_again()
    prefix = db.session.get_one(Queue, visit.queue_id).prefix
    visit.queue_number, visit.ticket = own.number, ticket_text(prefix, own.number)


def _take_next(visit: Visit) -> None:
    """Draw the next number of the visit's day."""
    drawn = DRAW.first(
        {
            "organization_id": visit.organization_id,
            "queue_id": visit.queue_id,
            "day": visit.queue_day,
            "visit_id": visit.id,
            "number_id": new_id(),
            "now": clock.now(),
        },
    )
    visit.queue_number, visit.ticket = drawn.number, drawn.ticket


def _number_of(visit: Visit) -> Select[QueueNumber]:
    """The row of the visit's own number on the day it is on."""
    return select(QueueNumber).where(
        QueueNumber.queue_id == visit.queue_id,
        QueueNumber.day == visit.queue_day,
        QueueNumber.visit_id == visit.id,
    )
