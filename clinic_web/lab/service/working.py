"""What becomes of a specimen: here, taken, unusable, verified; and each of it taken back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import update

from clinic_web.audit import api as audit
from clinic_web.billing import api as billing
from clinic_web.catalog import api as catalog
from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.ids import dated_number, new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab import live
from clinic_web.lab.access import lab_order_for, order_with_test
from clinic_web.lab.models import RELEASED, HeardOrder, LabOrder, Specimen
from clinic_web.lab.service.statements import GIVE_BACK_PLACES
from clinic_web.organization import api as organization

CALLED_OFF = N_("The whole order is called off. The doctor can write it again.")
KIND = "LAB"  # as rules of payment call what is collected here


@dataclass(frozen=True, kw_only=True)
class Done:
    """A test after an act: what a screen needs to say so, and ``version`` for the next act or its undo."""

    lab_order_id: UUID
    order_id: UUID
    patient_id: UUID
    status: str
    version: int


def arrive(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """The patient of a test is here."""
    with acting_on(actor, lab_order_id, version) as row:
        row.arrive()
        return acted(actor, "lab.arrive", row)


def undo_arrive(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    with acting_on(actor, lab_order_id, version) as row:
        row.undo_arrive()
        return acted(actor, "lab.undo_arrive", row)


def collect(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """SCHEDULED → COLLECTED: the specimen is taken and gets the number that stands on its label.

    Raises StaleScreen (409) also while it must be paid first and is not.
    """
    with acting_on(actor, lab_order_id, version) as row:
        specimen = _specimen_of(actor, row)
        row.collect(specimen.id, actor.user_id)
        billing.require_paid_first(actor, row.order_id, KIND)
        db.session.add(specimen)
        return acted(actor, "lab.collect", row)


def undo_collect(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """COLLECTED → SCHEDULED: pressed by mistake; the label's number is not used again.

    Of an order that was called off meanwhile the test is off, too (CANCELLED), and its place is free.
    """
    with acting_on_order(actor, lab_order_id, version) as (heard, row):
        _discard_specimen(row)
        row.undo_collect()
        if heard.answer == RELEASED:
            row.call_off()
            GIVE_BACK_PLACES.run({"slot_ids": [row.slot_id], "now": clock.now()})
        return acted(actor, "lab.undo_collect", row)


def fail(actor: Actor, lab_order_id: UUID, reason: str, *, version: int) -> Done:
    """COLLECTED → FAILED: the specimen can't be used. Raises RuleBroken (422) without a reason."""
    with acting_on(actor, lab_order_id, version) as row:
        if not reason.strip():
            raise RuleBroken(N_("Say why."), field="reason")
        row.fail(reason, actor.user_id)
        return acted(actor, "lab.fail", row)


def undo_fail(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """FAILED → COLLECTED: it can be used after all."""
    with acting_on(actor, lab_order_id, version) as row:
        row.undo_fail()
        return acted(actor, "lab.undo_fail", row)


def collect_anew(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """FAILED → SCHEDULED: another specimen is wanted; who is here can give it at once.

    Raises StaleScreen (409) also when the whole order was called off meanwhile.
    """
    with acting_on_order(actor, lab_order_id, version) as (heard, row):
        if heard.answer == RELEASED:
            raise StaleScreen(CALLED_OFF)
        _discard_specimen(row)
        row.collect_anew()
        return acted(actor, "lab.collect_anew", row)


def verify(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """RESULTED → VERIFIED: looked at once more, and right."""
    with acting_on(actor, lab_order_id, version) as row:
        row.verify(actor.user_id)
        return acted(actor, "lab.verify", row)


def undo_verify(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    with acting_on(actor, lab_order_id, version) as row:
        row.undo_verify()
        return acted(actor, "lab.undo_verify", row)


@contextmanager
def acting_on(actor: Actor, lab_order_id: UUID, version: int) -> Iterator[LabOrder]:
    with transaction(), db.session.no_autoflush:
        row = lab_order_for(actor, lab_order_id, lock=True)
        row.require_version(version)
        yield row


@contextmanager
def acting_on_order(actor: Actor, lab_order_id: UUID, version: int) -> Iterator[tuple[HeardOrder, LabOrder]]:
    """The same with its order held: what is to be taken anew depends on whether that is still wanted."""
    with transaction(), db.session.no_autoflush:
        heard, row = order_with_test(actor, lab_order_id)
        row.require_version(version)
        yield heard, row


def acted(actor: Actor, action: str, row: LabOrder) -> Done:
    """Write the row, note who did what, and tell the screens."""
    row.updated_by = actor.user_id
    db.session.flush()
    audit.saw(actor, action, "lab_order", row.id)
    tell_screens(row.facility_id, row.order_id)
    return Done(
        lab_order_id=row.id,
        order_id=row.order_id,
        patient_id=row.patient_id,
        status=row.status,
        version=row.version,
    )


def tell_screens(facility_id: UUID, order_id: UUID) -> None:
    push.changed(live.lab_topic(facility_id))
    push.changed(live.order_topic(order_id))


def _specimen_of(actor: Actor, row: LabOrder) -> Specimen:
    test = catalog.lab_tests(actor, [row.lab_test_id]).get(row.lab_test_id)
    facility = organization.directory(actor.organization_id).facilities[row.facility_id]
    return Specimen(
        id=new_id(),
        organization_id=row.organization_id,
        facility_id=row.facility_id,
        lab_order_id=row.id,
        specimen_number=dated_number("SP", clock.today(facility.timezone)),
        specimen_type=test.specimen_type if test else None,
        collected_at=clock.now(),
        collected_by=actor.user_id,
        created_by=actor.user_id,
        updated_by=actor.user_id,
    )


def _discard_specimen(row: LabOrder) -> None:
    if row.specimen_id is not None:
        db.session.execute(
            update(Specimen).where(Specimen.id == row.specimen_id).values(discarded_at=clock.now())
        )
