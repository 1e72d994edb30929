"""How patients want to hear of what: the way, what not, and in which hours nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications.kinds import KINDS, TURN
from clinic_web.notifications.models import AUTO, EMAIL, NONE, SMS, NotificationPreference
from clinic_web.patients import api as patients

KEEP = "patient.wishes"
MOVED_ON = N_("Somebody else changed this while you worked.")

# A letter costs nothing, so it is tried first where nobody said otherwise.
ORDER = {AUTO: (EMAIL, SMS), SMS: (SMS, EMAIL), EMAIL: (EMAIL, SMS), NONE: ()}


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """``off`` are groups of kinds nobody wants to hear of; between ``quiet_from`` and ``quiet_until``, on the
    clinic's wall, only what can't wait is told."""

    channel: str = AUTO
    off: frozenset[str] = frozenset()
    quiet_from: time | None = None
    quiet_until: time | None = None
    version: int = 0

    @property
    def order(self) -> tuple[str, ...]:
        return ORDER[self.channel]

    def wants(self, template: str) -> bool:
        return self.channel != NONE and KINDS[template].group not in self.off

    def sleeps_until(self, template: str, timezone: str) -> datetime | None:
        """Return when the quiet hours end, if it is quiet now and the message can wait."""
        if self.quiet_from is None or self.quiet_until is None or KINDS[template].group == TURN:
            return None
        now = clock.local(clock.now(), timezone)
        ends = now.replace(
            hour=self.quiet_until.hour, minute=self.quiet_until.minute, second=0, microsecond=0
        )
        at = now.time().replace(tzinfo=None)
        if self.quiet_from <= self.quiet_until:
            return ends if self.quiet_from <= at < self.quiet_until else None
        if at >= self.quiet_from:
            return ends + timedelta(days=1)
        return ends if at < self.quiet_until else None


ANYTHING = Wishes()


def wishes_of(actor: Actor, patient_ids: Collection[UUID]) -> Wishes:
    """Return the wishes of a patient, by whichever of their ids they were written down last."""
    return _wishes(_latest(actor, patient_ids))


def _latest(actor: Actor, patient_ids: Collection[UUID]) -> NotificationPreference | None:
    return db.session.scalar(
        select(NotificationPreference)
        .where(
            NotificationPreference.organization_id == actor.organization_id,
            NotificationPreference.patient_id.in_(patient_ids),
        )
        .order_by(NotificationPreference.updated_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def _wishes(row: NotificationPreference | None) -> Wishes:
    if row is None:
        return ANYTHING
    return Wishes(
        channel=row.channel,
        off=frozenset(row.off),
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        version=row.version,
    )


def keep_wishes(actor: Actor, patient_id: UUID, wishes: Wishes) -> None:
    """Keep what a patient wishes; ``wishes.version`` is that of those which were seen.

    The caller has looked whether ``actor`` may. Raises NotFound (404), StaleScreen (409) when others came
    between.
    """
    with transaction():
        patient_id = patients.hold(actor, patient_id)
        row = _latest(actor, patients.hold_ids(patient_id))
        former = _wishes(row)
        if former.version != wishes.version:
            raise StaleScreen(MOVED_ON)
        if row is None:
            row = NotificationPreference(
                organization_id=actor.organization_id, patient_id=patient_id, created_by=actor.user_id
            )
            db.session.add(row)
        row.channel, row.off = wishes.channel, sorted(wishes.off)
        row.quiet_from, row.quiet_until = wishes.quiet_from, wishes.quiet_until
        row.updated_by, row.updated_at = actor.user_id, clock.now()
        audit.changed(actor, KEEP, "patient", patient_id, old=_audited(former), new=_audited(wishes))
        try:
            db.session.flush()
        except IntegrityError as error:  # the first wishes of a patient, kept by two at once
            raise StaleScreen(MOVED_ON) from error


def _audited(wishes: Wishes) -> dict[str, Any]:
    return {
        "channel": wishes.channel,
        "off": ", ".join(sorted(wishes.off)),
        "quiet_from": f"{wishes.quiet_from:%H:%M}" if wishes.quiet_from else None,
        "quiet_until": f"{wishes.quiet_until:%H:%M}" if wishes.quiet_until else None,
    }
