"""All about one patient, for their page: who they are, whom they belong to, what is known of their health."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import or_, select

from clinic_web.audit import api as audit
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import access, chart, links, queries, service
from clinic_web.patients.chart import Opened
from clinic_web.patients.models import Allergy, Condition, Patient, PatientLink
from clinic_web.patients.queries import PatientCard
from clinic_web.patients.service import Details

MOST_DEPENDANTS = 20


@dataclass(frozen=True, kw_only=True)
class KnownAllergy:
    name: str
    reaction: str | None
    severity: str | None
    since: date | None
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class KnownCondition:
    name: str
    since: date | None
    until: date | None
    is_active: bool


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A record that is shown as this patient; closing ``link_id`` takes it out again."""

    link_id: UUID
    name: str
    patient_number: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class About:
    """``dependants`` are reached by this patient's telephone or are their children; ``opened``: the emergency
    under which the reader sees all this."""

    card: PatientCard
    details: Details
    registered_at: datetime | None
    changed_at: datetime
    guardian: PatientCard | None
    sharer: PatientCard | None
    dependants: list[PatientCard]
    allergies: list[KnownAllergy]
    conditions: list[KnownCondition]
    merged: list[Merged]
    opened: Opened | None = None

    @property
    def ongoing(self) -> list[KnownCondition]:
        return [each for each in self.conditions if each.is_active]

    @property
    def past(self) -> list[KnownCondition]:
        return [each for each in self.conditions if not each.is_active]


def about(actor: Actor, patient_id: UUID) -> About:
    """Return the page of the patient, or of who they were merged into; NotFound (404), ChartClosed (403).
    The look is noted."""
    with transaction():
        opened = chart.enter(actor, patient_id)
        patient = access.patient_for(actor, queries.require(actor, patient_id))
        ids = links.ids_of(patient.id)
        details = service.details_of(actor, patient)
        others = _others(actor, ids, details)
        audit.saw(actor, "view", "patient", patient.id, emergency_id=opened.id if opened else None)
        return About(
            card=queries.card(actor, patient.id),
            details=details,
            registered_at=patient.created_at,
            changed_at=patient.updated_at,
            guardian=next((each for each in others if each.patient_number == details.guardian), None),
            sharer=next((each for each in others if each.patient_number == details.phone_of), None),
            dependants=_dependants(actor, ids),
            allergies=_allergies(ids),
            conditions=_conditions(ids),
            merged=_merged(ids),
            opened=opened,
        )


def _others(actor: Actor, ids: Sequence[UUID], details: Details) -> list[PatientCard]:
    if not (details.guardian or details.phone_of):
        return []
    wanted = select(Patient.guardian_id, Patient.phone_of_id).where(Patient.id.in_(ids))
    named = {each for row in db.session.execute(wanted) for each in row if each}
    return list(queries.cards(actor, named).values())


def _dependants(actor: Actor, ids: Sequence[UUID]) -> list[PatientCard]:
    rows = db.session.execute(
        queries.select_cards()
        .where(
            Patient.organization_id == actor.organization_id,
            Patient.deleted_at.is_(None),
            or_(Patient.guardian_id.in_(ids), Patient.phone_of_id.in_(ids)),
        )
        .order_by(Patient.date_of_birth, Patient.id)
        .limit(MOST_DEPENDANTS)
    )
    found = queries.once_each(queries.as_shown(actor, rows).values())
    return [each for each in found if each.id not in ids]


def _allergies(ids: Sequence[UUID]) -> list[KnownAllergy]:
    rows = db.session.execute(
        select(
            Allergy.allergen_name, Allergy.reaction, Allergy.severity, Allergy.onset_date, Allergy.is_active
        )
        .where(Allergy.patient_id.in_(ids))
        .order_by(Allergy.is_active.desc(), Allergy.allergen_name, Allergy.id)
    )
    return [
        KnownAllergy(name=name, reaction=reaction, severity=severity, since=since, is_active=is_active)
        for name, reaction, severity, since, is_active in rows
    ]


def _conditions(ids: Sequence[UUID]) -> list[KnownCondition]:
    rows = db.session.execute(
        select(
            Condition.condition_name, Condition.diagnosed_date, Condition.resolved_date, Condition.is_active
        )
        .where(Condition.patient_id.in_(ids))
        .order_by(Condition.diagnosed_date.desc().nulls_last(), Condition.id)
    )
    return [
        KnownCondition(name=name, since=since, until=until, is_active=is_active)
        for name, since, until, is_active in rows
    ]


def _merged(ids: Sequence[UUID]) -> list[Merged]:
    if len(ids) == 1:
        return []
    rows = db.session.execute(
        select(PatientLink, Patient)
        .join(Patient, Patient.id == PatientLink.merged_id)
        .where(PatientLink.merged_id.in_(ids), PatientLink.closed_at.is_(None))
        .order_by(PatientLink.merged_at.desc(), PatientLink.id)
    )
    return [
        Merged(
            link_id=link.id,
            name=queries.name_in(vars(record)),
            patient_number=record.patient_number,
            reason=link.reason,
            at=link.merged_at,
        )
        for link, record in rows
    ]
