"""The tables of a report, once for the page, the CSV and the PDF: titles and rows in the reader's language.

A cell is a plain value (a number, a Decimal, a day, a text); ``Column.kind`` says how it is written.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from flask_babel import gettext as _

from clinic_web.organization.api import Directory
from clinic_web.reports.figures import AGES, OPEN, Figures, Minutes, Money, Visits
from clinic_web.reports.queries.kept import Report
from clinic_web.ui import texts

TEXT, NUMBER, MINUTES, MONEY, PERCENT, DAY, HOUR, CODE = (
    "text", "number", "minutes", "money", "percent", "day", "hour", "code"
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    title: str
    kind: str = NUMBER

    @property
    def is_figure(self) -> bool:
        return self.kind not in (TEXT, DAY, HOUR, CODE)


@dataclass
class Table:
    """One table; ``total`` is its last row, ``note`` says what its words mean."""

    name: str
    title: str
    columns: list[Column]
    rows: list[list[Any]]
    total: list[Any] | None = None
    note: str = ""

    def written(self) -> Iterable[list[str]]:
        """Return the rows, the total last, as a person reads them."""
        for row in [*self.rows, *([self.total] if self.total else [])]:
            yield [write(value, column.kind) for value, column in zip(row, self.columns, strict=True)]


def write(value: Any, kind: str) -> str:
    """Return a cell as a person reads it, in their digits."""
    if value is None:
        return "–"
    if kind == MONEY:
        return texts.money(value)
    if kind == DAY:
        return texts.day(value) if isinstance(value, date) else str(value)
    if kind == HOUR:
        return hour_name(value) if isinstance(value, int) else str(value)
    if kind == PERCENT:
        return str(_("%(n)s %%", n=texts.number(value)))
    return texts.number(value) if isinstance(value, int | Decimal) else str(value)


def hour_name(hour: int) -> str:
    """Return 09:00 in the reader's digits."""
    name = f"{hour:02d}:00"
    return name.translate(texts.ARABIC_DIGITS) if texts.language() == "ar" else name


def to_csv(table: Table) -> str:
    """Return the table as a spreadsheet opens it: figures plain, days as 2026-11-21, UTF-8 with its mark."""
    out = io.StringIO()
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(column.title for column in table.columns)
    for row in table.rows:
        writer.writerow(_plain(value, column.kind) for value, column in zip(row, table.columns, strict=True))
    return out.getvalue()


def _plain(value: Any, kind: str) -> Any:
    if value is None:
        return ""
    if kind == HOUR and isinstance(value, int):
        return f"{value:02d}:00"
    # A spreadsheet takes a text that begins like this for a formula; a person may have typed the name.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


@dataclass(frozen=True)
class Teller:
    """Writes a report's tables: knows the names of things and the currency that comes first."""

    report: Report
    directory: Directory
    currency: str

    @property
    def figures(self) -> Figures:
        return self.report.figures

    @property
    def monies(self) -> list[Money]:
        """The facility's own currency first, others after it."""
        mine = self.figures.money_in(self.currency)
        return [mine, *(each for each in self.figures.money.values() if each is not mine)]

    def tables(self) -> list[Table]:
        return [each() for each in self._all().values()]

    def table(self, name: str) -> Table | None:
        tell = self._all().get(name)
        return tell() if tell else None

    def _all(self) -> Mapping[str, Callable[[], Table]]:
        return {
            "days": self.days,
            "hours": self.hours,
            "kinds": self.kinds,
            "clinics": self.clinics,
            "doctors": self.doctors,
            "methods": self.methods,
            "doctors-money": self.doctors_money,
            "services": self.services,
            "shares": self.shares,
            "outstanding": self.outstanding,
            "disagreements": self.disagreements,
        }

    def days(self) -> Table:
        rows = []
        for day, own in sorted(self.report.daily.items()):
            counts = [own.visits.number, own.visits.seen, own.visits.no_shows, own.visits.cancelled]
            rows.append(
                [
                    day,
                    *counts,
                    own.waits.median,
                    own.waits.p90,
                    own.net[self.currency],
                    own.left[self.currency],
                ]
            )
        all_of = self.figures
        visits, money = all_of.visits, all_of.money_in(self.currency)
        total = [
            _("Together"), visits.number, visits.seen, visits.no_shows, visits.cancelled,
            all_of.waits.median, all_of.waits.p90, money.net, money.due.left,
        ]  # fmt: skip
        return Table(
            "days",
            _("Days"),
            [Column(_("Day"), DAY), *_counts(), *_waits(), Column(_("Taken"), MONEY),
             Column(_("Left unpaid"), MONEY)],
            rows,
            total if len(rows) > 1 else None,
        )  # fmt: skip

    def hours(self) -> Table:
        found = self.figures
        hours = sorted({*found.arrivals, *found.waits_by_hour, *found.consultations_by_hour})
        rows = [
            [hour, found.arrivals[hour], *_both(found.waits_by_hour.get(hour)),
             *_both(found.consultations_by_hour.get(hour))]
            for hour in range(hours[0], hours[-1] + 1)
        ] if hours else []  # fmt: skip
        return Table(
            "hours",
            _("Hours of the day"),
            [Column(_("Hour"), HOUR), Column(_("Came")), *_waits(), *_consultations()],
            rows,
            note=_("A wait lasts from arriving to the call; a consultation from going in to the end."),
        )

    def kinds(self) -> Table:
        names = {
            "COMPLETED": _("Completed"), "PENDING_PAYMENT": _("To pay"), "IN_PROGRESS": _("In the room"),
            "NO_SHOW": _("Did not come"), "CANCELLED": _("Cancelled"), "OPEN": _("Left open"),
        }  # fmt: skip
        groups = {name: OPEN if name == "OPEN" else (name,) for name in names}
        visits = self.figures.visits
        rows = []
        for name, states in groups.items():
            booked = sum(visits.by_kind["SCHEDULED", state] for state in states)
            walked_in = sum(visits.by_kind["WALK_IN", state] for state in states)
            if booked or walked_in:
                rows.append([names[name], booked, walked_in, booked + walked_in])
        total = [_("Together"), visits.number - visits.walk_ins, visits.walk_ins, visits.number]
        return Table(
            "kinds",
            _("Visits"),
            [Column(_("Where it ended"), TEXT), Column(_("By appointment")), Column(_("Walk-in")),
             Column(_("Together"))],
            rows,
            total,
        )  # fmt: skip

    def clinics(self) -> Table:
        rows = [
            [self._clinic(each), *_numbers(visits), *_both(self.figures.waits_by_clinic.get(each))]
            for each, visits in self.figures.by_clinic.items()
        ]
        columns = [Column(_("Clinic"), TEXT), *_counts(), *_waits()]
        return Table("clinics", _("Clinics"), columns, sorted(rows, key=lambda row: -row[1]))

    def doctors(self) -> Table:
        rows = [
            [self._doctor(each), *_numbers(visits), *_both(self.figures.consultations_by_doctor.get(each))]
            for each, visits in self.figures.by_doctor.items()
        ]
        columns = [Column(_("Doctor"), TEXT), *_counts(), *_consultations()]
        return Table("doctors", _("Doctors"), columns, sorted(rows, key=lambda row: -row[1]))

    def methods(self) -> Table:
        names = method_names()
        rows = [
            [self._in(money, names.get(name, name)), each.received, each.refunded, each.net, each.number]
            for money in self.monies
            for name, each in sorted(money.methods.items(), key=lambda pair: -pair[1].net)
        ]
        columns = [
            Column(_("Method"), TEXT), Column(_("Received"), MONEY), Column(_("Given back"), MONEY),
            Column(_("Taken"), MONEY), Column(_("Movements")),
        ]  # fmt: skip
        return Table("methods", _("Taken by method"), columns, rows, self._total(rows))

    def doctors_money(self) -> Table:
        rows = [
            [self._in(money, self._doctor(doctor)), net]
            for money in self.monies
            for doctor, net in sorted(money.doctors.items(), key=lambda pair: -pair[1])
        ]
        columns = [Column(_("Doctor"), TEXT), Column(_("Taken"), MONEY)]
        return Table("doctors-money", _("Taken by doctor"), columns, rows, self._total(rows))

    def services(self) -> Table:
        rows = [
            [self._in(money, self._service(service)), each.net, each.number]
            for money in self.monies
            for service, each in sorted(money.services.items(), key=lambda pair: -pair[1].net)
        ]
        columns = [Column(_("Service"), TEXT), Column(_("Taken"), MONEY), Column(_("Movements"))]
        return Table("services", _("Taken by service"), columns, rows, self._total(rows))

    def shares(self) -> Table:
        rows: list[list[Any]] = []
        for money in self.monies:
            shares = sorted(money.shares.items(), key=lambda pair: -pair[1])
            rows += [[self._in(money, self._doctor(doctor)), amount] for doctor, amount in shares if amount]
            if money.centre_share or shares:
                rows.append([self._in(money, _("Centre")), money.centre_share])
            if money.unassigned_share:
                rows.append([self._in(money, _("Waits for its doctor")), money.unassigned_share])
        columns = [Column(_("Whose"), TEXT), Column(_("Share"), MONEY)]
        note = _("As the ledger says: what moved on these days, also shares handed over or taken back.")
        return Table("shares", _("Shares"), columns, rows, self._total(rows), note=note)

    def outstanding(self) -> Table:
        names = {
            7: _("Up to 7 days"), 30: _("8 to 30 days"), 90: _("31 to 90 days"), 999: _("More than 90 days")
        }  # fmt: skip
        rows = [
            [self._in(money, names[age]), *money.outstanding[age]]
            for money in self.monies
            for age in AGES
            if age in money.outstanding
        ]
        columns = [Column(_("Since it was due"), TEXT), Column(_("Payments")), Column(_("Owed"), MONEY)]
        return Table("outstanding", _("Outstanding"), columns, rows, self._total(rows))

    def disagreements(self) -> Table:
        rows = [
            [each["ticket"] or "", each["id"], " ".join(map(texts.say, each["what"]))]
            for each in self.figures.disagreements
        ]
        columns = [Column(_("Ticket"), CODE), Column(_("Payment"), CODE), Column(_("What"), TEXT)]
        return Table("disagreements", _("What does not add up"), columns, rows)

    def _total(self, rows: list[list[Any]]) -> list[Any] | None:
        """Add up; sums of two currencies would be of nothing."""
        if len(rows) < 2 or len(self.figures.money) > 1:  # noqa: PLR2004 - one row is its own sum
            return None
        return [_("Together"), *(sum(column) for column in list(zip(*rows, strict=True))[1:])]

    def _in(self, money: Money, name: str) -> str:
        return name if money.currency == self.currency else f"{name}, {money.currency}"

    def _clinic(self, clinic_id: UUID) -> str:
        clinic = self.directory.clinics.get(clinic_id)
        return texts.local_name(clinic.name, clinic.name_ar) if clinic else _("Unknown")

    def _doctor(self, doctor_id: UUID | None) -> str:
        doctor = self.directory.staff.get(doctor_id) if doctor_id else None
        return texts.local_name(doctor.short_name, doctor.short_name_ar) if doctor else _("No doctor named")

    def _service(self, service_id: UUID | None) -> str:
        service = self.directory.services.get(service_id) if service_id else None
        return texts.local_name(service.name, service.name_ar) if service else _("No service named")


def method_names() -> dict[str, str]:
    return {
        "CASH": _("Cash"), "VISA": _("Card"), "BANK_TRANSFER": _("Bank transfer"),
        "CREDIT_CARD": _("Credit card"), "DEBIT_CARD": _("Debit card"), "CHECK": _("Cheque"),
        "INSURANCE": _("Insurance"),
    }  # fmt: skip


def _counts() -> list[Column]:
    return [Column(_("Visits")), Column(_("Seen")), Column(_("Did not come")), Column(_("Cancelled"))]


def _numbers(visits: Visits) -> list[int]:
    return [visits.number, visits.seen, visits.no_shows, visits.cancelled]


def _waits() -> list[Column]:
    return [Column(_("Wait, median"), MINUTES), Column(_("Wait, 9 of 10"), MINUTES)]


def _consultations() -> list[Column]:
    return [Column(_("Consultation, median"), MINUTES), Column(_("Consultation, 9 of 10"), MINUTES)]


def _both(spans: Minutes | None) -> tuple[int | None, int | None]:
    return (spans.median, spans.p90) if spans else (None, None)
