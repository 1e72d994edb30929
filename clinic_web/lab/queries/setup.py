"""What a facility's laboratory is set up to do: its tests and how each is done here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select

from clinic_web.catalog import api as catalog
from clinic_web.catalog.api import LabTestCard
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.lab import live
from clinic_web.lab.models import Offer
from clinic_web.organization import api as organization
from clinic_web.organization.api import FacilityInfo

MOST = 500


@dataclass(frozen=True, kw_only=True)
class TestHere:
    """A test of the catalogue, and what the facility does otherwise (None: as the catalogue says)."""

    __test__ = False  # for pytest it is none

    test: LabTestCard
    slot_minutes: int | None
    capacity: int | None
    is_offered: bool
    version: int


@dataclass(frozen=True, kw_only=True)
class SetUp:
    facility: FacilityInfo
    tests: tuple[TestHere, ...]
    weekdays: tuple[tuple[int, date], ...]
    topic: str


def of_facility(actor: Actor) -> SetUp:
    """Return the tests of the catalogue by name, each with the facility's own way; two statements."""
    facility = organization.facility(actor)
    mine = select(Offer).filter_by(facility_id=facility.id, organization_id=actor.organization_id)
    offers = {each.lab_test_id: each for each in db.session.scalars(mine)}
    tests = sorted(catalog.find_lab_tests(actor, "", limit=MOST), key=lambda test: test.name)
    today = clock.today(facility.timezone)
    monday = today - timedelta(days=today.weekday())
    return SetUp(
        facility=facility,
        tests=tuple(_here(test, offers.get(test.id)) for test in tests),
        weekdays=tuple((number, monday + timedelta(days=number)) for number in range(7)),
        topic=live.lab_topic(facility.id),
    )


def _here(test: LabTestCard, offer: Offer | None) -> TestHere:
    return TestHere(
        test=test,
        slot_minutes=offer.slot_minutes if offer else None,
        capacity=offer.capacity if offer else None,
        is_offered=offer.is_offered if offer else True,
        version=offer.version if offer else 0,
    )
