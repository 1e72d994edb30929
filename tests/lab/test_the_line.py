"""Who comes out of the room goes on to the laboratory, with the ticket they have."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from clinic_web.kernel import delivery
from clinic_web.kernel.db import db
from clinic_web.lab.models import LabOrder
from clinic_web.reception.models import StationStop
from clinic_web.reception.service import calling, finishing, settings, walking_in
from clinic_web.reception.service.settings import NewStation
from clinic_web.reception.service.walking_in import WalkIn
from tests.lab.laboratory import Laboratory


@pytest.fixture
def station(lab: Laboratory) -> UUID:
    new = NewStation(kind="LAB", name="Laboratory", name_ar=None, prefix="L")
    return settings.open_station(lab.cast.people["mona"].actor, new, key=str(uuid4()))


def in_the_room(lab: Laboratory) -> tuple[UUID, UUID]:
    """Somebody walks in and is called by Salma; return patient and visit."""
    patient_id = lab.patient()
    asked = WalkIn(patient_id=patient_id, service_id=lab.cast.cleaning, doctor_id=lab.cast.salma)
    visit_id = walking_in.open_walk_in(lab.cast.people["amina"].actor, asked, key=str(uuid4())).visit_id
    called = calling.call_next(lab.cast.people["salma"].actor, key=str(uuid4()))
    assert called is not None and called.visit_id == visit_id
    return patient_id, visit_id


def finish(lab: Laboratory, visit_id: UUID) -> None:
    from clinic_web.reception.models import Visit

    salma = lab.cast.people["salma"].actor
    version = db.session.get_one(Visit, visit_id, populate_existing=True).version
    opened = calling.open_visit(salma, visit_id, version=version)
    finishing.finish(salma, visit_id, version=opened.version)


def stops(visit_id: UUID) -> list[str]:
    return list(db.session.scalars(select(StationStop.status).where(StationStop.visit_id == visit_id)))


@pytest.mark.parametrize("is_late", [False, True])
def test_a_finished_visit_stands_in_the_laboratorys_line(
    lab: Laboratory, station: UUID, is_late: bool
) -> None:
    patient_id, visit_id = in_the_room(lab)
    order = lab.order(lab.test(), patient_id=patient_id, visit_id=visit_id)
    if not is_late:
        lab.tell(order)
        assert stops(visit_id) == []
    finish(lab, visit_id)
    if is_late:
        delivery.drain("lab")
        assert stops(visit_id) == []
        lab.tell(order)
    delivery.drain("lab")
    assert stops(visit_id) == ["WAITING"]
    if not is_late:
        assert db.session.scalars(select(LabOrder)).one().arrived_at is not None


def test_who_is_expected_another_day_goes_home(lab: Laboratory, station: UUID) -> None:
    patient_id, visit_id = in_the_room(lab)
    lab.ask(lab.test(), patient_id=patient_id, visit_id=visit_id, preferred_at=lab.at(9, days=1))
    finish(lab, visit_id)
    delivery.drain("lab")
    assert stops(visit_id) == []
