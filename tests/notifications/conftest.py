"""A post office: what is told, the rows it makes, and what leaves the house when it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from clinic_web.kernel import bus, clock, delivery, jobs
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.notifications import channels
from clinic_web.notifications.models import Notification, RecordedMessage, Try
from clinic_web.notifications.service import sending
from tests import factories
from tests.cast import Cast
from tests.post import Mailbox, open_for_business

ANSWERS = text(
    "SELECT event_type, event_data FROM kernel.domain_events"
    " WHERE event_type LIKE 'notification.%' ORDER BY sequence_number"
)


@dataclass
class Post:
    """Everything about messages of one tenant; patients have a telephone unless one says otherwise."""

    cast: Cast

    def patient(self, **fields: Any) -> UUID:
        fields = {"phone_primary": "0100 123 4567", "phone_digits": None} | fields
        patient_id = factories.patient(organization_id=self.cast.organization_id, **fields)
        db.session.commit()
        return patient_id

    def of_order(self, patient_id: UUID, order_type: str = "PRESCRIPTION", **fields: Any) -> dict[str, Any]:
        return {
            "organization_id": self.cast.organization_id,
            "facility_id": self.cast.facility_id,
            "order_id": new_id(),
            "order_type": order_type,
            "patient_id": patient_id,
        } | fields

    def tell(self, *events: Any) -> None:
        """Let events happen and be delivered, each twice."""
        assert self.cast.system
        with transaction():
            for event in events:
                bus.publish(event, self.cast.system)
        again = text("UPDATE kernel.deliveries SET state = 'DUE', attempts = 0 WHERE queue = 'notifications'")
        for _ in range(2):
            db.session.execute(again)
            db.session.commit()
            delivery.drain("notifications")

    def rows(self) -> list[Notification]:
        wanted = select(Notification).order_by(Notification.created_at, Notification.id)
        return list(db.session.scalars(wanted.execution_options(populate_existing=True)))

    def row(self) -> Notification:
        [row] = self.rows()
        return row

    def send(self) -> None:
        """Send everything, twice, as a lost word and a sweep would."""
        for row in self.rows() * 2:
            sending.send(row.id)

    def bodies(self) -> list[str]:
        return list(db.session.scalars(select(RecordedMessage.body).order_by(RecordedMessage.recorded_at)))

    def tries(self) -> list[tuple[str, str | None]]:
        rows = db.session.execute(select(Try.outcome, Try.error_message).order_by(Try.tried_at, Try.id))
        return [(row.outcome, row.error_message) for row in rows]

    def answers(self) -> list[tuple[str, str | None]]:
        """What orders are told: (topic, reason)."""
        return [(row.event_type, row.event_data.get("reason")) for row in db.session.execute(ANSWERS)]

    def wait(self, by: timedelta) -> None:
        clock.shift(clock.offset() + by)


@pytest.fixture
def post(cast: Cast, at_noon: None, monkeypatch: pytest.MonkeyPatch) -> Post:
    """Messages are sent when a test says so."""
    monkeypatch.setattr(jobs, "enqueue", lambda name, *ids, job_id: True)
    return Post(cast)


@pytest.fixture
def mailbox(app: Flask) -> Iterator[Mailbox]:
    with open_for_business() as (box, smtp):
        channels.use("SMTP", smtp)
        yield box
        channels.use("SMTP", None)
