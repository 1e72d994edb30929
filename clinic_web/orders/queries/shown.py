"""Orders as they are shown: each with its steps, its lines, whom it is about, and what took its place."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from clinic_web.audit import api as audit
from clinic_web.identity import api as identity
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.orders import saga
from clinic_web.orders.access import order_for, visit_for
from clinic_web.orders.queries.details import Item, items_of
from clinic_web.orders.saga import Saga
from clinic_web.orders.service.keeping import step_of
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo, StaffInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.reception.api import VisitCard

MOST = 100
PAGE = 20

COLUMNS = """o.id, o.order_number, o.order_type, o.status, o.priority, o.patient_id, o.doctor_id, o.clinic_id,
    o.facility_id, o.visit_id, o.created_at, o.preferred_at, o.note, o.said, o.reason, o.failed_step,
    o.ends_as, o.retry_of, o.version, o.updated_at, o.updated_by, o.ended_at, o.undoing_since, o.look_at,
    (SELECT p.order_number FROM orders.orders p WHERE p.id = o.retry_of) AS retry_of_number,
    r.id AS retried_by, r.order_number AS retried_by_number,
    (SELECT jsonb_agg(to_jsonb(s)) FROM orders.order_steps s WHERE s.order_id = o.id) AS steps"""
SOURCE = "orders.orders o LEFT JOIN orders.orders r ON r.retry_of = o.id"


def _asked(where: str, order: str = "o.created_at DESC, o.id DESC LIMIT :most OFFSET :offset") -> Statement:
    return Statement(
        f"SELECT {COLUMNS}, count(*) OVER () AS total FROM {SOURCE}"  # noqa: S608 - constants
        f" WHERE o.organization_id = :organization_id AND {where} ORDER BY {order}"
    )


BY_ID = _asked("o.id = ANY(:ids)")
OF_VISIT = _asked("o.visit_id = ANY(:ids)")
OF_PATIENTS = _asked("o.patient_id = ANY(:ids)")
HISTORY = Statement(
    """
    SELECT e.what, e.step, e.reason, e.details, e.by_user_id, e.at FROM orders.order_events e
     WHERE e.order_id = :order_id AND e.organization_id = :organization_id ORDER BY e.sequence_number
    """
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An order with its names. ``said`` is what a person said who cancelled or closed it; ``retried_by`` the
    order that took it up again. ``patient`` is None only where nobody knows them (any more)."""

    id: UUID
    order_number: str
    order_type: str
    status: str
    priority: str
    patient_id: UUID
    doctor_id: UUID
    clinic_id: UUID
    facility_id: UUID
    visit_id: UUID | None
    created_at: datetime
    preferred_at: datetime | None
    note: str | None
    said: str | None
    retry_of: UUID | None
    retry_of_number: str | None
    retried_by: UUID | None
    retried_by_number: str | None
    version: int
    updated_at: datetime
    updated_by: UUID | None
    saga: Saga
    items: list[Item]
    patient: PatientCard | None
    doctor: StaffInfo | None
    clinic: ClinicInfo | None

    @property
    def may_be_cancelled(self) -> bool:
        return saga.may_be_cancelled(self.saga)

    @property
    def may_be_retried(self) -> bool:
        return saga.may_be_retried(self.saga) and self.retried_by is None


@dataclass(frozen=True, kw_only=True)
class Happened:
    """A line of an order's history; ``by`` is who did it, where a person did."""

    what: str
    step: str | None
    reason: str | None
    details: dict[str, Any]
    by: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Whole:
    """One order, and all that happened to it."""

    order: Shown
    history: list[Happened]


@dataclass(frozen=True, kw_only=True)
class OfVisit:
    visit: VisitCard
    orders: list[Shown]


@dataclass(frozen=True, kw_only=True)
class OfPatient:
    """One page of them, the latest first; ``next_page`` is None on the last."""

    patient_id: UUID
    orders: list[Shown]
    total: int
    page: int
    next_page: int | None


def orders_of_visit(actor: Actor, visit_id: UUID) -> list[Shown]:
    """Return the orders of a visit, the latest first. Nothing is noted: who shows them does that."""
    return _shown(actor, OF_VISIT, [visit_id])


def orders_of(actor: Actor, patient_ids: Collection[UUID]) -> list[Shown]:
    """Return the latest hundred orders of patients, under all the given ids (``patients.api.ids_of``)."""
    return _shown(actor, OF_PATIENTS, patient_ids)


def orders_by_id(actor: Actor, order_ids: Collection[UUID]) -> dict[UUID, Shown]:
    return {each.id: each for each in _shown(actor, BY_ID, order_ids)}


def one(actor: Actor, order_id: UUID) -> Shown:
    """Return one order with its line. NotFound (404), ChartClosed (403: the patient is a stranger)."""
    order = order_for(actor, order_id)
    patients.enter_chart(actor, order.patient_id)
    return orders_by_id(actor, [order_id])[order_id]


def whole(actor: Actor, order_id: UUID) -> Whole:
    """Return one order and its history; the look is noted. Raises as ``one``."""
    with transaction():
        order = order_for(actor, order_id)
        opened = patients.enter_chart(actor, order.patient_id)
        audit.saw(actor, "order.view", "order", order_id, emergency_id=opened.id if opened else None)
        shown = orders_by_id(actor, [order_id])[order_id]
        rows = HISTORY.all({"order_id": order_id, "organization_id": actor.organization_id})
    names = identity.names_of(actor, {row.by_user_id for row in rows if row.by_user_id})
    history = [
        Happened(
            what=row.what,
            step=row.step,
            reason=row.reason,
            details=row.details,
            by=names.get(row.by_user_id),
            at=row.at,
        )
        for row in rows
    ]
    return Whole(order=shown, history=history)


def of_visit(actor: Actor, visit_id: UUID) -> OfVisit:
    """Return a visit's orders for a screen; the look is noted. NotFound (404), ChartClosed (403)."""
    with transaction():
        visit = visit_for(actor, visit_id)
        opened = patients.enter_chart(actor, visit.patient_id)
        found = orders_of_visit(actor, visit_id)
        audit.saw(
            actor, "order.visit", "patient", visit.patient_id, emergency_id=opened.id if opened else None
        )
    return OfVisit(visit=visit, orders=found)


def of_patient(actor: Actor, patient_id: UUID, page: int = 1) -> OfPatient:
    """Return the orders of a patient, also those of merged records; NotFound (404), ChartClosed (403). The
    look is noted."""
    with transaction():
        patients.require(actor, patient_id)
        opened = patients.enter_chart(actor, patient_id)
        rows = _rows(actor, OF_PATIENTS, patients.ids_of(patient_id), PAGE, (page - 1) * PAGE)
        audit.saw(actor, "patient.orders", "patient", patient_id, emergency_id=opened.id if opened else None)
    total = rows[0].total if rows else 0
    return OfPatient(
        patient_id=patient_id,
        orders=with_names(actor, rows),
        total=total,
        page=page,
        next_page=page + 1 if total > page * PAGE else None,
    )


def _shown(actor: Actor, statement: Statement, ids: Collection[UUID]) -> list[Shown]:
    return with_names(actor, _rows(actor, statement, ids, MOST, 0)) if ids else []


def _rows(actor: Actor, statement: Statement, ids: Collection[UUID], most: int, offset: int) -> list[Any]:
    asked = {"organization_id": actor.organization_id, "ids": list(ids), "most": most, "offset": offset}
    return statement.all(asked)


_PLAIN = [
    name
    for name in Shown.__dataclass_fields__
    if name not in ("saga", "items", "patient", "doctor", "clinic")
]


def with_names(actor: Actor, rows: list[Any], known: dict[UUID, PatientCard] | None = None) -> list[Shown]:
    """Return rows of ``COLUMNS`` as orders; four statements at most, however many rows."""
    known = known or {}
    items = items_of(actor, [row.id for row in rows])
    cards = known | patients.cards(actor, {row.patient_id for row in rows} - known.keys()) if rows else known
    house = organization.directory(actor.organization_id)
    return [
        Shown(
            **{name: getattr(row, name) for name in _PLAIN},
            saga=_saga(row),
            items=items.get(row.id, []),
            patient=cards.get(row.patient_id),
            doctor=house.staff.get(row.doctor_id),
            clinic=house.clinics.get(row.clinic_id),
        )
        for row in rows
    ]


def _saga(row: Any) -> Saga:
    return Saga(
        status=row.status,
        steps={each["step"]: step_of(each) for each in row.steps},
        ends_as=row.ends_as,
        failed_step=row.failed_step,
        reason=row.reason,
        undoing_since=row.undoing_since,
        look_at=row.look_at,
        ended_at=row.ended_at,
    )
