"""The waiting list: put a patient on it, take one off, put one back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.events.reception import WaitingOfferClosed
from clinic_web.kernel import bus, clock, idempotency, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import constraint_of, transaction
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.reception.access import appointment_for, queue_of_clinic
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models import WaitingEntry, WaitingOffer
from clinic_web.reception.models.waiting import DECLINED, LISTED, ONE_ENTRY, OPEN, URGENCIES, WITHDRAWN
from clinic_web.reception.service import answers
from clinic_web.reception.service.payables import require_here

NO_ENTRY = N_("This wish is not on the waiting list (any more).")
ALREADY = N_("This patient is already on the waiting list for this service.")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a patient waits for; see models.waiting.WaitingEntry. ``urgency`` is one of URGENCIES."""

    patient_id: UUID
    service_id: UUID
    from_date: date
    until_date: date
    doctor_id: UUID | None = None
    appointment_id: UUID | None = None
    from_time: time | None = None
    until_time: time | None = None
    urgency: str = "NORMAL"
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Listed:
    entry_id: UUID
    clinic_id: UUID
    patient_id: UUID
    version: int = 1


def put_on_list(actor: Actor, wish: Wish, *, key: str | None) -> Listed:
    """Put a patient on the waiting list, once per ``key``.

    Raises RuleBroken (422: field ``until_date``, ``until_time``, ``urgency``; ``patient_id``: already on it),
    NotFound (404: patient, service, doctor, appointment), BadRequest (400: no key).
    """
    _require_sense(wish)
    with transaction():
        claim = idempotency.claim(actor, "appointment.wait", key, vars(wish))
        if claim.is_repetition:
            return answers.again(Listed, claim)
        wish = replace(wish, patient_id=patients.hold(actor, wish.patient_id))
        terms = organization.terms(actor, wish.service_id, wish.doctor_id)
        require_here(actor, terms)
        if wish.appointment_id:
            theirs = patients.ids_of(wish.patient_id)
            if appointment_for(actor, wish.appointment_id).patient_id not in theirs:
                raise NotFound
        entry = WaitingEntry(
            id=new_id(),
            organization_id=actor.organization_id,
            facility_id=terms.facility_id,
            clinic_id=terms.clinic_id,
            urgency_rank=URGENCIES[wish.urgency],
            created_at=clock.now(),
            created_by=actor.user_id,
            updated_by=actor.user_id,
            **vars(wish),
        )
        db.session.add(entry)
        _flush()
        audit.saw(actor, "appointment.wait", "patient", wish.patient_id)
        tell(actor, entry.clinic_id)
        listed = Listed(entry_id=entry.id, clinic_id=entry.clinic_id, patient_id=entry.patient_id)
        answers.keep(claim, listed)
        return listed


def take_off_list(actor: Actor, entry_id: UUID, *, version: int) -> Listed:
    """Take a patient off the list; what was on offer to them is the next one's. 409 if it moved on."""
    with transaction():
        entry = entry_for(actor, entry_id)
        entry.require_version(version)
        entry.require_listed()
        entry.status, entry.updated_by = WITHDRAWN, actor.user_id
        db.session.flush()
        for offer in _open_offers_of(entry):
            close_offer(actor, offer, DECLINED)
        tell(actor, entry.clinic_id)
        return _listed(entry)


def put_back_on_list(actor: Actor, entry_id: UUID, *, version: int) -> Listed:
    """Undo: the patient waits again, at the old place."""
    with transaction():
        entry = entry_for(actor, entry_id)
        entry.require_version(version)
        entry.status, entry.updated_by, entry.booked_appointment_id = LISTED, actor.user_id, None
        _flush()
        tell(actor, entry.clinic_id)
        return _listed(entry)


def entry_for(actor: Actor, entry_id: UUID) -> WaitingEntry:
    """Return the entry, locked; NotFound (404) if it is not the actor's to see."""
    mine = select(WaitingEntry).where(
        WaitingEntry.id == entry_id, WaitingEntry.organization_id == actor.organization_id
    )
    if actor.facility_id is not None:
        mine = mine.where(WaitingEntry.facility_id == actor.facility_id)
    fresh = mine.with_for_update(key_share=True).execution_options(populate_existing=True)
    entry = db.session.execute(fresh).scalar_one_or_none()
    if entry is None:
        raise NotFound(NO_ENTRY)
    return entry


def close_offer(actor: Actor, offer: WaitingOffer, status: str) -> None:
    """Close an open offer whose time is now the next one's: whoever hears of it offers it on."""
    offer.close(status, at=clock.now(), by=actor.user_id)
    bus.publish(
        WaitingOfferClosed(
            organization_id=offer.organization_id,
            clinic_id=offer.clinic_id,
            offer_id=offer.id,
            doctor_id=offer.doctor_id,
            start_time=offer.start_time,
            end_time=offer.end_time,
        ),
        actor,
    )


def tell(actor: Actor, clinic_id: UUID) -> None:
    """The calendar of the clinic shows its offers."""
    push.changed(queue_topic(queue_of_clinic(actor, clinic_id).id))


def _open_offers_of(entry: WaitingEntry) -> list[WaitingOffer]:
    mine = select(WaitingOffer).where(WaitingOffer.entry_id == entry.id, WaitingOffer.status == OPEN)
    return list(db.session.scalars(mine.with_for_update()))


def nonsense(
    days: tuple[date | None, date | None], times: tuple[time | None, time | None], urgency: str
) -> list[RuleBroken]:
    """Return what is wrong with a wish's first and last day, its earliest and latest time, its urgency."""
    found = []
    if days[0] and days[1] and days[1] < days[0]:
        found.append(RuleBroken(N_("The last day must not come before the first."), field="until_date"))
    if times[0] and times[1] and times[1] <= times[0]:
        found.append(RuleBroken(N_("The end must come after the beginning."), field="until_time"))
    if urgency not in URGENCIES:
        found.append(RuleBroken(N_("Choose one from the list."), field="urgency"))
    return found


def _require_sense(wish: Wish) -> None:
    days, times = (wish.from_date, wish.until_date), (wish.from_time, wish.until_time)
    for wrong in nonsense(days, times, wish.urgency):
        raise wrong


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        if constraint_of(error) == ONE_ENTRY:
            raise RuleBroken(ALREADY, field="patient_id") from error
        raise


def _listed(entry: WaitingEntry) -> Listed:
    return Listed(
        entry_id=entry.id, clinic_id=entry.clinic_id, patient_id=entry.patient_id, version=entry.version
    )
