"""The cashier's day: the payments that are due or moved on a local day, what was taken, what is still owed.

The list itself is cached under the state of its clinics' topics; names are not in it, because a patient's name
may change without any payment changing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text

from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.cache import cached
from clinic_web.kernel.db import db
from clinic_web.kernel.money import ZERO
from clinic_web.organization import api as organization
from clinic_web.payments.live import payments_topic
from clinic_web.payments.models import (
    PAID,
    PARTIALLY_PAID,
    PARTIALLY_REFUNDED,
    PENDING,
    REFUNDED,
    STATUSES,
    VOIDED,
)

PAGE = 100
# Between two looks an appointment's time may pass without anything changing: the list is computed anew then.
SLOT = timedelta(minutes=5)

# What the address calls the states, in the order of the chips.
STATES = {
    "to-pay": (PENDING,),
    "part-paid": (PARTIALLY_PAID,),
    "paid": (PAID,),
    "refunded": (PARTIALLY_REFUNDED, REFUNDED),
    "void": (VOIDED,),
}

# Payments of the day, with when something last happened to each on that day. What is still to come today stands
# below what has happened, although its time is later.
OF_DAY = """
    WITH due AS (
        SELECT id FROM payments.payments
         WHERE organization_id = :organization_id AND facility_id = :facility_id
           AND due_at >= :begins AND due_at < :ends
        UNION
        SELECT payment_id FROM payments.payment_transactions
         WHERE organization_id = :organization_id AND facility_id = :facility_id
           AND payment_date >= :begins AND payment_date < :ends
    ), of_day AS (
        SELECT p.*, moved.methods, moved.moved_at,
               COALESCE(moved.moved_at, CASE WHEN p.due_at <= :as_of THEN p.due_at ELSE p.opened_at END) AS moment
          FROM due JOIN payments.payments p ON p.id = due.id
          LEFT JOIN LATERAL (
               SELECT array_agg(DISTINCT t.payment_method ORDER BY t.payment_method) AS methods,
                      max(t.payment_date) FILTER (WHERE t.payment_date >= :begins AND t.payment_date < :ends)
                          AS moved_at
                 FROM payments.payment_transactions t WHERE t.payment_id = p.id AND t.status = 'COMPLETED'
               ) moved ON true
         WHERE (CAST(:clinic_id AS uuid) IS NULL OR p.clinic_id = :clinic_id)
           AND (CAST(:doctor_id AS uuid) IS NULL OR p.doctor_id = :doctor_id)
           AND (CAST(:method AS text) IS NULL OR :method = ANY(moved.methods))
    )
"""
ROWS = text(
    OF_DAY
    + """
    SELECT id, visit_id, patient_id, clinic_id, doctor_id, service_id, ticket, methods, total_amount,
           amount_paid - amount_refunded AS paid, balance_due, status, COALESCE(moved_at, due_at) AS at, moment
      FROM of_day
     WHERE status = ANY(:states)
       AND (CAST(:before AS timestamptz) IS NULL OR (moment, id) < (:before, CAST(:before_id AS uuid)))
     ORDER BY moment DESC, id DESC LIMIT :limit
    """
)
# Sums travel through JSON as text: a float never touches money.
SUMS = text(
    OF_DAY
    + """
    SELECT (SELECT jsonb_object_agg(status, n)
              FROM (SELECT status, count(*) AS n FROM of_day GROUP BY status) c) AS counts,
           (SELECT COALESCE(sum(balance_due), 0) FROM of_day) AS owed,
           (SELECT array_agg(DISTINCT doctor_id) FROM of_day WHERE doctor_id IS NOT NULL) AS doctors,
           (SELECT jsonb_object_agg(payment_method, CAST(taken AS text)) FROM (
                SELECT t.payment_method,
                       sum(CASE t.kind WHEN 'REFUND' THEN -t.amount ELSE t.amount END) AS taken
                  FROM payments.payment_transactions t JOIN of_day ON of_day.id = t.payment_id
                 WHERE t.payment_date >= :begins AND t.payment_date < :ends AND t.status = 'COMPLETED'
                 GROUP BY t.payment_method) s) AS taken
    """
)


@dataclass(frozen=True, kw_only=True)
class DayFilters:
    """What the address asks for. ``state`` is a key of STATES; ``before`` is where the last page ended."""

    day: date
    state: str | None = None
    method: str | None = None
    clinic_id: UUID | None = None
    doctor_id: UUID | None = None
    before: tuple[datetime, UUID] | None = None


@dataclass(frozen=True, kw_only=True)
class DayRow:
    """One payment in the list; ``at`` is when it last moved that day, or when it is due."""

    id: UUID
    visit_id: UUID | None
    patient_id: UUID
    clinic_id: UUID
    doctor_id: UUID | None
    service_id: UUID | None
    ticket: str | None
    methods: tuple[str, ...]
    total_amount: Decimal
    paid: Decimal
    balance_due: Decimal
    status: str
    at: datetime
    moment: datetime


@dataclass(frozen=True, kw_only=True)
class Day:
    """The rows of one page, and counts and sums of the whole day as filtered (but for the state)."""

    rows: list[DayRow]
    counts: dict[str, int]
    taken: dict[str, Decimal]
    owed: Decimal
    doctor_ids: list[UUID]
    older: tuple[datetime, UUID] | None

    @property
    def taken_in_all(self) -> Decimal:
        return sum(self.taken.values(), ZERO)

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    def number_in(self, state: str) -> int:
        return sum(self.counts.get(status, 0) for status in STATES[state])


def clinics_listed(actor: Actor, facility: organization.FacilityInfo, clinic_id: UUID | None) -> list[UUID]:
    """Return the clinics whose payments the list shows."""
    if clinic_id is not None:
        return [clinic_id]
    return [each.id for each in organization.directory(actor.organization_id).clinics_of(facility.id)]


def payments_of_day(actor: Actor, facility: organization.FacilityInfo, filters: DayFilters) -> Day:
    """Return the facility's payments of a local day; two queries, or none when the cache has the answer."""
    question = _question(actor, facility, filters)
    topics = [payments_topic(each) for each in clinics_listed(actor, facility, filters.clinic_id)]
    asked = {name: str(value) for name, value in question.items()}
    return _day(cached("payments", actor, topics, asked, lambda: _compute(question)))


def _question(actor: Actor, facility: organization.FacilityInfo, filters: DayFilters) -> dict[str, Any]:
    before, before_id = filters.before or (None, None)
    return {
        "organization_id": actor.organization_id,
        "facility_id": facility.id,
        "begins": organization.moment_at(filters.day, time(), facility.timezone),
        "ends": organization.moment_at(filters.day + timedelta(days=1), time(), facility.timezone),
        "as_of": _slot(clock.now()),
        "clinic_id": filters.clinic_id,
        "doctor_id": filters.doctor_id,
        "method": filters.method,
        "states": list(STATES[filters.state] if filters.state else STATUSES),
        "before": before,
        "before_id": before_id,
        "limit": PAGE + 1,
    }


def _slot(now: datetime) -> datetime:
    seconds = int(SLOT.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


def _compute(question: dict[str, Any]) -> dict[str, Any]:
    """Return rows and sums as JSON keeps them, whether they go through the cache or not."""
    rows = db.session.execute(ROWS, question).mappings().all()
    sums = db.session.execute(SUMS, question).mappings().one()
    return {
        "rows": [{name: _plain(value) for name, value in row.items()} for row in rows],
        "counts": sums["counts"] or {},
        "taken": sums["taken"] or {},
        "owed": str(sums["owed"]),
        "doctors": [str(each) for each in sums["doctors"] or ()],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, list) else str(value)


def _day(stored: dict[str, Any]) -> Day:
    rows = [_row(each) for each in stored["rows"]]
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return Day(
        rows=rows[:PAGE],
        counts=stored["counts"],
        taken={method: Decimal(taken) for method, taken in stored["taken"].items()},
        owed=Decimal(stored["owed"]),
        doctor_ids=[UUID(each) for each in stored["doctors"]],
        older=(last.moment, last.id) if last else None,
    )


def _row(stored: dict[str, Any]) -> DayRow:
    ids = ("id", "visit_id", "patient_id", "clinic_id", "doctor_id", "service_id")
    sums = ("total_amount", "paid", "balance_due")
    return DayRow(
        ticket=stored["ticket"],
        methods=tuple(stored["methods"] or ()),
        status=stored["status"],
        at=datetime.fromisoformat(stored["at"]),
        moment=datetime.fromisoformat(stored["moment"]),
        **{name: UUID(stored[name]) if stored[name] else None for name in ids},  # type: ignore[arg-type]
        **{name: Decimal(stored[name]) for name in sums},
    )
