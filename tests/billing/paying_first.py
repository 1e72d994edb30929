"""What the stations' tests need of bills: an order that is billed, the rule, and the cashier who takes it."""

from __future__ import annotations

from decimal import Decimal

from clinic_web.billing import handlers
from clinic_web.billing.models import Invoice
from clinic_web.billing.service.rules import set_rules
from clinic_web.catalog.models import ChargeItem, LabTest, Medication
from clinic_web.events.orders import BillingRequested, OrderCreated
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.payments import api as payments
from tests.billing.conftest import bill, deliver_all, hear
from tests.cast import Cast


def priced(item: Medication | LabTest, price: str) -> None:
    charge = ChargeItem(
        id=new_id(),
        organization_id=item.organization_id,
        item_code=f"C-{item.id}",
        item_name="Charged",
        item_category="OTHER",
        base_price=Decimal(price),
    )
    db.session.add(charge)
    db.session.flush()
    item.charge_item_id = charge.id
    db.session.commit()


def billed(told: OrderCreated) -> Invoice:
    """Bill an order as orders asks for it."""
    asked = BillingRequested(
        organization_id=told.organization_id,
        facility_id=told.facility_id,
        order_id=told.order_id,
        order_type=told.order_type,
        patient_id=told.patient_id,
        clinic_id=told.clinic_id,
        doctor_id=told.doctor_id,
        lines=told.lines,
    )
    hear(handlers.bill_order, asked)
    return bill(order_id=told.order_id)


def want_paid_first(cast: Cast, *kinds: str) -> None:
    set_rules(cast.people["mona"].actor, kinds)


def pay(cast: Cast, owed: Invoice) -> None:
    farida = cast.people["farida"].actor
    amount = owed.total_amount
    payments.take(farida, payment_id=owed.payment_id, amount=amount, method="VISA", key=str(new_id()))
    deliver_all(["billing"])
