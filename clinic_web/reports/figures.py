"""The figures of one day or of many, added up: what the page, the tables and the PDF show.

A kept day holds counts by whole minute instead of a median, so that the median and the 90th percentile of a
month are those of all its patients, and not a mean of thirty medians.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from clinic_web.kernel.money import ZERO

SEEN = ("IN_PROGRESS", "PENDING_PAYMENT", "COMPLETED")
NO_SHOW, CANCELLED, BY_APPOINTMENT = "NO_SHOW", "CANCELLED", "SCHEDULED"
OPEN = ("SCHEDULED", "WAITING", "CALLED", "ON_HOLD")
DOCTOR_PAYABLE, CENTRE_INCOME, UNASSIGNED = "DOCTOR_PAYABLE", "CENTRE_INCOME", "UNASSIGNED_SHARE"
AGES = (7, 30, 90, 999)


@dataclass
class Minutes:
    """How often a span took how many whole minutes."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, minutes: int, number: int) -> None:
        self.counts[minutes] += number

    @property
    def number(self) -> int:
        return self.counts.total()

    @property
    def median(self) -> int | None:
        return self.percentile(50)

    @property
    def p90(self) -> int | None:
        return self.percentile(90)

    def percentile(self, percent: int) -> int | None:
        """Return the smallest span that at least ``percent`` of 100 did not exceed; None of nothing."""
        needed, passed = self.number * percent, 0
        for minutes in sorted(self.counts):
            passed += self.counts[minutes]
            if passed * 100 >= needed:
                return minutes
        return None


@dataclass
class Visits:
    """How many visits there were, by where they ended."""

    by_status: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)  # visit_type and status
    expected: int = 0  # by appointment, and not cancelled
    missed: int = 0  # of them
    walk_ins: int = 0

    def add(self, visit_type: str, status: str, number: int) -> None:
        self.by_status[status] += number
        self.by_kind[visit_type, status] += number
        if visit_type != BY_APPOINTMENT:
            self.walk_ins += number
        elif status != CANCELLED:
            self.expected += number
            self.missed += number if status == NO_SHOW else 0

    @property
    def number(self) -> int:
        return self.by_status.total()

    @property
    def seen(self) -> int:
        return sum(self.by_status[status] for status in SEEN)

    @property
    def no_shows(self) -> int:
        return self.by_status[NO_SHOW]

    @property
    def cancelled(self) -> int:
        return self.by_status[CANCELLED]

    @property
    def open(self) -> int:
        """Those whom nobody saw, missed or cancelled: on a day that is over, somebody forgot them."""
        return sum(self.by_status[status] for status in OPEN)

    @property
    def miss_rate(self) -> Decimal | None:
        """Of a hundred who were expected by appointment, how many did not come; one decimal."""
        return (
            (Decimal(100 * self.missed) / self.expected).quantize(Decimal("0.1")) if self.expected else None
        )


@dataclass
class Takings:
    """Money that moved: ``received`` in, ``refunded`` out again, in ``number`` movements."""

    received: Decimal = ZERO
    refunded: Decimal = ZERO
    number: int = 0

    @property
    def net(self) -> Decimal:
        return self.received - self.refunded


@dataclass
class Due:
    """What fell due on the days, and how much of it was left when its day was over."""

    number: int = 0
    total: Decimal = ZERO
    left: Decimal = ZERO
    left_number: int = 0


@dataclass
class Money:
    """The money of one currency."""

    currency: str
    methods: defaultdict[str, Takings] = field(default_factory=lambda: defaultdict(Takings))
    doctors: defaultdict[UUID | None, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    services: defaultdict[UUID | None, Takings] = field(default_factory=lambda: defaultdict(Takings))
    shares: defaultdict[UUID | None, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    accounts: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    due: Due = field(default_factory=Due)
    outstanding: dict[int, tuple[int, Decimal]] = field(default_factory=dict)

    @property
    def net(self) -> Decimal:
        return sum((each.net for each in self.methods.values()), ZERO)

    @property
    def refunded(self) -> Decimal:
        return sum((each.refunded for each in self.methods.values()), ZERO)

    @property
    def doctors_share(self) -> Decimal:
        return sum(self.shares.values(), ZERO)

    @property
    def centre_share(self) -> Decimal:
        return -self.accounts[CENTRE_INCOME]

    @property
    def unassigned_share(self) -> Decimal:
        """What waits until the doctor is known."""
        return -self.accounts[UNASSIGNED]

    @property
    def outstanding_in_all(self) -> Decimal:
        return sum((amount for _, amount in self.outstanding.values()), ZERO)


@dataclass
class Figures:
    """What one or more days were like. Ids are of clinics, doctors and services; None: nobody was named."""

    days: int = 0
    visits: Visits = field(default_factory=Visits)
    by_clinic: defaultdict[UUID, Visits] = field(default_factory=lambda: defaultdict(Visits))
    by_doctor: defaultdict[UUID | None, Visits] = field(default_factory=lambda: defaultdict(Visits))
    by_service: defaultdict[UUID | None, Visits] = field(default_factory=lambda: defaultdict(Visits))
    arrivals: Counter[int] = field(default_factory=Counter)
    waits: Minutes = field(default_factory=Minutes)
    waits_by_hour: defaultdict[int, Minutes] = field(default_factory=lambda: defaultdict(Minutes))
    waits_by_clinic: defaultdict[UUID, Minutes] = field(default_factory=lambda: defaultdict(Minutes))
    consultations: Minutes = field(default_factory=Minutes)
    consultations_by_hour: defaultdict[int, Minutes] = field(default_factory=lambda: defaultdict(Minutes))
    consultations_by_doctor: defaultdict[UUID | None, Minutes] = field(
        default_factory=lambda: defaultdict(Minutes)
    )
    money: dict[str, Money] = field(default_factory=dict)
    disagreements: list[dict[str, Any]] = field(default_factory=list)

    def money_in(self, currency: str) -> Money:
        return self.money.setdefault(currency, Money(currency))

    def add(self, days: Iterable[Mapping[str, Any]]) -> None:
        """Add days as the kept reports hold them.

        A year of a large centre is a million groups: what is equal is counted first, named and sorted after.
        """
        visits: Counter[tuple[Any, ...]] = Counter()
        waits: Counter[tuple[Any, ...]] = Counter()
        consultations: Counter[tuple[Any, ...]] = Counter()
        for kept in days:
            self.days += 1
            for *group, number in kept["visits"]:
                visits[tuple(group)] += number
            for *group, number in kept["waits"]:
                waits[tuple(group)] += number
            for *group, number in kept["consultations"]:
                consultations[tuple(group)] += number
            self._add_the_rest(kept)
        self._name_visits(visits)
        self._name_minutes(waits, consultations)

    def _add_the_rest(self, kept: Mapping[str, Any]) -> None:
        for hour, number in kept["arrivals"]:
            self.arrivals[hour] += number
        for doctor, spans in kept["consultations_by_doctor"].items():
            counts = self.consultations_by_doctor[_id(doctor)].counts
            for minutes, number in spans:
                counts[minutes] += number
        self._add_money(kept)
        self.disagreements += kept.get("disagreements", [])

    def _name_visits(self, visits: Counter[tuple[Any, ...]]) -> None:
        for (clinic, doctor, service, visit_type, status), number in visits.items():
            self.visits.add(visit_type, status, number)
            self.by_clinic[UUID(clinic)].add(visit_type, status, number)
            self.by_doctor[_id(doctor)].add(visit_type, status, number)
            self.by_service[_id(service)].add(visit_type, status, number)

    def _name_minutes(self, waits: Counter[tuple[Any, ...]], consultations: Counter[tuple[Any, ...]]) -> None:
        for (clinic, hour, minutes), number in waits.items():
            for spans in (self.waits, self.waits_by_hour[hour], self.waits_by_clinic[UUID(clinic)]):
                spans.add(minutes, number)
        for (hour, minutes), number in consultations.items():
            for spans in (self.consultations, self.consultations_by_hour[hour]):
                spans.add(minutes, number)

    def _add_money(self, kept: Mapping[str, Any]) -> None:
        for currency, method, received, refunded, number in kept["methods"]:
            takings = self.money_in(currency).methods[method]
            takings.received += Decimal(received)
            takings.refunded += Decimal(refunded)
            takings.number += number
        for currency, doctor, net, _credit in kept["doctors"]:
            self.money_in(currency).doctors[_id(doctor)] += Decimal(net)
        for currency, service, net, number in kept["services"]:
            takings = self.money_in(currency).services[_id(service)]
            takings.received += Decimal(net)
            takings.number += number
        for currency, account, doctor, amount in kept["ledger"]:
            money = self.money_in(currency)
            money.accounts[account] += Decimal(amount)
            if account == DOCTOR_PAYABLE:
                money.shares[_id(doctor)] -= Decimal(amount)
        for currency, number, total, left, left_number in kept["due"]:
            due = self.money_in(currency).due
            due.number, due.total = due.number + number, due.total + Decimal(total)
            due.left, due.left_number = due.left + Decimal(left), due.left_number + left_number

    def set_outstanding(self, kept: Iterable[Any]) -> None:
        """Say what was owed in all; not a sum over days, but how it stood at the end of the last one."""
        for money in self.money.values():
            money.outstanding.clear()
        for currency, age, number, amount in kept:
            self.money_in(currency).outstanding[age] = (number, Decimal(amount))


@dataclass
class DayLine:
    """What one day is in a list of days: how many, how long, how much."""

    visits: Visits = field(default_factory=Visits)
    waits: Minutes = field(default_factory=Minutes)
    net: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))
    left: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> DayLine:
        line = cls()
        for _clinic, _doctor, _service, visit_type, status, number in kept["visits"]:
            line.visits.add(visit_type, status, number)
        for _clinic, _hour, minutes, number in kept["waits"]:
            line.waits.counts[minutes] += number
        for currency, _method, received, refunded, _number in kept["methods"]:
            line.net[currency] += Decimal(received) - Decimal(refunded)
        for currency, _number, _total, left, _left_number in kept["due"]:
            line.left[currency] += Decimal(left)
        return line


@lru_cache(4096)
def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
