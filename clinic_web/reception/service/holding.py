"""The line bends: hold and resume, did not come, came after all."""

from __future__ import annotations

from uuid import UUID

from clinic_web.events.reception import AppointmentMissed, VisitCheckedIn, VisitMissed
from clinic_web.kernel import bus
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_
from clinic_web.payments import api as payments
from clinic_web.reception.models import Visit
from clinic_web.reception.models.appointments import NO_SHOW as APPOINTMENT_MISSED
from clinic_web.reception.models.visits import NO_SHOW
from clinic_web.reception.service import numbers
from clinic_web.reception.service.following import follow, take_up_again
from clinic_web.reception.service.moves import Moved, moved, moving, publish, require_absent, said

VOID_BECAUSE_MISSED = N_("The patient did not come.")


def hold(actor: Actor, visit_id: UUID, reason: str, *, version: int) -> Moved:
    """WAITING or CALLED → ON_HOLD with a reason (RuleBroken 422, field ``reason``, without one)."""
    reason = said(reason)
    with moving(actor, visit_id, version) as visit:
        return moved(actor, "visit.hold", visit, *visit.hold(reason))


def resume(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """ON_HOLD → WAITING, at the old place in the line."""
    with moving(actor, visit_id, version) as visit:
        return moved(actor, "visit.resume", visit, visit.resume())


def miss(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """SCHEDULED or CALLED → NO_SHOW, the appointment too; a payment for which no money came is void."""
    with moving(actor, visit_id, version) as visit:
        witness = visit.miss()
        follow(actor, visit, APPOINTMENT_MISSED)
        payments.void_for_visit(actor, visit.id, VOID_BECAUSE_MISSED)
        publish(actor, VisitMissed, visit)
        _tell_missed_appointment(actor, visit)
        return moved(actor, "visit.miss", visit, witness)


def came_after_all(actor: Actor, visit_id: UUID, *, version: int) -> Moved:
    """NO_SHOW → WAITING, the appointment CHECKED_IN, the payment open again, a number where there is none.

    Only on the same local day (RuleBroken 422), and not while another visit of the patient is in that line.
    """
    with moving(actor, visit_id, version) as visit:
        if visit.status == NO_SHOW:  # any other state refuses by itself
            numbers.require_today(actor, visit)
            require_absent(visit.queue_id, visit.queue_day, visit.patient_id)
        witness = visit.come_after_all()
        take_up_again(actor, visit)
        payments.reopen_for_visit(actor, visit.id)
        numbers.give_number(actor, visit)
        publish(actor, VisitCheckedIn, visit)
        return moved(actor, "visit.came_after_all", visit, witness)


def _tell_missed_appointment(actor: Actor, visit: Visit) -> None:
    if visit.appointment_id is None:
        return
    bus.publish(
        AppointmentMissed(
            organization_id=visit.organization_id,
            appointment_id=visit.appointment_id,
            visit_id=visit.id,
            patient_id=visit.patient_id,
        ),
        actor,
    )
