"""Money of claims_transactions.csv: how its rows are read, and the payments they become.

A claim's rows tell the same money several times. This is the reading under which nothing counts twice:

* CHARGE: its AMOUNT is owed. ADJUSTMENT: its ADJUSTMENTS are owed no longer (this export has none).
* PAYMENT: its PAYMENTS were received, from the insurer (ECHECK) or the patient (COPAY, CASH, CHECK, CC).
* TRANSFEROUT and TRANSFERIN move what is still owed from one payer to the next (TRANSFERIN's AMOUNT repeats a
  part of the CHARGE; OUTSTANDING is what was open after a row). They move a debt and no money: passed over.

Under it no claim of the export is under-paid, and 190 of 1,267 received more than was charged. In 189 of them
the patient's flat COPAY alone is above the whole charge (owed 77.49, co-paid 80.00): these are the over-paid
ones. In the last one insurer and patient each rounded up their part of 250.46, which makes a cent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from uuid import UUID

from clinic_web.cli.synthea.bars import Bars
from clinic_web.cli.synthea.places import CURRENCY, SHARE_PERCENT, SHARE_RULE_VERSION, Places
from clinic_web.cli.synthea.reading import TRANSACTIONS, Export, Refused, Repeated, Row, accepted, in_chunks
from clinic_web.cli.synthea.report import OverPaid, Report
from clinic_web.kernel.money import CENT, LARGEST, ZERO
from clinic_web.payments import api as payments
from clinic_web.payments.api import PastPayment

OWED, RECEIVED, WAIVED = "CHARGE", "PAYMENT", "ADJUSTMENT"
TRANSFERS, TRANSFER = ("TRANSFEROUT", "TRANSFERIN"), "TRANSFER"
COLUMN_OF = {OWED: "AMOUNT", RECEIVED: "PAYMENTS", WAIVED: "ADJUSTMENTS"}

# How money came. One movement per visit is imported, by the method of its largest payment.
METHODS = {
    "COPAY": "CASH",
    "CASH": "CASH",
    "CHECK": "CHECK",
    "CC": "CREDIT_CARD",
    "ECHECK": "BANK_TRANSFER",
}
OTHER_METHOD = "CASH"


@dataclass(slots=True)
class Claim:
    """What one claim owed and received, exact; ``line`` is where its first row stands."""

    line: int
    owed: Decimal = ZERO
    received: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class Bill:
    """An encounter's money and whose it is. ``is_whole`` is false once a row of it was refused."""

    patient: str  # as the export calls them
    visit_id: UUID
    patient_id: UUID
    clinic_id: UUID
    doctor_id: UUID
    service_id: UUID
    opened_at: datetime
    received_at: datetime
    claims: dict[str, Claim] = field(default_factory=dict)
    largest: Decimal = ZERO
    method: str = OTHER_METHOD  # of the largest
    is_whole: bool = True

    def note_method(self, method: str, amount: Decimal) -> None:
        if amount > self.largest:
            self.largest, self.method = amount, method


def load(places: Places, bills: dict[str, Bill], export: Export, bars: Bars, report: Report) -> None:
    """Read the transactions into the bills and import a payment for each that has any."""
    _read(bills, export, bars, report)
    with bars.writing("payments", len(bills)) as tell:
        done = [
            payments.import_past_payments(places.actor, chunk)
            for chunk in in_chunks(_payments(places, bills, report, tell))
        ]
    new = sum(each.payments for each in done)
    report.count("payments", new=new, seen=new + sum(each.known for each in done))


class _Spoiling:
    """Takes down refused rows and the claims they belong to: without the row a claim's sum would be wrong."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.claims: set[str] = set()

    def refuse(self, row: Row, refused: Refused) -> None:
        if not isinstance(refused, Repeated):
            self.claims.add(row.values.get("CLAIMID", ""))
        self.report.refuse(row, refused)


def _read(bills: dict[str, Bill], export: Export, bars: Bars, report: Report) -> None:
    seen: set[int] = set()  # hashes: an export has millions of these ids, and each counts once

    def parse(row: Row) -> str:
        mark = hash(row.text("ID"))
        if mark in seen:
            raise Repeated("ID is on an earlier line, too", row.id)
        seen.add(mark)
        bill = bills.get(row.text("APPOINTMENTID"))
        if bill is None:
            raise Refused("its encounter was not imported", row.text("APPOINTMENTID"))
        return _enter(row, bill)

    spoiled = _Spoiling(report)
    kinds = Counter(accepted(export.rows(TRANSACTIONS, bars), parse, spoiled))
    for bill in bills.values():
        bill.is_whole = bill.is_whole and spoiled.claims.isdisjoint(bill.claims)
    report.notes.append(
        f"{kinds[TRANSFER]:,} transfers of a debt from one payer to the next passed over: no money moved."
    )


def _enter(row: Row, bill: Bill) -> str:
    """Add a row to its bill, or spoil the bill: a sum without this row would be wrong for good."""
    try:
        return _add(row, bill)
    except Refused:
        bill.is_whole = False
        raise


def _add(row: Row, bill: Bill) -> str:
    kind = row.text("TYPE")
    if kind in TRANSFERS:
        return TRANSFER
    if kind not in COLUMN_OF:
        raise Refused("unknown TYPE", kind)
    if row.text("PATIENTID") != bill.patient:
        raise Refused("PATIENTID is not the patient of the encounter", row.text("PATIENTID"))
    amount = row.amount(COLUMN_OF[kind])
    claim = bill.claims.setdefault(row.text("CLAIMID"), Claim(row.line))
    if kind == RECEIVED:
        claim.received += amount
        bill.note_method(METHODS.get(row.values["METHOD"], OTHER_METHOD), amount)
    else:
        claim.owed += amount if kind == OWED else -amount
    return kind


def _note_over_paid(claims: dict[str, Claim], report: Report) -> None:
    for claim_id, claim in claims.items():
        over = OverPaid(TRANSACTIONS, claim.line, claim_id, _cents(claim.owed), _cents(claim.received))
        if over.credit > 0:
            report.note_over_paid(over)


def _payments(
    places: Places, bills: dict[str, Bill], report: Report, tell: Callable[[], None]
) -> Iterator[PastPayment]:
    for encounter, bill in bills.items():
        tell()
        try:
            payment = _payment(places, bill)
        except Refused as refused:
            report.refuse_id(TRANSACTIONS, encounter, refused)
            continue
        if payment is not None:
            report.note_sums(payment.total_amount, payment.received_amount)
            _note_over_paid(bill.claims, report)
            yield payment


def _payment(places: Places, bill: Bill) -> PastPayment | None:
    """Sum the claims of one encounter, rounding once; None where the export has none."""
    if not bill.is_whole:
        raise Refused("no payment, because a transaction of this encounter was refused")
    if not bill.claims:
        return None
    total = _cents(sum((claim.owed for claim in bill.claims.values()), ZERO))
    received = _cents(sum((claim.received for claim in bill.claims.values()), ZERO))
    if total < 0:
        raise Refused("no payment, because more was waived than charged", str(total))
    if max(total, received) > LARGEST:
        raise Refused("no payment, because the sum is too large", str(max(total, received)))
    return PastPayment(
        visit_id=bill.visit_id,
        patient_id=bill.patient_id,
        facility_id=places.facility.id,
        clinic_id=bill.clinic_id,
        doctor_id=bill.doctor_id,
        service_id=bill.service_id,
        total_amount=total,
        received_amount=received,
        currency=CURRENCY,
        share_percent=SHARE_PERCENT,
        share_rule_version=SHARE_RULE_VERSION,
        opened_at=bill.opened_at,
        received_at=bill.received_at,
        method=bill.method,
    )


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)
