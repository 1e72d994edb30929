"""A doctor orders; somebody cancels, pays, dispenses, releases, collects: this order, or one from before."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from bench.world import Person, World
from chaos.asking import Asking
from chaos.clients import Browser
from chaos.journeys import formulary
from chaos.journeys.formulary import Formulary
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.reception.service import calling

DOCTORS = 10
PLACED = "SELECT answer ->> 'order_id' FROM kernel.idempotency_keys WHERE user_id = %s AND key = %s"
BILL = """
    SELECT i.payment_id, p.balance_due FROM billing.invoices i JOIN payments.payments p ON p.id = i.payment_id
     WHERE i.order_id = %s AND p.balance_due > 0
"""
HELD = "SELECT version FROM pharmacy.prescription_orders WHERE order_id = %s AND status = 'RESERVED'"
GIVEN = """
    SELECT d.id, o.version FROM pharmacy.dispensings d JOIN pharmacy.prescription_orders o USING (order_id)
     WHERE d.order_id = %s AND d.kind = 'HANDED_OVER'
       AND NOT EXISTS (SELECT FROM pharmacy.dispensings u WHERE u.undoes_id = d.id)
"""
TESTS = "SELECT id, version, status FROM lab.lab_orders WHERE order_id = %s"
VISITS = """
    SELECT v.id, v.version FROM reception.visits v WHERE v.status = 'CALLED' AND v.attending_id = %s
"""


@dataclass
class Ward:
    """Doctors with a patient in the room each, and who fulfils their orders."""

    doctors: list[tuple[Person, UUID]]
    pharmacists: list[Person]
    technicians: list[Person]
    cashiers: list[Person]
    items: Formulary
    asking: Asking
    placed: deque[tuple[Person, UUID, str]] = field(default_factory=lambda: deque(maxlen=400))

    def go(self, browser: Browser, dice: random.Random) -> str:
        doctor, visit_id = dice.choice(self.doctors)
        order_type = "PRESCRIPTION" if dice.random() < 0.6 else "LAB"
        key = str(uuid4())
        form = self._form(order_type, dice)
        answer = browser.press(doctor, f"order {order_type}", f"/visits/{visit_id}/orders", form, key=key)
        if answer is None or answer.status // 100 not in (2, 3):
            return f"order refused: {answer.status if answer else 'no answer'}"
        row = self.asking.one(PLACED, doctor.actor.user_id, key)
        if row is None:
            return "the order that was placed is not there"
        order_id = UUID(row[0])
        self.placed.append((doctor, order_id, order_type))
        if dice.random() < 0.15:
            self._cancel(browser, doctor, order_id)
        for _ in range(2):
            self._somebody_works(browser, dice)
        return "placed"

    def _form(self, order_type: str, dice: random.Random) -> list[tuple[str, str]]:
        fields = [
            ("order_type", order_type),
            ("priority", dice.choice(["ROUTINE", "ROUTINE", "URGENT", "STAT"])),
        ]
        for item in self._items(order_type, dice):
            quantity = str(dice.choice([1, 2, 5, 10, "2.5"])) if order_type == "PRESCRIPTION" else "1"
            fields += [("item", str(item)), ("quantity", quantity), ("directions", "1 x 3")]
        return fields

    def _items(self, order_type: str, dice: random.Random) -> list[UUID]:
        usual = self.items.medicines if order_type == "PRESCRIPTION" else self.items.tests
        found = dice.sample(usual, dice.randrange(1, 4))
        luck = dice.random()
        if order_type == "PRESCRIPTION":
            odd = [(0.06, self.items.scarce), (0.09, self.items.unpriced), (0.12, self.items.unstocked)]
        else:
            odd = [(0.05, self.items.narrow), (0.09, self.items.unpriced_tests)]
        for below, items in odd:
            if luck < below:
                return [*found, dice.choice(items)]
        return found

    def _cancel(self, browser: Browser, doctor: Person, order_id: UUID) -> None:
        answer = browser.press(
            doctor, "cancel", f"/orders/{order_id}/cancel", {"reason": "Changed my mind"}, is_kept=False
        )
        if answer is not None and answer.status == 200:
            browser.promised("off", order_id)

    def _somebody_works(self, browser: Browser, dice: random.Random) -> None:
        if not self.placed:
            return
        doctor, order_id, order_type = dice.choice(list(self.placed))
        luck = dice.random()
        if luck < 0.25:
            self._pay(browser, dice, order_id)
        elif luck < 0.32:
            self._cancel(browser, doctor, order_id)
        elif order_type == "LAB":
            self._in_the_laboratory(browser, dice, order_id)
        else:
            self._at_the_pharmacy(browser, dice, order_id)

    def _pay(self, browser: Browser, dice: random.Random, order_id: UUID) -> None:
        row = self.asking.one(BILL, order_id)
        if row is None:
            return
        amount = str(dice.choice([row[1], row[1] / 2]).quantize(row[1]))
        form = {"amount": amount, "method": dice.choice(["CASH", "VISA"])}
        browser.press(dice.choice(self.cashiers), "pay for an order", f"/payments/{row[0]}/take", form)

    def _at_the_pharmacy(self, browser: Browser, dice: random.Random, order_id: UUID) -> None:
        who, row = dice.choice(self.pharmacists), self.asking.one(HELD, order_id)
        if row is not None and dice.random() < 0.8:
            path = f"/pharmacy/orders/{order_id}/dispense"
            browser.press(who, "dispense", path, {"version": str(row[0])})
        elif row is not None:
            form = {"version": str(row[0]), "reason": "Not fetched"}
            browser.press(who, "release", f"/pharmacy/orders/{order_id}/release", form, is_kept=False)
        elif dice.random() < 0.3 and (given := self.asking.one(GIVEN, order_id)) is not None:
            path = f"/pharmacy/dispensings/{given[0]}/undo"
            browser.press(who, "undo dispensing", path, {"version": str(given[1])}, is_kept=False)

    def _in_the_laboratory(self, browser: Browser, dice: random.Random, order_id: UUID) -> None:
        who = dice.choice(self.technicians)
        for test_id, version, status in self.asking.all(TESTS, order_id):
            act = {
                "SCHEDULED": dice.choice(["collect", "collect", "cancel"]),
                "COLLECTED": "undo-collect",
            }.get(status)
            if act is not None and dice.random() < 0.5:
                form = {"version": str(version), "reason": "Nothing to eat"}
                browser.press(who, f"test: {act}", f"/lab/tests/{test_id}/{act}", form, is_kept=False)


def prepare(world: World, asking: Asking, sagas: int) -> Ward:
    line = world.line(doctors=DOCTORS, hours=False)
    world.waiting(line, DOCTORS)
    doctors = [(doctor, _into_the_room(doctor, asking)) for doctor in line.doctors]
    _reachable(asking)
    return Ward(
        doctors,
        [world.person("pharmacist") for _ in range(2)],
        [world.person("lab_technician") for _ in range(2)],
        [world.person("cashier") for _ in range(2)],
        formulary.make(world, sagas),
        asking,
    )


def _into_the_room(doctor: Person, asking: Asking) -> UUID:
    with tenant.of(doctor.actor.organization_id):
        calling.call_next(doctor.actor, key=str(uuid4()))
        visit_id, version = asking.all(VISITS, doctor.actor.staff_id)[0]
        calling.open_visit(doctor.actor, visit_id, version=version)
        db.session.remove()
    return UUID(str(visit_id))


def _reachable(asking: Asking) -> None:
    """Patients in the rooms have a telephone, or an address at a mail server that refuses, or nothing."""
    asking.all(
        """UPDATE patients.patients p
              SET phone_primary = CASE WHEN v.queue_number % 5 > 1
                                       THEN '+2010' || lpad((v.queue_number * 7919)::text, 8, '0') END,
                  email = CASE WHEN v.queue_number % 5 = 1 THEN 'p' || v.queue_number || '@example.org' END
             FROM reception.visits v WHERE v.patient_id = p.id AND v.status = 'IN_PROGRESS'"""
    )
