"""The live topic of patients, ``patients:<organization>``: whatever is written to a patient's row moves it.

Lists that show names are kept under it, so it hangs on the row itself and not on the memory of whoever adds
the next use case. Statements that pass the session by (imports) say it themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import event

from clinic_web.kernel.unit_of_work import under_way
from clinic_web.patients.models import Patient, PatientLink

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

PATIENTS = "patients:"
EMERGENCIES = "emergencies:"


def patients_topic(organization_id: UUID) -> str:
    """Return the topic that every registration and change of a patient bumps."""
    return f"{PATIENTS}{organization_id}"


def emergencies_topic(organization_id: UUID) -> str:
    """Return the topic that every emergency bumps when it begins, ends or is reviewed."""
    return f"{EMERGENCIES}{organization_id}"


def may_join_emergencies(joiner: Joiner, topic: str) -> bool:
    """Reviewers hear the emergencies of their own organization."""
    actor = joiner.actor
    return (
        actor is not None
        and actor.can("emergency.review")
        and topic == emergencies_topic(actor.organization_id)
    )


def may_join(joiner: Joiner, topic: str) -> bool:
    """People who may find patients hear those of their own organization."""
    actor = joiner.actor
    return (
        actor is not None and actor.can("patient.search") and topic == patients_topic(actor.organization_id)
    )


@event.listens_for(Patient, "after_insert")
@event.listens_for(Patient, "after_update")
@event.listens_for(Patient, "after_delete")
@event.listens_for(PatientLink, "after_insert")
@event.listens_for(PatientLink, "after_update")
def _moved(_mapper: Any, _connection: Any, patient: Patient | PatientLink) -> None:
    work = under_way()
    if work is not None:
        work.topics.add(patients_topic(patient.organization_id))
