"""What a station must know of the bill of what it serves: what is left, and whether that is paid first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import N_, StaleScreen
from clinic_web.kernel.money import Currency
from clinic_web.kernel.statement import Statement

# Nothing to wait for where no rule says so; what is not billed yet can't have been paid.
AT_STATION = Statement(
    """
    SELECT asked.order_id, i.id AS invoice_id, COALESCE(i.invoice_number, '') AS invoice_number,
           COALESCE(i.balance_due, 0) AS balance_due, COALESCE(i.currency, '') AS currency,
           EXISTS (SELECT FROM billing.payment_rules r
                    WHERE r.organization_id = :organization_id AND r.must_be_paid_first
                      AND r.facility_id = COALESCE(i.facility_id, CAST(:facility_id AS uuid))
                      AND r.kind = COALESCE(i.invoice_type, CAST(:kind AS text), r.kind)
                      AND (i.id IS NULL OR i.balance_due > 0)) AS must_wait
      FROM unnest(CAST(:ids AS uuid[])) AS asked(order_id)
      LEFT JOIN billing.invoices i
        ON i.order_id = asked.order_id AND i.organization_id = :organization_id
    """
)


class NotPaidYet(StaleScreen):
    """The facility wants it paid before it is served, and it is not (409)."""


@dataclass(frozen=True, kw_only=True)
class AtStation:
    """The bill of an order where it is served; without ``invoice_id`` there is none (yet).

    ``balance_due`` in ``currency`` is left to pay; ``must_wait``: not to be served before.
    """

    order_id: UUID
    invoice_id: UUID | None
    invoice_number: str
    balance_due: Decimal
    currency: str
    must_wait: bool

    @property
    def is_open(self) -> bool:
        return self.balance_due > 0


def at_station(actor: Actor, order_ids: Collection[UUID], kind: str | None = None) -> dict[UUID, AtStation]:
    """Return how the bills of orders stand, by order, in one statement; none is missing.

    ``kind`` (PRESCRIPTION or LAB) says what they are of while they are not billed yet.
    """
    if not order_ids:
        return {}
    asked = {
        "organization_id": actor.organization_id,
        "facility_id": actor.facility_id,
        "ids": list(order_ids),
        "kind": kind,
    }
    return {row.order_id: AtStation(**row._asdict()) for row in AT_STATION.all(asked)}


def may_be_served(actor: Actor, order_id: UUID, kind: str | None = None) -> bool:
    """Return whether a station may serve an order: False while it must be paid first and is not."""
    return not at_station(actor, [order_id], kind)[order_id].must_wait


def require_paid_first(actor: Actor, order_id: UUID, kind: str) -> None:
    """Raise NotPaidYet (409), with the bill and what is left of it, unless a station may serve an order."""
    bill = at_station(actor, [order_id], kind)[order_id]
    if not bill.must_wait:
        return
    if bill.invoice_id is None:
        raise NotPaidYet(N_("This must be paid first, and is not billed yet. Please look again in a moment."))
    raise NotPaidYet(
        N_("This must be paid first: %(sum)s %(currency)s of bill %(number)s are left."),
        sum=bill.balance_due,
        currency=Currency(bill.currency),
        number=bill.invoice_number,
    )
