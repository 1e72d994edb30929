"""Registering patients and changing what we know of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.patients import PatientChanged, PatientRegistered
from clinic_web.kernel import bus, folding, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.organization import api as organization
from clinic_web.patients import access, chart, links, merging, names, numbers, queries, shown
from clinic_web.patients.models import GENDERS, Patient
from clinic_web.patients.queries import Holder, PatientCard

PHONE_TAKEN = N_("%(name)s already has this number.")
# Fields of the edit form that name another patient by number, and the column that keeps the id.
REFERENCES = {"phone_of": "phone_of_id", "guardian": "guardian_id"}
MOVED_ON = N_("Somebody else changed this patient at %(at)s. What you typed is still here.")


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A new patient as a desk knows them. ``name`` is the whole name, ``phone`` as typed.

    A child may be reached by a guardian (``guardian_id``, or ``guardian`` by patient number), somebody who
    shares a telephone by ``phone_of_id``: they need no number of their own. With ``beware_of_duplicates``
    likely duplicates are refused, so that a person can look; ``somebody_else_than`` are those of whom the
    person said that it is somebody else.
    """

    name: str
    gender: str
    phone: str | None = None
    date_of_birth: date | None = None
    date_of_birth_estimated: bool = False
    guardian: str | None = None
    guardian_id: UUID | None = None
    phone_of_id: UUID | None = None
    language: str | None = None
    beware_of_duplicates: bool = False
    somebody_else_than: tuple[UUID, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Details:
    """Everything of a patient that people edit; telephones as typed, other patients by their number."""

    first_name: str
    middle_name: str | None
    last_name: str | None
    gender: str
    date_of_birth: date | None
    date_of_birth_estimated: bool
    phone_primary: str | None
    phone_secondary: str | None
    phone_of: str | None
    guardian: str | None
    email: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    state: str | None
    zip_code: str | None
    country: str | None
    language_preference: str | None
    allow_generic_substitution: bool
    medical_history: str | None
    is_active: bool


COLUMNS = {each.name for each in fields(Details)} - set(REFERENCES)


class PhoneTaken(RuleBroken):
    """Somebody here has this telephone number: ``holder`` says who, unless they came just this moment."""

    def __init__(self, holder: PatientCard | None, field: str = "phone") -> None:
        sentence = PHONE_TAKEN if holder else N_("Somebody else was just given this number.")
        super().__init__(sentence, field=field, **({"name": holder.name} if holder else {}))
        self.holder = holder


class LikelyDuplicates(RuleBroken):
    """It may be one of ``candidates``, whom we know already."""

    def __init__(self, candidates: list[PatientCard]) -> None:
        super().__init__(N_("This may be somebody we know already."))
        self.candidates = candidates


def register(actor: Actor, wanted: Registration, *, key: str | None) -> PatientCard:
    """Register a patient once per ``key`` and return the card.

    Raises PhoneTaken and LikelyDuplicates (both RuleBroken, 422), RuleBroken for other fields, BadRequest
    (400) without a key.
    """
    with transaction():
        claim = idempotency.claim(actor, "patient.register", key, asdict(wanted))
        if claim.answer is not None:
            return queries.card(actor, UUID(claim.answer["patient_id"]))
        patient = _new_patient(actor, wanted)
        if wanted.beware_of_duplicates:
            _refuse_likely(actor, wanted)
        patient.patient_number = numbers.patient_number(numbers.draw(actor)[0])
        _save(patient)
        audit.saw(actor, "register", "patient", patient.id)
        bus.publish(PatientRegistered(organization_id=actor.organization_id, patient_id=patient.id), actor)
        claim.keep({"patient_id": str(patient.id)})
        return queries.card(actor, patient.id)


def _new_patient(actor: Actor, wanted: Registration) -> Patient:
    parts = names.split(wanted.name)
    if not folding.normalise(wanted.name):
        raise RuleBroken(N_("Enter the name."), field="name")
    _require_known(wanted.gender)
    patient = Patient(
        id=new_id(),
        organization_id=actor.organization_id,
        first_name=parts.first,
        middle_name=parts.middle,
        last_name=parts.last,
        search_name=folding.normalise(wanted.name),
        gender=wanted.gender,
        date_of_birth=wanted.date_of_birth,
        date_of_birth_estimated=wanted.date_of_birth_estimated,
        language_preference=wanted.language,
        created_by=actor.user_id,
        updated_by=actor.user_id,
    )
    _reach_by(actor, patient, wanted)
    return patient


def _require_known(gender: str) -> None:
    if gender not in GENDERS:
        raise RuleBroken(N_("Choose one of these."), field="gender")


def _reach_by(actor: Actor, patient: Patient, wanted: Registration) -> None:
    """Give the patient a telephone: their own, or that of somebody who must be on our books."""
    patient.guardian_id = _other(actor, patient, wanted.guardian, field="guardian")
    if wanted.guardian_id:
        patient.guardian_id = queries.require(actor, wanted.guardian_id)
    patient.phone_of_id = queries.require(actor, wanted.phone_of_id) if wanted.phone_of_id else None
    _set_phone(actor, patient, wanted.phone, field="phone")


def _set_phone(actor: Actor, patient: Patient, typed: str | None, *, field: str) -> None:
    """Set the patient's own number; the guardian's or the sharer's is theirs and is not written twice."""
    phone = names.phone(typed, organization.facility(actor).phone_country, field=field)
    found = queries.holder_of(actor, phone.digits) if phone else None
    own = phone
    if found is not None and found.record_id != patient.id:
        _reach_through(patient, found, field)
        own = None
    patient.phone_primary = own.shown if own else None
    patient.phone_digits = own.digits if own else None


def _reach_through(patient: Patient, found: Holder, field: str) -> None:
    """Another record has the number: fine if it is shared with them, or the patient's own other record."""
    if found.card.id == patient.id:
        merging.show_telephone_of(patient.id, found.record_id)
    elif found.card.id not in (patient.guardian_id, patient.phone_of_id):
        raise PhoneTaken(found.card, field)


def _refuse_likely(actor: Actor, wanted: Registration) -> None:
    likely = queries.likely_same(actor, wanted.name, wanted.date_of_birth)
    candidates = [each for each in likely if each.id not in wanted.somebody_else_than]
    if candidates:
        raise LikelyDuplicates(candidates)


def _save(patient: Patient, field: str = "phone") -> None:
    """Write the row. Two desks may give one number at the same instant: the index decides who has it."""
    db.session.add(patient)
    try:
        db.session.flush()
    except IntegrityError as error:
        if constraint_of(error) == "uq_patients_phone":
            raise PhoneTaken(None, field) from error
        raise


def edit(actor: Actor, patient_id: UUID, wanted: Details, *, version: int) -> PatientCard:
    """Change a patient to what the form says, if nobody changed them since it was opened.

    Raises StaleScreen (409) whose ``changes`` map each column to (what was typed, what it is now), PhoneTaken
    and RuleBroken (422), NotFound (404), ChartClosed (403).
    """
    with transaction():
        opened = chart.enter(actor, patient_id)
        patient = access.patient_to_change(actor, queries.require(actor, patient_id))
        before = details_of(actor, patient)
        wanted = _keep_estimate(wanted, before)
        if wanted == before:
            return queries.card(actor, patient_id)  # nothing to do, as after a second click
        if patient.version != version:
            raise StaleScreen(MOVED_ON, differences(wanted, before), at=patient.updated_at)
        _apply(actor, patient, wanted, before)
        _save(patient, "phone_primary")
        audit.saw(actor, "edit", "patient", patient.id, emergency_id=opened.id if opened else None)
        bus.publish(PatientChanged(organization_id=actor.organization_id, patient_id=patient.id), actor)
        return queries.card(actor, patient_id)


def open_to_edit(actor: Actor, patient_id: UUID) -> tuple[PatientCard, Details]:
    """Return what the edit form begins with, and note that the actor saw it. Raises NotFound (404),
    ChartClosed (403)."""
    with transaction():
        opened = chart.enter(actor, patient_id)
        patient = access.patient_for(actor, queries.require(actor, patient_id))
        audit.saw(actor, "view", "patient", patient.id, emergency_id=opened.id if opened else None)
        return queries.card(actor, patient_id), details_of(actor, patient)


def details_of(actor: Actor, patient: Patient) -> Details:
    """Return the patient as the edit form has it: as it is shown, whichever record a field comes from."""
    values: dict[str, Any] = {name: getattr(patient, name) for name in COLUMNS | set(REFERENCES.values())}
    values = shown.laid_over(values, shown.taken_by(patient.id))
    others = queries.cards(actor, filter(None, (values["phone_of_id"], values["guardian_id"])))
    for name, column in REFERENCES.items():
        other = others.get(values.pop(column))
        values[name] = other.patient_number if other else None
    return Details(**values)


def differences(wanted: Details, before: Details) -> dict[str, tuple[Any, Any]]:
    """Return (typed, now) of each column that differs."""
    pairs = {each.name: (getattr(wanted, each.name), getattr(before, each.name)) for each in fields(Details)}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _keep_estimate(wanted: Details, before: Details) -> Details:
    """A form shows an estimated birth date as its year; that year again is no change."""
    if not (wanted.date_of_birth and before.date_of_birth and wanted.date_of_birth_estimated):
        return wanted
    is_same = before.date_of_birth_estimated and wanted.date_of_birth.year == before.date_of_birth.year
    return replace(wanted, date_of_birth=before.date_of_birth) if is_same else wanted


def _apply(actor: Actor, patient: Patient, wanted: Details, before: Details) -> None:
    """Write what was changed. A field shown of a merged record stays that record's until it is typed anew."""
    if wanted.phone_primary and wanted.phone_of:
        raise RuleBroken(N_("Somebody who shares a telephone has no number of their own."), field="phone_of")
    _require_known(wanted.gender)
    changed = set(differences(wanted, before))
    borrowed = shown.sources(shown.taken_by(patient.id))
    kept = {name for field in borrowed for name in _of_form(field) if not changed & _of_form(field)}
    merging.forget_fields(patient.id, {field for field in borrowed if changed & _of_form(field)})
    others = {name: _other(actor, patient, getattr(wanted, name), field=name) for name in REFERENCES}
    for name in set(REFERENCES) - kept:
        setattr(patient, REFERENCES[name], others[name])
    if "phone_primary" not in kept:
        with db.session.no_autoflush:  # one UPDATE, one step of the version
            _set_phone(actor, patient, wanted.phone_primary, field="phone_primary")
    for name in COLUMNS - {"phone_primary"} - kept:
        setattr(patient, name, getattr(wanted, name))
    own_name = names.join(patient.first_name, patient.middle_name, patient.last_name)
    patient.search_name, patient.updated_by = folding.normalise(own_name), actor.user_id


def _of_form(field: str) -> set[str]:
    """Return the names in the edit form of one of ``shown.FIELDS``."""
    columns = set(shown.FIELDS[field])
    return (columns & COLUMNS) | {name for name, column in REFERENCES.items() if column in columns}


def _other(actor: Actor, patient: Patient, number: str | None, *, field: str) -> UUID | None:
    """Return the id of the patient whose number was typed; the number of a merged record is theirs, too."""
    if number is None:
        return None
    other = access.patient_by_number(actor, number)
    if other is None:
        raise RuleBroken(N_("No patient has the number %(number)s."), field=field, number=number)
    group = links.group_of(other.id)
    if patient.id in group.ids:
        raise RuleBroken(N_("This is the patient's own number."), field=field)
    return group.survivor
