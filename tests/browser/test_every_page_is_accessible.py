"""axe finds nothing on any page, in both languages and both themes, and no page scrolls sideways."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page

from clinic_web.identity.service import people
from clinic_web.kernel import ids, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.patients import emergencies
from clinic_web.reception import api as reception
from clinic_web.reception.service import blocks, calling, station_calling, station_joining, walking_in
from tests import factories
from tests.browser.conftest import House, sign_in
from tests.browser.rest import settle
from tests.cast import Cast, hire, hire_operator

pytestmark = pytest.mark.browser

PAGES = [
    ("amina", "/desk"),
    ("amina", "/boards"),
    ("amina", "/appointments"),
    ("amina", "/appointments?view=week"),
    ("amina", "/appointments/waiting/new"),
    ("amina", "/appointments/affected"),
    ("amina", "/patients/find?q=mar"),
    ("amina", "/patients/new"),
    ("amina", "/patients/{patients[0]}"),
    ("amina", "/patients/{patients[0]}/edit"),
    ("amina", "/patients/{patients[0]}/merge"),
    ("amina", "/patients/{patients[0]}/merge?with={patients[1]}"),
    ("salma", "/doctor"),
    ("ziad", "/patients/{patients[0]}/emergency"),
    ("ziad", "/patients/{patients[1]}"),
    ("mona", "/audit/emergencies"),
    ("mona", "/audit/emergencies/{patients[4]}"),
    ("farida", "/payments"),
    ("farida", "/account"),
    ("farida", "/account/password"),
    ("mona", "/visits"),
    ("mona", "/appointments/list?when=any"),
    ("mona", "/patients"),
    ("mona", "/payments?when=any"),
    ("mona", "/admin"),
    ("mona", "/admin/services/new"),
    ("mona", "/admin/staff"),
    ("mona", "/admin/hours"),
    ("mona", "/admin/leave"),
    ("mona", "/admin/refund-limits"),
    ("mona", "/reports?day=today"),
    ("mona", "/reports"),
    ("ola", "/operations"),
    ("farida", "/stations"),
    ("mona", "/queues"),
    ("mona", "/queues/{cast.dental_queue}"),
    ("mona", "/queues/{cast.dental_queue}/paper"),
]


def fill(house: House) -> list[UUID]:
    """A few people in the line, one of them with the doctor, so that every part of a page is there."""
    patients = []
    cast = house.cast
    hire_operator(cast)
    amina: Actor = cast.people["amina"].actor
    for number in range(4):
        patient = factories.patient(organization_id=cast.organization_id, last_name=f"Tahhan {number}")
        factories.db.session.commit()
        patients.append(patient)
        walk_in = walking_in.WalkIn(
            patient_id=patient,
            service_id=cast.filling,
            doctor_id=None,
            priority="ELDERLY" if number == 3 else None,
            priority_reason="81 years old" if number == 3 else None,
        )
        walking_in.open_walk_in(amina, walk_in, key=str(ids.new_id()))
    calling.call_next(cast.people["salma"].actor, key=str(ids.new_id()))
    fill_lines(house, amina)
    return [*patients, open_in_an_emergency(cast, patients[1])]


def open_in_an_emergency(cast: Cast, patient: UUID) -> UUID:
    """Ziad, who sees nobody here, opens a chart."""
    clinic = factories.clinic(
        organization_id=cast.organization_id, facility_id=cast.facility_id, code="SKIN", name="Skin"
    )
    with transaction():
        ziad = factories.doctor(
            organization_id=cast.organization_id,
            facility_id=cast.facility_id,
            clinics=[clinic],
            first_name="Ziad",
        )
        push.changed(organization.topic(cast.organization_id))
    hire(cast, "ziad", "doctor", cast.organization_id, cast.facility_id, ziad)
    reason = emergencies.Reason("UNABLE", "Brought in unconscious, no papers")
    return emergencies.open_chart(cast.people["ziad"].actor, patient, reason, key=str(ids.new_id()))


def fill_lines(house: House, amina: Actor) -> None:
    """A counter where somebody is served and somebody waits, and numbers on paper."""
    cast = house.cast
    station = reception.ensure_station(
        amina, kind="CASHIER", facility_id=cast.facility_id, prefix="K", name="Cashier", room_id=cast.room
    )
    for _ in range(2):
        station_joining.draw(amina, station, key=str(ids.new_id()))
    station_calling.call_next(cast.people["farida"].actor, station, key=str(ids.new_id()))
    blocks.reserve(amina, cast.dental_queue, 3, "power cut", key=str(ids.new_id()))


WIDTHS = (360, 1024, 1280)  # a telephone, a tablet, a desk


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("ar", "dark")])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    house: House,
    browser_of: Callable[..., Page],
    problems_of: Callable[[Page], list[str]],
    language: str,
    theme: str,
) -> None:
    patients = fill(house)
    page = browser_of(None)
    found = {}
    for name in dict.fromkeys(person for person, _ in PAGES):
        people.choose(house.cast.people[name].actor, language=language, theme=theme)
        sign_in(house, page.context, name)
        for path in (path for person, path in PAGES if person == name):
            page.set_viewport_size({"width": WIDTHS[0], "height": 800})
            page.goto(house.url + path.format(cast=house.cast, patients=patients))
            settle(page)
            problems = [f"{width} px scrolls sideways" for width in WIDTHS if is_wider_than(page, width)]
            if problems := problems + problems_of(page):
                found[path] = problems
        assert looks_of(page) == [language, theme]
    assert not found


def is_wider_than(page: Page, width: int) -> bool:
    """Whether the page scrolls sideways in a window as wide as this, which it then has."""
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def looks_of(page: Page) -> list[str]:
    return list(page.evaluate("(({lang, dataset}) => [lang, dataset.bsTheme])(document.documentElement)"))
