"""Results as they are entered, corrected and taken back: a row is never edited, the last entry counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from clinic_web.events.lab import LabResultReady
from clinic_web.kernel import bus, clock, idempotency
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.lab.access import lab_order_for
from clinic_web.lab.models import HIGH, LOW, NORMAL, LabOrder, Result
from clinic_web.lab.service.working import Done, acted, acting_on


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a result. ``flag`` None: told by the value and its reference, where both are numbers."""

    component: str
    value: str
    value_number: Decimal | None = None
    unit: str | None = None
    reference_low: Decimal | None = None
    reference_high: Decimal | None = None
    reference_text: str | None = None
    flag: str | None = None
    comment: str | None = None

    @property
    def own_flag(self) -> str | None:
        return self.flag or flag_of(self.value_number, self.reference_low, self.reference_high)


def flag_of(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> str | None:
    """Return LOW, HIGH or NORMAL of a number within its reference; None where that can't be told."""
    if value is None or (low is None and high is None):
        return None
    if low is not None and value < low:
        return LOW
    return HIGH if high is not None and value > high else NORMAL


def enter(actor: Actor, lab_order_id: UUID, lines: Sequence[Line], *, version: int, key: str | None) -> Done:
    """Enter a result, or correct the one that is there, once per ``key``; the doctor is told.

    Raises RuleBroken (422) without a line, StaleScreen (409) when the test moved on, NotFound (404).
    """
    if not lines:
        raise RuleBroken(N_("Write at least one value."), field="value_0")
    with transaction(), db.session.no_autoflush:
        body = {"test": lab_order_id, "lines": [vars(line) for line in lines]}
        claim = idempotency.claim(actor, "lab.result", key, body)
        if claim.is_repetition:
            return _done(lab_order_for(actor, lab_order_id))
        with acting_on(actor, lab_order_id, version) as row:
            entry_id, former = new_id(), row.result_id
            row.enter_result(entry_id, actor.user_id)
            db.session.execute(insert(Result), _rows(actor, row, entry_id, former, lines))
            bus.publish(_ready(row), actor)
            done = acted(actor, "lab.correct" if former else "lab.result", row)
        claim.keep({"lab_order_id": str(row.id)})
        return done


def undo(actor: Actor, lab_order_id: UUID, *, version: int) -> Done:
    """Take the last entry back: the one before it counts again, or the test waits for its result."""
    with acting_on(actor, lab_order_id, version) as row:
        before = select(Result.corrects_id).where(Result.entry_id == row.result_id).limit(1)
        row.undo_result(db.session.scalar(before))
        return acted(actor, "lab.undo_result", row)


def _rows(
    actor: Actor, row: LabOrder, entry_id: UUID, former: UUID | None, lines: Sequence[Line]
) -> list[dict[str, Any]]:
    return [
        {
            **vars(line),
            "id": new_id(),
            "organization_id": row.organization_id,
            "lab_order_id": row.id,
            "entry_id": entry_id,
            "corrects_id": former,
            "position": position,
            "flag": line.own_flag,
            "entered_by": actor.user_id,
            "entered_at": clock.now(),
        }
        for position, line in enumerate(lines)
    ]


def _ready(row: LabOrder) -> LabResultReady:
    return LabResultReady(
        organization_id=row.organization_id,
        facility_id=row.facility_id,
        order_id=row.order_id,
        patient_id=row.patient_id,
        lab_order_id=row.id,
    )


def _done(row: LabOrder) -> Done:
    return Done(
        lab_order_id=row.id,
        order_id=row.order_id,
        patient_id=row.patient_id,
        status=row.status,
        version=row.version,
    )
