"""Offer a freed time to the next on the waiting list who fits; accept or decline for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from clinic_web.kernel import clock, idempotency, push
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, NotFound
from clinic_web.kernel.failpoints import failpoint
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception.access import appointment_for, queue_of_clinic
from clinic_web.reception.live import queue_topic
from clinic_web.reception.models import WaitingEntry, WaitingOffer
from clinic_web.reception.models.appointments import CONFIRMED
from clinic_web.reception.models.waiting import ACCEPTED, BOOKED, DECLINED, EXPIRED, GONE, OPEN
from clinic_web.reception.service import answers, booking, rescheduling
from clinic_web.reception.service.booking import Booking
from clinic_web.reception.service.numbers import timezone_of
from clinic_web.reception.service.rescheduling import NewTime
from clinic_web.reception.service.statements import LOCK_DOCTORS_DAY, doctors_day
from clinic_web.reception.service.waiting import close_offer, entry_for, tell
from clinic_web.reception.slots import Slot, slots

LEAD = timedelta(minutes=15)  # a patient must still be able to come
OFFER_STANDS = timedelta(hours=1)  # and ends with the lead before its time at the latest
DAYS_AHEAD = 14  # of a long leave that is taken back
MOST = 200  # of the list looked at for one freed time
NO_OFFER = N_("This offer is not here (any more).")

# Who may want a time of this doctor on this day, in the order in which they are asked. An earlier time is
# wanted only until the appointment that it would replace; who has been seen meanwhile wants none.
WISHES = text(
    """
    SELECT e.id, e.service_id, e.from_time, e.until_time,
           CASE WHEN a.status = 'CONFIRMED' THEN a.start_time END AS before
      FROM reception.waiting_entries e LEFT JOIN reception.appointments a ON a.id = e.appointment_id
     WHERE e.organization_id = :organization_id AND e.clinic_id = :clinic_id AND e.status = 'LISTED'
       AND (e.doctor_id IS NULL OR e.doctor_id = :doctor_id)
       AND :day BETWEEN e.from_date AND e.until_date
       AND (a.id IS NULL OR a.status IN ('CONFIRMED', 'CANCELLED', 'NO_SHOW'))
       AND NOT EXISTS (SELECT 1 FROM reception.waiting_offers o WHERE o.entry_id = e.id AND o.status = 'OPEN')
     ORDER BY e.urgency_rank DESC, e.created_at, e.id LIMIT :most
    """
)
OFFERED = text(
    """
    SELECT entry_id, start_time, end_time, status FROM reception.waiting_offers
     WHERE doctor_id = :doctor_id AND start_time < :ends_at AND end_time > :starts_at
    """
)

OVER = text(
    """
    SELECT o.id, o.organization_id, taken.is_taken
      FROM reception.waiting_offers o
     CROSS JOIN LATERAL (
           SELECT EXISTS (SELECT 1 FROM reception.appointments a
                           WHERE a.doctor_id = o.doctor_id AND a.status IN ('CONFIRMED', 'CHECKED_IN')
                             AND NOT a.is_overbooking
                             AND tstzrange(a.start_time, a.end_time) && tstzrange(o.start_time, o.end_time)
                         ) AS is_taken) AS taken
     WHERE o.status = 'OPEN' AND (o.expires_at <= :now OR taken.is_taken)
     ORDER BY o.expires_at, o.id LIMIT :most
    """
)


@dataclass(frozen=True, kw_only=True)
class Freed:
    """A span of a doctor's that somebody has let go of: aware times, the end not part of it."""

    clinic_id: UUID
    doctor_id: UUID
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Accepted:
    offer_id: UUID
    entry_id: UUID
    appointment_id: UUID
    visit_id: UUID
    patient_id: UUID
    clinic_id: UUID
    ticket: str | None
    start_time: datetime


@dataclass
class _Day:
    """What is on offer already, and to whom it was; the free times by service, read once each."""

    day: date
    timezone: str
    taken: list[tuple[datetime, datetime]] = field(default_factory=list)
    asked: set[tuple[UUID, datetime]] = field(default_factory=set)
    free: dict[UUID, list[Slot]] = field(default_factory=dict)


def offer_freed(actor: Actor, freed: Freed) -> int:
    """Offer what is free of a span to those who wait for it and return how many offers were made.

    Runs in the delivery of the event that freed it. Twice is harmless: what is on offer stays on offer, and
    nobody is offered the same time again.
    """
    facility_id = organization.directory(actor.organization_id).clinics[freed.clinic_id].facility_id
    timezone = timezone_of(actor, facility_id)
    made = 0
    with transaction():
        for day in _days_of(freed, timezone):
            LOCK_DOCTORS_DAY.run({"doctors_day": doctors_day(freed.doctor_id, day)})
            made += _offer_day(actor, freed, day, timezone)
        failpoint("offer.before_commit")
        if made:
            push.changed(queue_topic(queue_of_clinic(actor, freed.clinic_id).id))
    return made


def _days_of(freed: Freed, timezone: str) -> Iterator[date]:
    first = clock.local(max(freed.starts_at, clock.now()), timezone).date()
    last = clock.local(freed.ends_at - timedelta(microseconds=1), timezone).date()
    for ahead in range(min((last - first).days + 1, DAYS_AHEAD)):
        yield first + timedelta(days=ahead)


def _offer_day(actor: Actor, freed: Freed, day: date, timezone: str) -> int:
    where = {"organization_id": actor.organization_id, "clinic_id": freed.clinic_id}
    asked = where | {"doctor_id": freed.doctor_id, "day": day, "most": MOST}
    wishes = db.session.execute(WISHES, asked).all()
    if not wishes:
        return 0
    known = _Day(day, timezone)
    span = {"doctor_id": freed.doctor_id, "starts_at": freed.starts_at, "ends_at": freed.ends_at}
    for row in db.session.execute(OFFERED, span):
        known.asked.add((row.entry_id, row.start_time))
        if row.status == OPEN:
            known.taken.append((row.start_time, row.end_time))
    return sum(_offer_to(actor, freed, wish, known) for wish in wishes)


def _offer_to(actor: Actor, freed: Freed, wish: Any, known: _Day) -> bool:
    if wish.service_id not in known.free:
        lanes = slots(actor, freed.clinic_id, wish.service_id, known.day, freed.doctor_id)
        known.free[wish.service_id] = [slot for lane in lanes for slot in lane.free]
    for slot in known.free[wish.service_id]:
        if not (slot.start_time < freed.ends_at and freed.starts_at < slot.end_time):
            continue
        if any(begins < slot.end_time and slot.start_time < ends for begins, ends in known.taken):
            continue
        if not _suits(wish, slot, known.timezone) or (wish.id, slot.start_time) in known.asked:
            continue
        if _write(actor, freed, wish.id, slot):
            known.taken.append((slot.start_time, slot.end_time))
            return True
    return False


def _suits(wish: Any, slot: Slot, timezone: str) -> bool:
    """Whether the time is late enough to come, early enough to be wanted, and at a time of day that suits."""
    begins, ends = clock.local(slot.start_time, timezone), clock.local(slot.end_time, timezone)
    return (
        slot.start_time >= clock.now() + LEAD
        and (wish.before is None or slot.start_time < wish.before)
        and (wish.from_time is None or begins.time() >= wish.from_time)
        and (wish.until_time is None or ends.time() <= wish.until_time)
    )


def _write(actor: Actor, freed: Freed, entry_id: UUID, slot: Slot) -> bool:
    """Write the offer, unless the time or the entry has an open one (PostgreSQL decides)."""
    now = clock.now()
    statement = (
        insert(WaitingOffer)
        .values(
            id=new_id(),
            organization_id=actor.organization_id,
            clinic_id=freed.clinic_id,
            entry_id=entry_id,
            doctor_id=slot.doctor_id,
            start_time=slot.start_time,
            end_time=slot.end_time,
            offered_at=now,
            expires_at=min(now + OFFER_STANDS, slot.start_time - LEAD / 3),
        )
        .on_conflict_do_nothing()
        .returning(WaitingOffer.id)
    )
    return db.session.execute(statement).scalar() is not None


def accept(actor: Actor, offer_id: UUID, *, key: str | None) -> Accepted:
    """Book the offered time for the patient, or move the appointment that it replaces; once per ``key``.

    Raises slots.SlotTaken (409: somebody else has the time; ``gone`` closes the offer then), StaleScreen
    (409: answered already), NotAllowed (403), NotFound (404), BadRequest (400: no key).
    """
    actor.require("appointment.book")
    with transaction():
        claim = idempotency.claim(actor, "appointment.accept_offer", key, {"offer_id": offer_id})
        if claim.is_repetition:
            return answers.again(Accepted, claim)
        entry, offer = _locked(actor, offer_id)
        offer.close(ACCEPTED, at=clock.now(), by=actor.user_id)
        entry.require_listed()
        accepted = _take(actor, entry, offer)
        entry.status, entry.booked_appointment_id = BOOKED, accepted.appointment_id
        entry.updated_by = actor.user_id
        db.session.flush()
        tell(actor, entry.clinic_id)
        failpoint("accept_offer.before_commit")
        answers.keep(claim, accepted)
        return accepted


def _take(actor: Actor, entry: WaitingEntry, offer: WaitingOffer) -> Accepted:
    key, common = f"offer-{offer.id}", {"offer_id": offer.id, "entry_id": entry.id}
    replaced = appointment_for(actor, entry.appointment_id) if entry.appointment_id else None
    done: booking.Booked | rescheduling.Rescheduled
    if replaced is not None and replaced.status == CONFIRMED:
        new = NewTime(doctor_id=offer.doctor_id, start_time=offer.start_time)
        done = rescheduling.reschedule(actor, replaced.id, new, version=replaced.version, key=key)
    else:
        wanted = Booking(
            patient_id=entry.patient_id,
            service_id=entry.service_id,
            doctor_id=offer.doctor_id,
            start_time=offer.start_time,
            booking_source="SYSTEM",
            notes=entry.note,
        )
        done = booking.book(actor, wanted, key=key)
    return Accepted(
        **common,
        appointment_id=done.appointment_id,
        visit_id=done.visit_id,
        patient_id=entry.patient_id,
        clinic_id=entry.clinic_id,
        ticket=done.ticket,
        start_time=done.start_time,
    )


def decline(actor: Actor, offer_id: UUID) -> WaitingEntry:
    """The patient does not want it: it is the next one's, and this one waits on. 409 if answered, or 404."""
    return _close(actor, offer_id, DECLINED)


def gone(actor: Actor, offer_id: UUID) -> None:
    """Close an offer whose time somebody else has; there is nothing to offer on."""
    with transaction():
        entry, offer = _locked(actor, offer_id)
        if offer.status == OPEN:
            offer.close(GONE, at=clock.now(), by=actor.user_id)
            tell(actor, entry.clinic_id)


def _close(actor: Actor, offer_id: UUID, status: str) -> WaitingEntry:
    with transaction():
        entry, offer = _locked(actor, offer_id)
        close_offer(actor, offer, status)
        tell(actor, entry.clinic_id)
        return entry


def _locked(actor: Actor, offer_id: UUID) -> tuple[WaitingEntry, WaitingOffer]:
    """Return the offer with its entry, the entry locked first; NotFound (404) for a foreign one."""
    mine = select(WaitingOffer).where(
        WaitingOffer.id == offer_id, WaitingOffer.organization_id == actor.organization_id
    )
    found = db.session.execute(mine).scalar_one_or_none()
    if found is None:
        raise NotFound(NO_OFFER)
    entry = entry_for(actor, found.entry_id)
    fresh = mine.with_for_update().execution_options(populate_existing=True)
    return entry, db.session.execute(fresh).scalar_one()


def expire_due() -> None:
    """Let the offers run out whose time has come or is somebody else's, so that who waits can be offered
    another; each in its own transaction, so twice is harmless."""
    rows = db.session.execute(OVER, {"now": clock.now(), "most": MOST}).all()
    db.session.rollback()
    for offer_id, organization_id, is_taken in rows:
        actor = system_actor(organization_id, name="waiting list")
        if is_taken:
            gone(actor, offer_id)
        else:
            _expire(actor, offer_id)


def _expire(actor: Actor, offer_id: UUID) -> None:
    with transaction():
        entry, offer = _locked(actor, offer_id)
        if offer.status == OPEN and offer.expires_at <= clock.now():
            close_offer(actor, offer, EXPIRED)
            tell(actor, entry.clinic_id)
