"""Schema ``payments``: payments, their transactions and the ledger. The rules of money live here."""

from __future__ import annotations

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
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from clinic_web.kernel import money
from clinic_web.kernel.db import Key, Model, Moment, Money, Stamped, Versioned, one_of
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.payments import records  # noqa: F401 - the other tables of the schema
from clinic_web.payments.shares import ShareRule, Shares, split

PENDING, PARTIALLY_PAID, PAID = "PENDING", "PARTIALLY_PAID", "PAID"
PARTIALLY_REFUNDED, REFUNDED, VOIDED = "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED"
STATUSES = (PENDING, PARTIALLY_PAID, PAID, PARTIALLY_REFUNDED, REFUNDED, VOIDED)
OWING = (PENDING, PARTIALLY_PAID)
GIVEN_BACK = (PARTIALLY_REFUNDED, REFUNDED)

CASH, VISA, BANK_TRANSFER = "CASH", "VISA", "BANK_TRANSFER"
DESK_METHODS = (CASH, VISA, BANK_TRANSFER)
METHODS = (*DESK_METHODS, "CREDIT_CARD", "DEBIT_CARD", "CHECK", "INSURANCE")

RECEIPT, REFUND = "RECEIPT", "REFUND"
COMPLETED, FAILED = "COMPLETED", "FAILED"

# What a payment is for. A visit's names its service, an order's the number of its bill.
VISIT, PRESCRIPTION, LAB = "VISIT", "PRESCRIPTION", "LAB"
PAYABLES = (VISIT, PRESCRIPTION, LAB)

DRAWER, BANK, CARD, RECEIVABLE = "DRAWER", "BANK", "CARD", "RECEIVABLE"
DOCTOR_PAYABLE, CENTRE_INCOME, PATIENT_CREDIT = "DOCTOR_PAYABLE", "CENTRE_INCOME", "PATIENT_CREDIT"
UNASSIGNED_SHARE = "UNASSIGNED_SHARE"
ACCOUNTS = (
    DRAWER,
    BANK,
    CARD,
    RECEIVABLE,
    DOCTOR_PAYABLE,
    CENTRE_INCOME,
    PATIENT_CREDIT,
    UNASSIGNED_SHARE,
)


HAPPENED = text("COALESCE(moved_at, due_at)")  # when a payment last moved, or else when it was due
LEFT = text("COALESCE(balance_due, 0)")  # see the list's order


class Payment(Model, Stamped, Versioned):
    """What one payable owes and has paid, with the doctor's and the centre's share of what was paid.

    ``share_percent`` and ``share_rule_version`` are frozen when the first money moves; while nobody knows
    whose rule it is, all of it is ``unassigned_share``. ``amount_paid`` is without what a correction took
    back; the shares are those of what was paid and not refunded. ``balance_due`` is computed by PostgreSQL,
    which also refuses more than is owed. ``due_at`` is the time of the appointment, or the opening where
    there is none: it says on which day's list the payment stands. ``moved_at`` is when money last came or
    went. ``payable`` is what it is for; ``reference`` the number of the bill, where that is not a visit.
    """

    __tablename__ = "payments"
    __table_args__ = (
        UniqueConstraint("visit_id"),
        one_of("status", *STATUSES),
        one_of("payable", *PAYABLES),
        CheckConstraint("total_amount >= 0", name="total_positive"),
        CheckConstraint("amount_paid BETWEEN 0 AND total_amount", name="paid_within_total"),
        CheckConstraint("amount_refunded BETWEEN 0 AND amount_paid", name="refunded_within_paid"),
        CheckConstraint(
            "doctor_share + center_share + unassigned_share = amount_paid - amount_refunded",
            name="shares_add_up",
        ),
        CheckConstraint("share_percent BETWEEN 0 AND 100", name="share_percent_range"),
        Index("ix_payments_day", "facility_id", "due_at"),
        Index("ix_payments_by_moment", "facility_id", HAPPENED, "id"),
        Index("ix_payments_by_state", "facility_id", "status", HAPPENED, "id"),
        Index("ix_payments_by_due", "facility_id", "total_amount", "id"),
        Index("ix_payments_by_left", "facility_id", LEFT, "id"),
        Index("ix_payments_by_state_and_left", "facility_id", "status", LEFT, "id"),
        Index("ix_payments_of_doctor", "facility_id", "doctor_id", HAPPENED, "id"),
        Index("ix_payments_of_service", "facility_id", "service_id", HAPPENED, "id"),
        Index("ix_payments_by_ticket", "facility_id", "ticket"),
        Index(
            "ix_payments_of_orders",
            "facility_id",
            "payable",
            HAPPENED,
            "id",
            postgresql_where=text("payable <> 'VISIT'"),
        ),
        Index(
            "ix_payments_by_reference",
            "facility_id",
            "reference",
            postgresql_where=text("reference IS NOT NULL"),
        ),
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
    payable: Mapped[str] = mapped_column(Text, server_default=VISIT, default=VISIT)
    reference: Mapped[str | None] = mapped_column(Text)
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
    unassigned_share: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    share_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    share_rule_version: Mapped[int] = mapped_column(Integer)
    shares_frozen_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(Text, server_default=PENDING, default=PENDING)
    opened_at: Mapped[Moment]
    due_at: Mapped[Moment] = mapped_column(server_default=func.now())
    paid_at: Mapped[datetime | None]
    moved_at: Mapped[datetime | None]
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

    @property
    def kept(self) -> Decimal:
        """What was paid and not given back: the most that can be refunded."""
        return self.amount_paid - self.amount_refunded

    def receive(self, amount: Decimal, *, rule: ShareRule | None, at: datetime) -> Shares:
        """Take ``amount`` in, freeze the share rule with the first of it, and return how the sum is divided.

        Without a ``rule`` nobody knows yet whose it is, and the sum waits unassigned. Raises StaleScreen
        (409) when nothing is owed any more, RuleBroken (422) above what is owed.
        """
        self._must_owe(amount)
        if amount > self.left:
            raise RuleBroken(N_("Only %(left)s is left to pay."), field="amount", left=self.left)
        if rule is not None and not self.unassigned_share:
            self._freeze(rule, at)
        shares = self._divide(amount)
        self.amount_paid += amount
        self._settle(at)
        return shares

    def give_back(self, amount: Decimal, *, at: datetime) -> Shares:
        """Refund ``amount``, which closes the claim; return the parts, negative, as the frozen rule divides.

        Raises StaleScreen (409) when there is nothing to give back (any more), RuleBroken (422) above it.
        """
        if not self.kept:
            raise StaleScreen(N_("Nothing that was paid is left to give back."))
        if amount > self.kept:
            raise RuleBroken(N_("Only %(left)s was paid and not given back."), field="amount", left=self.kept)
        shares = self._divide(-amount)
        self.amount_refunded += amount
        self.moved_at = at
        self.status = PARTIALLY_REFUNDED if self.kept else REFUNDED
        return shares

    def take_back(self, amount: Decimal, *, at: datetime) -> Shares:
        """Undo a receipt of ``amount`` that was a mistake, as if it had never been; return the parts.

        Raises StaleScreen (409) once money was refunded: which of it was the mistake, nobody could tell.
        """
        if self.amount_refunded:
            raise StaleScreen(N_("Money was given back meanwhile, so this can't be corrected any more."))
        shares = self._divide(-amount)
        self.amount_paid -= amount
        self._settle(at)
        return shares

    def forget_rule(self) -> None:
        """Nothing is kept and nothing was right: what is taken next is shared as if it were the first."""
        self.shares_frozen_at = None

    def assign(self, doctor_id: UUID, rule: ShareRule, *, at: datetime) -> Shares:
        """Divide what waited unassigned by the rule of the doctor who is known now; return the parts."""
        waiting, self.unassigned_share = self.unassigned_share, money.ZERO
        self.doctor_id = doctor_id
        self._freeze(rule, at)
        return self._divide(waiting, paid_before=money.ZERO)

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
            "amount_refunded": self.amount_refunded,
            "doctor_id": self.doctor_id,
            "doctor_share": self.doctor_share,
            "center_share": self.center_share,
            "unassigned_share": self.unassigned_share,
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

    def _divide(self, amount: Decimal, *, paid_before: Decimal | None = None) -> Shares:
        """Divide what comes (or goes, when negative), and keep the sums; what waits stays undivided."""
        if self.shares_frozen_at is None:
            self.unassigned_share += amount
            return Shares(money.ZERO, money.ZERO, amount)
        before = self.kept if paid_before is None else paid_before
        shares = split(
            amount, paid_before=before, doctor_before=self.doctor_share, percent=self.share_percent
        )
        self.doctor_share += shares.doctor
        self.center_share += shares.center
        return shares

    def _settle(self, at: datetime) -> None:
        is_paid = self.amount_paid == self.total_amount
        self.status = PAID if is_paid else PARTIALLY_PAID if self.amount_paid else PENDING
        self.paid_at = at if is_paid else None
        self.moved_at = at

    def _freeze(self, rule: ShareRule, at: datetime) -> None:
        if self.shares_frozen_at is None:
            self.share_percent, self.share_rule_version = rule.percent, rule.version
            self.shares_frozen_at = at


class PaymentTransaction(Model):
    """One movement of money, in or out. Never edited; an error is another movement.

    ``amount`` is what changed hands (positive). ``applied_amount`` of it settled the payment, the rest
    (``credit_amount``) is the patient's credit. ``handed_over`` is what the patient gave in cash, before the
    change; ``balance_after`` and ``processed_by_name`` are what the receipt says, now and when it is printed
    again. ``receipt_sequence`` has no gap within a facility's ``receipt_year``; what other systems took has
    none. A correction is two: one that ``reverses_id`` a receipt, and one that ``replaces_id`` it. The shares
    of what goes out are negative. FAILED: it was asked for and refused, for a ``reason``; nothing moved.
    """

    __tablename__ = "payment_transactions"
    __table_args__ = (
        UniqueConstraint("organization_id", "idempotency_key"),
        UniqueConstraint("organization_id", "payment_number"),
        one_of("kind", RECEIPT, REFUND),
        one_of("payment_method", *METHODS),
        one_of("status", COMPLETED, FAILED),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("applied_amount >= 0 AND credit_amount >= 0", name="parts_positive"),
        CheckConstraint(
            "applied_amount + credit_amount = CASE status WHEN 'FAILED' THEN 0 ELSE amount END",
            name="parts_add_up",
        ),
        CheckConstraint(
            "abs(doctor_share) + abs(center_share) + abs(unassigned_share) = applied_amount",
            name="shares_add_up",
        ),
        CheckConstraint("kind = 'RECEIPT' OR reason IS NOT NULL", name="refund_has_reason"),
        CheckConstraint("status = 'COMPLETED' OR receipt_sequence IS NULL", name="failed_has_no_receipt"),
        CheckConstraint("reverses_id IS NULL OR kind = 'REFUND'", name="reverses_by_refund"),
        CheckConstraint("replaces_id IS NULL OR kind = 'RECEIPT'", name="replaces_by_receipt"),
        UniqueConstraint(
            "facility_id", "receipt_year", "receipt_sequence", name="uq_payment_transactions_receipt_number"
        ),
        UniqueConstraint("reverses_id"),
        UniqueConstraint("replaces_id"),
        Index(None, "payment_id"),
        Index("ix_payment_transactions_day", "facility_id", "payment_date", "payment_method"),
        Index("ix_payment_transactions_by_method", "facility_id", "payment_method", "payment_id"),
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
    unassigned_share: Mapped[Money] = mapped_column(server_default="0", default=Decimal("0.00"))
    receipt_year: Mapped[int | None] = mapped_column(SmallInteger)
    receipt_sequence: Mapped[int | None] = mapped_column(Integer)
    reverses_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.payment_transactions.id"))
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.payment_transactions.id"))
    reason: Mapped[str | None] = mapped_column(Text)
    provider_transaction_id: Mapped[str | None] = mapped_column(Text)
    card_last_four: Mapped[str | None] = mapped_column(Text)
    check_number: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, server_default=COMPLETED, default=COMPLETED)
    notes: Mapped[str | None] = mapped_column(Text)
    processed_by: Mapped[UUID | None]
    processed_by_name: Mapped[str | None] = mapped_column(Text)
    idempotency_key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Moment]

    @property
    def receipt_number(self) -> str | None:
        """The number as it is printed, ``2026-000123``; none where another system wrote the receipt."""
        return f"{self.receipt_year}-{self.receipt_sequence:06d}" if self.receipt_sequence else None


class LedgerEntry(Model):
    """One leg of a movement: debit positive, credit negative. A movement's legs sum to zero.

    A deferred constraint trigger (``payments.movement_sums_to_zero``) proves that at the commit. Legs that a
    share's change of hands added later name it as their ``share_movement_id``.
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
    share_movement_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.share_movements.id"))
    doctor_id: Mapped[UUID | None]
    patient_id: Mapped[UUID | None]
    amount: Mapped[Money]
    currency: Mapped[str] = mapped_column(Text)
    entered_at: Mapped[Moment]
