"""What the desk holds in hand: a patient, a visit, a slip of paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from clinic_web.audit import api as audit
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from clinic_web.kernel.money import ZERO
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization.api import ClinicInfo
from clinic_web.patients import api as patients
from clinic_web.patients.api import PatientCard
from clinic_web.payments import api as payments
from clinic_web.reception.models import Appointment, Visit, VisitTransition
from clinic_web.reception.models.visits import (
    CALLED,
    CANCELLED,
    FROM_APPOINTMENT,
    NO_SHOW,
    ON_HOLD,
    PENDING_PAYMENT,
    SCHEDULED,
    WAITING,
)
from clinic_web.reception.queries.desk import DeskRow, row_columns, row_of, with_names

MOST_COMING = 5


@dataclass(frozen=True)
class HeldVisit:
    """A visit of the patient in hand, with the clinic and day it belongs to."""

    row: DeskRow
    clinic: ClinicInfo | None
    day_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PatientInHand:
    """A patient with what changes what one does now: missed appointments, money owed, today, what is coming."""

    card: PatientCard
    guardian: PatientCard | None
    missed: int
    today: list[DeskRow]
    coming: list[DeskRow]
    owing: list[DeskRow]

    @property
    def owes(self) -> Decimal:
        return sum((row.owed.balance_due for row in self.owing if row.owed), ZERO)
