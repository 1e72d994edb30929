"""On what terms a service is booked, and what a process keeps of who and what there is."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from clinic_web.config import Settings
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound, RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.organization import directory as kept
from clinic_web.organization.models import Service
from tests.cast import Cast


@pytest.fixture
def actor(app: Flask) -> Actor:
    return system_actor(new_id())


@pytest.fixture
def clinic_id(actor: Actor) -> UUID:
    organization.create_organization(actor, name="North Garden")
    facility_id = organization.create_facility(
        actor, code="MAIN", name="Main", timezone="Africa/Cairo", currency="egp", languages=["ar", "en"]
    )
    return organization.create_clinic(actor, facility_id=facility_id, code="DENTAL", name="Dental")


def a_doctor(actor: Actor, clinic_id: UUID, **fields: object) -> UUID:
    facility_id = organization.directory(actor.organization_id).clinics[clinic_id].facility_id
    names = {"first_name": "Salma", "last_name": "Naguib", "short_name": "Dr Salma"}
    return organization.create_staff(
        actor, facility_id=facility_id, profession="DOCTOR", clinic_ids=[clinic_id], **(names | fields)
    )


def a_service(actor: Actor, clinic_id: UUID, price: str = "450", **fields: object) -> UUID:
    return organization.create_service(
        actor,
        clinic_id=clinic_id,
        code=str(uuid4()),
        name="Cleaning",
        price=Decimal(price),
        duration_minutes=20,
        **fields,
    )


def test_terms_have_the_price_in_cents_and_the_services_share_before_the_doctors(
    actor: Actor, clinic_id: UUID
) -> None:
    doctor = a_doctor(actor, clinic_id, share_percent=Decimal("60"))
    own_rule = a_service(actor, clinic_id, price="99.985", share_percent=Decimal("33.33"))
    terms = organization.terms(actor, own_rule, doctor)
    assert (str(terms.price), terms.currency, terms.duration_minutes) == ("99.98", "EGP", 20)
    assert terms.share_percent == Decimal("33.33")
    doctors_rule = a_service(actor, clinic_id)
    assert organization.terms(actor, doctors_rule, doctor).share_percent == Decimal("60")
    assert organization.terms(actor, doctors_rule, None).share_percent == 0


def test_a_share_of_nothing_is_a_rule_too(actor: Actor, clinic_id: UUID) -> None:
    doctor = a_doctor(actor, clinic_id, share_percent=Decimal("60"))
    service = a_service(actor, clinic_id, share_percent=Decimal("0"))
    assert organization.terms(actor, service, doctor).share_percent == 0


def test_terms_are_read_fresh_in_the_transaction(actor: Actor, clinic_id: UUID) -> None:
    service = a_service(actor, clinic_id)
    with transaction():
        before = organization.terms(actor, service, None).price
        db.session.execute(
            text("UPDATE organization.services SET price = 500 WHERE id = :id"), {"id": service}
        )
        assert (before, organization.terms(actor, service, None).price) == (450, 500)


def test_a_service_of_nobody_or_of_another_tenant_has_no_terms(actor: Actor, clinic_id: UUID) -> None:
    service = a_service(actor, clinic_id)
    with pytest.raises(NotFound):
        organization.terms(actor, uuid4(), None)
    with pytest.raises(NotFound):
        organization.terms(system_actor(new_id()), service, None)


def test_a_doctor_of_another_clinic_can_not_be_booked_for_it(actor: Actor, clinic_id: UUID) -> None:
    facility_id = organization.directory(actor.organization_id).clinics[clinic_id].facility_id
    eye = organization.create_clinic(actor, facility_id=facility_id, code="EYE", name="Eye")
    eye_doctor = a_doctor(actor, eye)
    with pytest.raises(NotFound, match="does not work in this clinic"):
        organization.terms(actor, a_service(actor, clinic_id), eye_doctor)


def test_the_directory_lists_what_is_open_and_still_names_what_is_closed(
    actor: Actor, clinic_id: UUID
) -> None:
    doctor = a_doctor(actor, clinic_id, first_name_ar="سلمى", last_name_ar="نجيب")
    service = a_service(actor, clinic_id)
    found = organization.directory(actor.organization_id)
    assert [each.id for each in found.doctors_of(clinic_id)] == [doctor]
    assert found.staff[doctor].name_ar == "سلمى نجيب"
    assert [each.id for each in found.services_of(clinic_id)] == [service]
    assert [each.code for each in found.clinics_of(found.clinics[clinic_id].facility_id)] == ["DENTAL"]
    with transaction():
        db.session.get_one(Service, service).is_active = False
        kept.push.changed(organization.topic(actor.organization_id))
    found = organization.directory(actor.organization_id)
    assert found.services_of(clinic_id) == [] and found.services[service].name == "Cleaning"


def test_a_change_of_this_process_shows_at_once_and_costs_nothing_afterwards(
    actor: Actor, clinic_id: UUID, count_queries: kept.Any
) -> None:
    organization.directory(actor.organization_id)
    doctor = a_doctor(actor, clinic_id)
    assert doctor in organization.directory(actor.organization_id).staff
    with count_queries() as queries:
        organization.directory(actor.organization_id)
    assert queries == []


def test_what_is_rolled_back_is_not_kept(actor: Actor, clinic_id: UUID) -> None:
    with pytest.raises(RuntimeError), transaction():
        doctor = a_doctor(actor, clinic_id)
        assert doctor in organization.directory(actor.organization_id).staff
        raise RuntimeError("the booking failed")
    assert organization.directory(actor.organization_id).staff == {}


@pytest.fixture
def elsewhere(committing: Flask, settings: Settings) -> Iterator[object]:
    """A second process, as far as the database can tell."""
    engine = create_engine(settings.database_owner_url)
    with committing.app_context():
        yield engine
    engine.dispose()


def test_a_change_of_another_process_shows_after_a_second(
    elsewhere: kept.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = system_actor(new_id())
    organization.create_organization(actor, name="North Garden")
    fields = {"code": "MAIN", "name": "Main", "timezone": "Africa/Cairo", "currency": "EGP"}
    facility_id = organization.create_facility(actor, **fields)
    now = 100.0
    monkeypatch.setattr(kept.time, "monotonic", lambda: now)
    assert organization.facility(actor).name == "Main"
    with elsewhere.begin() as connection:
        connection.execute(
            text("UPDATE organization.facilities SET name = 'New' WHERE id = :id"), {"id": facility_id}
        )
        connection.execute(
            text("UPDATE kernel.streams SET seq = seq + 1 WHERE topic = :topic"),
            {"topic": organization.topic(actor.organization_id)},
        )
    assert organization.facility(actor).name == "Main"
    now = 101.5
    db.session.rollback()
    assert organization.facility(actor).name == "New"


def change_elsewhere(cast: Cast, name: str) -> None:
    """What another process commits: this one's copy of the organization has become old."""
    db.session.execute(
        text("UPDATE organization.clinics SET name = :name WHERE id = :id"), {"name": name, "id": cast.dental}
    )
    db.session.execute(
        text("UPDATE kernel.streams SET seq = seq + 1 WHERE topic = :topic"),
        {"topic": organization.topic(cast.organization_id)},
    )


def test_whoever_is_signed_in_sees_what_another_process_changed_at_once(
    as_person: kept.Any, cast: Cast
) -> None:
    amina = as_person("amina")
    assert "Dental" in amina.get("/desk").text
    change_elsewhere(cast, "Teeth")
    assert "Teeth" in amina.get("/desk").text


def test_who_draws_walls_compares_its_copy_first(cast: Cast) -> None:
    assert organization.directory(cast.organization_id).clinics[cast.dental].name == "Dental"
    change_elsewhere(cast, "Teeth")
    organization.look_again(cast.organization_id)
    assert organization.directory(cast.organization_id).clinics[cast.dental].name == "Teeth"


def test_where_nobody_set_up_a_place_the_refusal_says_so(app: Flask) -> None:
    with pytest.raises(NotFound, match="place of work"):
        organization.facility(system_actor(new_id()))


def test_rows_of_another_tenant_can_not_be_named(actor: Actor, clinic_id: UUID) -> None:
    stranger = system_actor(new_id())
    organization.create_organization(stranger, name="South Gate")
    with pytest.raises(NotFound):
        a_service(stranger, clinic_id)
    with pytest.raises(NotFound):
        a_room = {"facility_id": organization.facility(actor).id, "name": "1"}
        organization.create_room(stranger, **a_room)


def test_a_facility_needs_a_time_zone_that_exists(actor: Actor) -> None:
    organization.create_organization(actor, name="North Garden")
    with pytest.raises(RuleBroken, match="not a time zone"):
        organization.create_facility(actor, code="X", name="X", timezone="Cairo", currency="EGP")


def test_imports_find_what_they_made_before(actor: Actor, clinic_id: UUID) -> None:
    doctor = a_doctor(actor, clinic_id, external_id="provider-1")
    known = organization.known_external_ids(actor)
    assert known.staff == {"provider-1": doctor} and known.clinics == {}
    assert organization.organization_by_external_id("nobody") is None
