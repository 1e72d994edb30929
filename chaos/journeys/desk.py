"""Somebody walks in or books, pays at once, in parts, twice, or gets their money back."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from bench.world import Line, Person, World
from chaos.asking import Asking
from chaos.clients import Browser

PAYMENT = """
    SELECT p.id, p.total_amount FROM payments.payments p JOIN reception.visits v ON v.id = p.visit_id
     WHERE v.patient_id = %s ORDER BY p.opened_at DESC LIMIT 1
"""


@dataclass
class Desk:
    """The desk's people and what they can give: patients who have not come yet, times that are free."""

    line: Line
    receptionists: list[Person]
    cashiers: list[Person]
    patients: list[UUID]
    slots: list[tuple[UUID, datetime]]
    asking: Asking
    lock: Lock = field(default_factory=Lock)

    def go(self, browser: Browser, dice: random.Random) -> str:
        """Do one journey; return how it ended."""
        with self.lock:
            patient = self.patients.pop()
        came = (
            self._walk_in(browser, dice, patient)
            if dice.random() < 0.5
            else self._book(browser, dice, patient)
        )
        if not came:
            return "refused at the desk"
        return self._pay(browser, dice, patient)

    def _walk_in(self, browser: Browser, dice: random.Random, patient: UUID) -> bool:
        fields = {"service": str(self.line.service_id), "clinic": str(self.line.clinic_id), "pays": "later"}
        path = f"/desk/hand/patient/{patient}/walk-in"
        answer = browser.press(dice.choice(self.receptionists), "walk in", path, fields)
        return answer is not None and answer.status == 200

    def _book(self, browser: Browser, dice: random.Random, patient: UUID) -> bool:
        doctor, start = dice.choice(self.slots[:200])  # wanted by several: only one gets it
        fields = {
            "service": str(self.line.service_id),
            "clinic": str(self.line.clinic_id),
            "slot": f"{doctor}|{start.isoformat()}",
        }
        path = f"/desk/hand/patient/{patient}/book"
        answer = browser.press(dice.choice(self.receptionists), "book", path, fields)
        return answer is not None and answer.status == 200

    def _pay(self, browser: Browser, dice: random.Random, patient: UUID) -> str:
        owed = self.asking.one(PAYMENT, patient)
        if owed is None:
            return "not asked to pay"
        path, total = f"/payments/{owed[0]}", owed[1]
        cashier = dice.choice(self.cashiers)
        ended = "unpaid"
        for _ in range(dice.choice([0, 1, 1, 2])):
            amount = str(dice.choice([total, total / 2, total / 3]).quantize(total))
            answer = browser.press(cashier, "pay", f"{path}/take", {"amount": amount, "method": "CASH"})
            ended = "paid" if answer is not None and answer.status == 200 else ended
        if ended == "paid" and dice.random() < 0.2:
            form = {"amount": str(dice.randrange(1, 40)), "method": "CASH", "reason": "Overcharged"}
            browser.press(cashier, "refund", f"{path}/refund", form)
        return ended


def prepare(world: World, asking: Asking, sagas: int) -> Desk:
    line = world.line(doctors=6)
    return Desk(
        line,
        [world.person("receptionist") for _ in range(3)],
        [world.person("cashier") for _ in range(2)],
        world.patients(sagas + 50),
        line.slots(world.today() + timedelta(days=1), max(200, sagas)),
        asking,
    )
