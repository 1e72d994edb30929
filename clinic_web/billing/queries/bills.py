"""Bills as other modules and screens ask for them: of orders, of visits, of patients; one statement each."""

# ruff: noqa: S608 - the columns are a constant

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from clinic_web.billing.models import LAB, PRESCRIPTION, VISIT
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.statement import Statement
from clinic_web.patients import api as patients

COLUMNS = """i.id, i.facility_id, i.clinic_id, i.invoice_number, i.invoice_type, i.patient_id, i.doctor_id,
    i.visit_id, i.of_visit_id, i.order_id, i.payment_id, i.currency, i.subtotal, i.discount_amount,
    i.total_amount, i.paid_amount, i.balance_due, i.status, i.invoice_date, i.issued_at, i.undone_reason,
    i.released_reason, i.served, i.off_at, i.kept_reason"""
_OF = f"SELECT {COLUMNS} FROM billing.invoices i WHERE i.organization_id = :organization_id AND "
OF_ORDERS = Statement(f"{_OF} i.order_id = ANY(:ids)")
# The visit's own bill first, then those of what was ordered in it.
OF_VISITS = Statement(f"{_OF} i.of_visit_id = ANY(:ids) ORDER BY i.visit_id IS NULL, i.issued_at, i.id")
UNPAID = Statement(
    """
    SELECT patient_id, currency, sum(balance_due) AS owed FROM billing.invoices
     WHERE organization_id = :organization_id AND patient_id = ANY(:ids)
       AND status IN ('ISSUED', 'PARTIALLY_PAID')
     GROUP BY patient_id, currency HAVING sum(balance_due) > 0
    """
)


@dataclass(frozen=True, kw_only=True)
class Bill:
    """A bill of a visit or an order. Sums are in ``currency``; ``balance_due`` is what is still owed."""

    id: UUID
    facility_id: UUID
    clinic_id: UUID
    invoice_number: str
    invoice_type: str
    patient_id: UUID
    doctor_id: UUID | None
    visit_id: UUID | None
    of_visit_id: UUID | None
    order_id: UUID | None
    payment_id: UUID
    currency: str
    subtotal: Decimal
    discount_amount: Decimal
    total_amount: Decimal
    paid_amount: Decimal
    balance_due: Decimal
    status: str
    invoice_date: date
    issued_at: datetime
    undone_reason: str | None
    released_reason: str | None
    served: str | None
    off_at: datetime | None
    kept_reason: str | None

    @property
    def is_settled(self) -> bool:
        """Whether nothing (more) is owed, also because it is void or free."""
        return self.balance_due == ZERO

    @property
    def is_refund_due(self) -> bool:
        return self.status == "REFUND_DUE"


def bill_of(row: Any) -> Bill:
    return Bill(**{name: getattr(row, name) for name in Bill.__dataclass_fields__})


def bills_of_orders(actor: Actor, order_ids: Collection[UUID]) -> dict[UUID, Bill]:
    """Return the bills of orders by order; one that is not billed (yet) is absent."""
    if not order_ids:
        return {}
    rows = OF_ORDERS.all({"organization_id": actor.organization_id, "ids": list(order_ids)})
    return {row.order_id: bill_of(row) for row in rows}


def bills_of_visits(actor: Actor, visit_ids: Collection[UUID]) -> dict[UUID, list[Bill]]:
    """Return the bills of visits and of what was ordered in them, by visit, the visit's own first."""
    found: defaultdict[UUID, list[Bill]] = defaultdict(list)
    if visit_ids:
        for row in OF_VISITS.all({"organization_id": actor.organization_id, "ids": list(visit_ids)}):
            found[row.of_visit_id].append(bill_of(row))
    return dict(found)


def unpaid_of(actor: Actor, patient_ids: Collection[UUID]) -> dict[UUID, dict[str, Decimal]]:
    """Return what patients owe by patient and currency, under all their records; who owes nothing is absent.

    Three statements, however many patients.
    """
    if not patient_ids:
        return {}
    stays = patients.survivors_of(patient_ids)
    whose = patients.all_below(set(stays.values()))
    owed: defaultdict[UUID, dict[str, Decimal]] = defaultdict(dict)
    for row in UNPAID.all({"organization_id": actor.organization_id, "ids": list(whose)}):
        sums = owed[whose[row.patient_id]]
        sums[row.currency] = sums.get(row.currency, ZERO) + row.owed
    return {asked: owed[stay] for asked, stay in stays.items() if stay in owed}


TYPES: Mapping[str, str] = {"visits": VISIT, "medicines": PRESCRIPTION, "laboratory": LAB}
