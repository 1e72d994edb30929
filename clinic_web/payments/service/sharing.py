"""Whose the money is: the rule that divides it, and shares that change hands without money moving.

A walk-in for whichever doctor is free may pay before anybody knows who that is. Where the service has a rule
of its own, that divides the sum and only the name is missing. Where the doctor's own rule decides, the sum
waits in the account UNASSIGNED_SHARE, and is divided when the doctor is known (docs/adr/0019).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.money import ZERO
from clinic_web.organization import api as organization
from clinic_web.payments.access import payment_for
from clinic_web.payments.models import (
    CENTRE_INCOME,
    DOCTOR_PAYABLE,
    RECEIPT,
    UNASSIGNED_SHARE,
    Payment,
    PaymentTransaction,
)
from clinic_web.payments.records import ASSIGNED, HANDED_OVER, ShareMovement
from clinic_web.payments.service import ledger
from clinic_web.payments.shares import (
    ShareRule,
    Shares,
    split,
)


def share_rule(actor: Actor, payment: Payment) -> ShareRule | None:
    """Return the rule by which the next money is shared: the frozen one, or the one that stands now.

    None while that depends on a doctor whom nobody knows yet. A service that is no longer offered leaves the
    rule with which the payment was opened.
    """
    as_opened = ShareRule(payment.share_percent, payment.share_rule_version)
    if payment.shares_frozen_at is not None or payment.service_id is None:
        return as_opened
    if payment.doctor_id is None and _depends_on_doctor(actor, payment.service_id):
        return None
    return _rule_now(actor, payment.service_id, payment.doctor_id) or as_opened


def _depends_on_doctor(actor: Actor, service_id: UUID) -> bool:
    service = organization.directory(actor.organization_id).services.get(service_id)
    return service is not None and service.share_percent is None


def _rule_now(actor: Actor, service_id: UUID, doctor_id: UUID | None) -> ShareRule | None:
    try:
        terms = organization.terms(actor, service_id, doctor_id)
    except NotFound:
        return None
    return ShareRule(terms.share_percent, terms.share_rule_version)


def _rule_of_doctor(actor: Actor, payment: Payment, doctor_id: UUID) -> ShareRule:
    """Return the rule of the doctor who saw the patient, also where service or doctor are not offered now."""
    as_opened = ShareRule(payment.share_percent, payment.share_rule_version)
    if payment.service_id is None:
        return as_opened
    now = _rule_now(actor, payment.service_id, doctor_id)
    if now is not None:
        return now
    directory = organization.directory(actor.organization_id)
    service, doctor = directory.services.get(payment.service_id), directory.staff.get(doctor_id)
    if service is None or doctor is None:
        return as_opened
    if service.share_percent is None:
        return ShareRule(doctor.share_percent, doctor.share_rule_version)
    return ShareRule(service.share_percent, service.share_rule_version)


def doctor_becomes_known(actor: Actor, payment_id: UUID, doctor_id: UUID) -> None:
    """Divide what waited unassigned by the rule of this doctor, movement by movement."""
    payment = payment_for(actor, payment_id, lock=True)
    now, old, waiting = clock.now(), payment.as_audited(), payment.unassigned_share
    shares = payment.assign(doctor_id, _rule_of_doctor(actor, payment, doctor_id), at=now)
    movement = _document(actor, payment, ASSIGNED, {"amount": waiting, "former_doctor_id": None}, shares)
    legs = _legs_of_division(payment, at=now)
    ledger.enter([leg | {"share_movement_id": movement} for leg in legs])
    audit.changed(actor, "payment.assign_share", "payment", payment.id, old=old, new=payment.as_audited())


def hand_over(actor: Actor, payment_id: UUID, former: UUID | None) -> None:
    """Let the doctor's part go from ``former`` to the doctor who stands on the payment now."""
    payment = payment_for(actor, payment_id, lock=True)
    facts = {"amount": payment.doctor_share, "former_doctor_id": former}
    movement = _document(actor, payment, HANDED_OVER, facts, Shares(payment.doctor_share, ZERO))
    ledger.hand_share_over(
        actor, payment.id, former=former, now=payment.doctor_id, share_movement_id=movement
    )


def _document(actor: Actor, payment: Payment, kind: str, facts: dict[str, Any], shares: Shares) -> UUID:
    movement_id = new_id()
    row = {
        "id": movement_id,
        "organization_id": payment.organization_id,
        "payment_id": payment.id,
        "kind": kind,
        "doctor_id": payment.doctor_id,
        "share_percent": payment.share_percent,
        "share_rule_version": payment.share_rule_version,
        "doctor_share": shares.doctor,
        "center_share": shares.center,
        "moved_at": clock.now(),
        "moved_by": actor.user_id,
        "moved_by_name": actor.name or None,
    }
    db.session.execute(insert(ShareMovement), row | facts)
    return movement_id


def _legs_of_division(payment: Payment, *, at: datetime) -> list[dict[str, Any]]:
    """Return the legs that empty the account of what waits; the cents fall as if it had been known before."""
    columns = PaymentTransaction.__table__.columns
    found = select(*columns).where(columns.payment_id == payment.id, columns.unassigned_share != 0)
    net, doctor_has, legs = ZERO, ZERO, []
    for each in db.session.execute(found.order_by(columns.payment_date, columns.id)).mappings():
        row = {str(name): value for name, value in each.items()}
        waited: Decimal = row["applied_amount"] if row["kind"] == RECEIPT else -row["applied_amount"]
        parts = split(waited, paid_before=net, doctor_before=doctor_has, percent=payment.share_percent)
        sums = {UNASSIGNED_SHARE: waited, DOCTOR_PAYABLE: -parts.doctor, CENTRE_INCOME: -parts.center}
        legs += [
            ledger.leg(row, account, amount, payment.doctor_id, at=at)
            for account, amount in sums.items()
            if amount
        ]
        net, doctor_has = net + waited, doctor_has + parts.doctor
    return legs
