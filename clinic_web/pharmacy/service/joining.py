"""The patient's ticket joins the pharmacy's line by itself, when the visit is over and something waits."""

from __future__ import annotations

from clinic_web.events.reception import VisitFinished
from clinic_web.kernel import clock
from clinic_web.kernel.actor import system_actor
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.pharmacy.service.telling import tell_worklist
from clinic_web.reception import api as reception

STATION = "PHARMACY"  # the kind of the station's queue

MARK_FINISHED = Statement(
    """
    INSERT INTO pharmacy.heard_visits AS v (visit_id, organization_id, finished_at)
    VALUES (:visit_id, :organization_id, :now)
        ON CONFLICT (visit_id) DO UPDATE SET finished_at = EXCLUDED.finished_at
    RETURNING has_prescription
    """
)
IS_HELD = Statement(
    """
    SELECT facility_id FROM pharmacy.prescription_orders
     WHERE visit_id = :visit_id AND organization_id = :organization_id AND status = 'RESERVED' LIMIT 1
    """
)


def stand_in_line(event: VisitFinished) -> None:
    """A visit is over: its ticket goes to the pharmacy if stock is held for it. One statement for most."""
    whose = {"visit_id": event.visit_id, "organization_id": event.organization_id}
    with transaction():
        if not MARK_FINISHED.first(whose | {"now": clock.now()}).has_prescription:
            return
        held = IS_HELD.first(whose)
        actor = system_actor(event.organization_id, name="pharmacy")
        if held and reception.join_station(actor, STATION, event.visit_id):
            tell_worklist(held.facility_id)
