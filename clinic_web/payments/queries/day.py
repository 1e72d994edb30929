"""The cashier's day: the payments that are due or moved on a local day, what was taken, what is still owed.

The list itself is cached under the state of its clinics' topics. Names are not in it, because a patient's
name may change without any payment changing.
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
    DESK_METHODS,
    OWING,
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

# What the address calls the states. "owing" is what the sum of what is still owed leads to.
STATES = {
    "to-pay": (PENDING,),
    "part-paid": (PARTIALLY_PAID,),
    "paid": (PAID,),
    "refunded": (PARTIALLY_REFUNDED, REFUNDED),
    "void": (VOIDED,),
    "owing": OWING,
}

# Payments of the day, with when something last happened to each on that day. What is still to come today
# stands below what has happened, although its time is later. `listed` obeys all filters but the state.
OF_DAY = """
    WITH due AS (
        SELECT id FROM payments.payments
         WHERE organization_id = :organization_id AND facility_id = :facility_id
           AND due_at >= :begins AND due_at < :ends
        UNION
        SELECT payment_id FROM payments.payment_transactions
         WHERE organization_id = :organization_id AND facility_id = :facility_id
           AND payment_date >= :begins AND payment_date < :ends
    ), of_clinic AS (
        SELECT p.* FROM due JOIN payments.payments p ON p.id = due.id
         WHERE CAST(:clinic_id AS uuid) IS NULL OR p.clinic_id = :clinic_id
    ), of_doctor AS (
        SELECT * FROM of_clinic WHERE CAST(:doctor_id AS uuid) IS NULL OR doctor_id = :doctor_id
    ), listed AS (
        SELECT p.*, moved.methods, moved.moved_at,
               COALESCE(moved.moved_at, CASE WHEN p.due_at <= :as_of THEN p.due_at ELSE p.opened_at END)
                   AS moment
          FROM of_doctor p
          LEFT JOIN LATERAL (
               SELECT array_agg(DISTINCT t.payment_method ORDER BY t.payment_method) AS methods,
                      max(t.payment_date) FILTER (WHERE t.payment_date >= :begins AND t.payment_date < :ends)
                          AS moved_at
                 FROM payments.payment_transactions t WHERE t.payment_id = p.id AND t.status = 'COMPLETED'
               ) moved ON true
         WHERE CAST(:method AS text) IS NULL OR :method = ANY(moved.methods)
    )
"""
ROWS = text(
    f"""{OF_DAY}
    SELECT id, visit_id, patient_id, clinic_id, doctor_id, service_id, ticket, methods, total_amount,
           amount_paid - amount_refunded AS paid, balance_due, status,
           COALESCE(moved_at, due_at) AS at, moment
      FROM listed
     WHERE status = ANY(:states)
       AND (CAST(:before AS timestamptz) IS NULL OR (moment, id) < (:before, CAST(:before_id AS uuid)))
     ORDER BY moment DESC, id DESC LIMIT :limit
    """  # noqa: S608 - made of constants
)
# Sums travel through JSON as text: a float never touches money.
SUMS = text(
    f"""{OF_DAY}
    SELECT (SELECT jsonb_object_agg(status, n)
              FROM (SELECT status, count(*) AS n FROM listed GROUP BY status) s) AS counts,
           (SELECT COALESCE(sum(balance_due), 0) FROM of_doctor) AS owed,
           (SELECT array_agg(DISTINCT doctor_id) FROM of_clinic WHERE doctor_id IS NOT NULL) AS doctors,
           (SELECT jsonb_object_agg(payment_method, CAST(taken AS text)) FROM (
                SELECT t.payment_method,
                       sum(CASE t.kind WHEN 'REFUND' THEN -t.amount ELSE t.amount END) AS taken
                  FROM payments.payment_transactions t JOIN of_doctor p ON p.id = t.payment_id
                 WHERE t.payment_date >= :begins AND t.payment_date < :ends AND t.status = 'COMPLETED'
                 GROUP BY t.payment_method) m) AS taken
    """  # noqa: S608 - made of constants
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
    """The rows of one page, counts of the day by status, and sums that only clinic and doctor narrow."""

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
    def other_methods(self) -> Decimal:
        """What was taken otherwise than a desk does; the sum of the day would not add up without it."""
        return sum((taken for method, taken in self.taken.items() if method not in DESK_METHODS), ZERO)

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
    return _day(cached("payments", actor, topics, lambda: _compute(question), filters=asked))


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
    def one(name: str) -> UUID | None:
        return UUID(stored[name]) if stored[name] else None

    return DayRow(
        id=UUID(stored["id"]),
        visit_id=one("visit_id"),
        patient_id=UUID(stored["patient_id"]),
        clinic_id=UUID(stored["clinic_id"]),
        doctor_id=one("doctor_id"),
        service_id=one("service_id"),
        ticket=stored["ticket"],
        methods=tuple(stored["methods"] or ()),
        total_amount=Decimal(stored["total_amount"]),
        paid=Decimal(stored["paid"]),
        balance_due=Decimal(stored["balance_due"]),
        status=stored["status"],
        at=datetime.fromisoformat(stored["at"]),
        moment=datetime.fromisoformat(stored["moment"]),
    )
