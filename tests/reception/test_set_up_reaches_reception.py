"""What a manager sets up reaches the line: a new clinic has one, and open screens draw themselves again."""

from __future__ import annotations

from sqlalchemy import select

from clinic_web.events.organization import ClinicAdded, OrganizationChanged
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception import api as reception
from clinic_web.reception import handlers
from clinic_web.reception.models import Queue
from tests.cast import Cast
from tests.reception.desk import Desk


def test_a_clinic_that_is_added_gets_a_queue_once(cast: Cast) -> None:
    skin = organization.create_clinic(cast.system, facility_id=cast.facility_id, code="DERMA", name="Skin")
    event = ClinicAdded(organization_id=cast.organization_id, clinic_id=skin, facility_id=cast.facility_id)
    for _again in range(2):
        with transaction():
            handlers.make_queue_of_clinic(event)
    queue = db.session.scalars(select(Queue).where(Queue.clinic_id == skin)).one()
    assert queue.prefix == "D2"  # dental has the letter itself


def test_every_queue_and_wall_is_told(cast: Cast, pushed: list[str]) -> None:
    with transaction():
        handlers.redraw_screens(OrganizationChanged(organization_id=cast.organization_id))
    assert {f"queue:{cast.dental_queue}", f"queue:{cast.eye_queue}"} <= set(pushed)


def test_who_waits_counts_as_a_booking(desk: Desk, cast: Cast) -> None:
    assert reception.upcoming(cast.system, "clinic_id", cast.dental) == 0
    desk.walk_in()
    assert reception.upcoming(cast.system, "clinic_id", cast.dental) == 1
    assert reception.upcoming(cast.system, "clinic_id", cast.eye) == 0
