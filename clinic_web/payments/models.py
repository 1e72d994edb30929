"""Schema ``payments``: payments, their transactions and the ledger. The rules of money live here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import money
from clinic_web.kernel.db import Key, Model, Moment, Money, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen

PENDING, PARTIALLY_PAID, PAID = "PENDING", "PARTIALLY_PAID", "PAID"
PARTIALLY_REFUNDED, REFUNDED, VOIDED = "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED"
STATUSES = (PENDING, PARTIALLY_PAID, PAID, PARTIALLY_REFUNDED, REFUNDED, VOIDED)
OWING = (PENDING, PARTIALLY_PAID)

CASH, VISA, BANK_TRANSFER = "CASH", "VISA", "BANK_TRANSFER"
DESK_METHODS = (CASH, VISA, BANK_TRANSFER)
METHODS = (*DESK_METHODS, "CREDIT_CARD", "DEBIT_CARD", "CHECK", "INSURANCE")

RECEIPT, REFUND = "RECEIPT", "REFUND"

DRAWER, BANK, CARD, RECEIVABLE = "DRAWER", "BANK", "CARD", "RECEIVABLE"
DOCTOR_PAYABLE, CENTRE_INCOME, PATIENT_CREDIT = "DOCTOR_PAYABLE", "CENTRE_INCOME", "PATIENT_CREDIT"
ACCOUNTS = (DRAWER, BANK, CARD, RECEIVABLE, DOCTOR_PAYABLE, CENTRE_INCOME, PATIENT_CREDIT)


@dataclass(frozen=True)
class ShareRule:
    """The doctor's part of 100, and the version of the rule that says so."""

    percent: Decimal
    version: int


@dataclass(frozen=True)
class Shares:
    """How one sum is divided; the parts add up to it."""

    doctor: Decimal
    center: Decimal


def split(amount: Decimal, *, paid_before: Decimal, doctor_before: Decimal, percent: Decimal) -> Shares:
    """Divide the next ``amount`` so that the doctor's part of everything paid is right to the cent.

    Rounding each part payment for itself would let the cents drift: the whole is divided, half-even, and what
    the doctor already has is taken off.
    """
    doctor = money.share(paid_before + amount, percent) - doctor_before
    return Shares(doctor=doctor, center=amount - doctor)


class Payment(Model, Stamped, Versioned):
    """What one payable owes and has paid, with the doctor's and the centre's share of what was paid.

    ``share_percent`` and ``share_rule_version`` are frozen when the first money moves. ``balance_due`` is
    computed by PostgreSQL, which also refuses more than is owed. ``due_at`` is the time of the appointment,
    or the opening where there is none: it says on which day's list the payment stands.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("visit_id"),
        one_of("status", *STATUSES),
        CheckConstraint("total_amount >= 0", name="total_positive"),
        CheckConstraint("amount_paid BETWEEN 0 AND total_amount", name="paid_within_total"),
        CheckConstraint("amount_refunded BETWEEN 0 AND amount_paid", name="refunded_within_paid"),
        CheckConstraint("doctor_share + center_share = amount_paid - amount_refunded", name="shares_add_up"),
        CheckConstraint("share_percent BETWEEN 0 AND 100", name="share_percent_range"),
        Index("ix_payments_day", "facility_id", "due_at"),
        Index(None, "patient_id", "opened_at"),
        Index(
            "ix_payments_owing", "clinic_id", postgresql_where=text("status IN ('PENDING', 'PARTIALLY_PAID')")
        ),
        {"schema": "payments", "info": {"patient_id": "check"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    clinic_id: Mapped[UUID]
    doctor_id: Mapped[UUID | None]
    service_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]
    patient_id: Mapped[UUID]
    ticket: Mapped[str | None] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    total_amount: Mapped[Money]
    amount_paid: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    amount_refunded: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    balance_due: Mapped[Decimal] = mapped_column(
        Numeric(12, 2),
        Computed(
            "CASE WHEN status IN ('PENDING', 'PARTIALLY_PAID') THEN total_amount - amount_paid ELSE 0 END",
            persisted=True,
        ),
    )
    doctor_share: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    center_share: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    share_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    share_rule_version: Mapped[int] = mapped_column(Integer)
    shares_frozen_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(Text, server_default=PENDING, default=PENDING)
    opened_at: Mapped[Moment]
    due_at: Mapped[Moment] = mapped_column(server_default=func.now())
    paid_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str | None] = mapped_column(Text)

    @property
    def left(self) -> Decimal:
        """What is still owed; the same as ``balance_due``, also before PostgreSQL has computed that."""
        return self.total_amount - self.amount_paid if self.status in OWING else money.ZERO

    @property
    def is_void(self) -> bool:
        return self.status == VOIDED

    @property
    def may_be_voided(self) -> bool:
        """Only while no money has moved (a free service is PAID without any)."""
        return self.status in (PENDING, PAID) and not self.amount_paid

    def receive(self, amount: Decimal, *, rule: ShareRule, at: datetime) -> Shares:
        """Take ``amount`` in, freeze the share rule with the first of it, and return how the sum is divided.

        Raises StaleScreen (409) when nothing is owed any more, RuleBroken (422) above what is owed.
        """
        self._must_owe(amount)
        if amount > self.left:
            raise RuleBroken(N_("Only %(left)s is left to pay."), field="amount", left=self.left)
        self._freeze(rule, at)
        shares = split(
            amount, paid_before=self.amount_paid, doctor_before=self.doctor_share, percent=self.share_percent
        )
        self.amount_paid += amount
        self.doctor_share += shares.doctor
        self.center_share += shares.center
        self.status = PAID if self.amount_paid == self.total_amount else PARTIALLY_PAID
        self.paid_at = at if self.status == PAID else None
        return shares

    def void(self, reason: str, *, at: datetime) -> None:
        """Give the claim up, there is nothing to pay for; raises StaleScreen (409) once money has moved."""
        if not self.may_be_voided:
            raise StaleScreen(N_("Money has been taken for this payment, so it can't be voided any more."))
        self.status, self.voided_at, self.void_reason, self.paid_at = VOIDED, at, reason, None

    def reopen(self) -> None:
        """Take a void back; raises StaleScreen (409) when it is not void."""
        if not self.is_void:
            raise StaleScreen(N_("This payment is not void."))
        self.status, self.voided_at, self.void_reason = PENDING if self.total_amount else PAID, None, None

    def as_audited(self) -> dict[str, Any]:
        """Return what the audit keeps of a change."""
        return {
            "status": self.status,
            "amount_paid": self.amount_paid,
            "doctor_share": self.doctor_share,
            "center_share": self.center_share,
            "share_percent": self.share_percent,
            "void_reason": self.void_reason,
        }

    def _must_owe(self, amount: Decimal) -> None:
        if self.status in OWING and self.left:
            return
        sentence = N_("This is paid by now: nothing is owed.")
        if self.is_void:
            sentence = N_("This payment was voided: nothing is owed.")
        raise StaleScreen(sentence, changes={N_("Left to pay"): (amount, money.ZERO)})

    def _freeze(self, rule: ShareRule, at: datetime) -> None:
        if self.shares_frozen_at is None:
            self.share_percent, self.share_rule_version = rule.percent, rule.version
            self.shares_frozen_at = at


class PaymentTransaction(Model):
    """One movement of money, in or out. Never edited; an error is another movement.

    ``amount`` is what changed hands (positive). ``applied_amount`` of it settled the payment, the rest
    (``credit_amount``) is the patient's credit. ``handed_over`` is what the patient gave in cash, before the
    change; ``balance_after`` and ``processed_by_name`` are what the receipt says, now and when it is printed
    again.
    """

    __tablename__ = "payment_transactions"
    __table_args__ = (
        UniqueConstraint("organization_id", "idempotency_key"),
        UniqueConstraint("organization_id", "payment_number"),
        one_of("kind", RECEIPT, REFUND),
        one_of("payment_method", *METHODS),
        one_of("status", "COMPLETED", "FAILED"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("applied_amount >= 0 AND credit_amount >= 0", name="parts_positive"),
        CheckConstraint("applied_amount + credit_amount = amount", name="parts_add_up"),
        CheckConstraint("abs(doctor_share) + abs(center_share) = applied_amount", name="shares_add_up"),
        Index(None, "payment_id"),
        Index("ix_payment_transactions_day", "facility_id", "payment_date", "payment_method"),
        Index(None, "patient_id", "payment_date"),
        {"schema": "payments", "info": {"patient_id": "follows"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.payments.id"))
    patient_id: Mapped[UUID]
    payment_number: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    payment_date: Mapped[Moment]
    payment_method: Mapped[str] = mapped_column(Text)
    amount: Mapped[Money]
    applied_amount: Mapped[Money]
    credit_amount: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    handed_over: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))
    balance_after: Mapped[Money]
    currency: Mapped[str] = mapped_column(Text)
    doctor_share: Mapped[Money]
    center_share: Mapped[Money]
    provider_transaction_id: Mapped[str | None] = mapped_column(Text)
    card_last_four: Mapped[str | None] = mapped_column(Text)
    check_number: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default="COMPLETED", default="COMPLETED")
    notes: Mapped[str | None] = mapped_column(Text)
    processed_by: Mapped[UUID | None]
    processed_by_name: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment]


class LedgerEntry(Model):
    """One leg of a movement: debit positive, credit negative. A movement's legs sum to zero.

    A deferred constraint trigger (``payments.movement_sums_to_zero``) proves that at the commit.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        one_of("account", *ACCOUNTS),
        CheckConstraint("amount <> 0", name="amount_not_zero"),
        Index(None, "transaction_id"),
        Index(None, "facility_id", "account", "entered_at"),
        {"schema": "payments", "info": {"patient_id": "frozen"}},
    )

    id: Mapped[Key]
    organization_id: Mapped[UUID]
    facility_id: Mapped[UUID]
    transaction_id: Mapped[UUID] = mapped_column(ForeignKey("payments.payment_transactions.id"))
    account: Mapped[str] = mapped_column(Text)
    doctor_id: Mapped[UUID | None]
    patient_id: Mapped[UUID | None]
    amount: Mapped[Money]
    currency: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[Moment]
