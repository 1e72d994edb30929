"""Screens of reception that show a patient by name, when the name changes or two patients become one."""

from __future__ import annotations

from sqlalchemy import text

from clinic_web.events.patients import PatientChanged, PatientMerged, PatientUnmerged
from clinic_web.kernel import bus
from clinic_web.kernel.db import db
from clinic_web.patients import api as patients
from clinic_web.reception.service.moves import tell_line

# Lines in which somebody is shown by name now, or soon.
LINES_OF = text(
    """
    SELECT DISTINCT queue_id FROM reception.visits
     WHERE patient_id = ANY(:ids) AND status IN ('SCHEDULED', 'WAITING', 'CALLED', 'IN_PROGRESS', 'ON_HOLD')
    """
)


def wire() -> None:
    for event in (PatientChanged, PatientMerged, PatientUnmerged):
        bus.subscribe(event, show_their_new_name, schema="reception")


def show_their_new_name(event: PatientChanged | PatientMerged | PatientUnmerged) -> None:
    """Desks, doctors and walls that show the patient look again."""
    ids = patients.ids_of(event.patient_id)
    if not isinstance(event, PatientChanged):
        ids = [*ids, event.merged_id]
    for queue_id in db.session.scalars(LINES_OF, {"ids": ids}):
        tell_line(queue_id)
