"""The patient's ticket joins the laboratory's line by itself, when the visit is over and a test waits."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from clinic_web.events.reception import VisitFinished
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab.service.working import tell_screens
from clinic_web.organization import api as organization
from clinic_web.reception import api as reception

STATION = "LAB"  # the kind of the station's queue

WAITING = Statement(
    """
    SELECT id, order_id, facility_id, scheduled_time FROM lab.lab_orders
     WHERE visit_id = :visit_id AND organization_id = :organization_id AND status = 'SCHEDULED'
    """
)
# Not a new version: whoever has the test on a screen meanwhile may go on with it.
ARE_HERE = Statement(
    """
    UPDATE lab.lab_orders SET arrived_at = :now, updated_at = :now
     WHERE id = ANY(CAST(:ids AS uuid[])) AND status = 'SCHEDULED' AND arrived_at IS NULL
    """
)


def stand_in_line(event: VisitFinished) -> None:
    """A visit is over: its ticket goes to the laboratory if a specimen is to be taken today, and the patient
    counts as here. One statement for most."""
    actor = system_actor(event.organization_id, name="laboratory")
    with transaction():
        found = WAITING.all({"visit_id": event.visit_id, "organization_id": event.organization_id})
        today = [row for row in found if is_today(actor, row.facility_id, row.scheduled_time)]
        if not today:
            return
        ARE_HERE.run({"ids": [row.id for row in today], "now": clock.now()})
        reception.join_station(actor, STATION, event.visit_id)
        for row in today:
            tell_screens(row.facility_id, row.order_id)


def follow_up(actor: Actor, facility_id: UUID, visit_id: UUID, starts_at: datetime) -> None:
    """A test was ordered: if the visit is over already, its ticket joins the line now; else when it is.

    The visit is locked by whoever looks, and a finish locks it, too: one of the two sees the other.
    """
    if is_today(actor, facility_id, starts_at):
        reception.join_station(actor, STATION, visit_id, again=True)


def is_today(actor: Actor, facility_id: UUID, moment: datetime) -> bool:
    timezone = organization.directory(actor.organization_id).facilities[facility_id].timezone
    return clock.local(moment, timezone).date() == clock.today(timezone)
