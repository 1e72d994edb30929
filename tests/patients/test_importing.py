"""Many patients come from another system at once; the same file again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.patients import api as patients
from clinic_web.patients.api import ImportedPatient
from clinic_web.patients.models import Patient
from tests.patients.conftest import Register


def a_patient(external_id: str, **fields: Any) -> ImportedPatient:
    values = {"first_name": "Maynard46", "last_name": "Mosciski958", "gender": "MALE"} | fields
    return ImportedPatient(external_id=external_id, **values)


def test_they_are_on_the_books_with_numbers_and_are_found(amina: Actor) -> None:
    chosen = uuid4()
    rows = [
        a_patient("one", id=chosen, date_of_birth=date(2014, 10, 6), city="Boston", phone="0100 555 0142"),
        a_patient("two", first_name="مريم", last_name=None, gender="FEMALE", guardian_external_id="one"),
    ]
    assert patients.import_patients(amina, rows) == 2
    [card] = patients.find(amina, "maynard")
    assert (card.id, card.patient_number, card.phone) == (chosen, "P-000001", "0100 555 0142")
    [child] = patients.find(amina, "مريم")
    assert (child.guardian_id, child.phone_from) == (chosen, "GUARDIAN")
    assert patients.ids_of_imported(amina) == {"one": chosen, "two": child.id}


def test_a_second_run_changes_nothing(amina: Actor, register: Register) -> None:
    rows = [a_patient(str(count)) for count in range(3)]
    assert patients.import_patients(amina, rows) == 3
    assert patients.import_patients(amina, [*rows, a_patient("new"), a_patient("new")]) == 1
    assert len(db.session.scalars(select(Patient)).all()) == 4
    assert register("Next One").patient_number == "P-000005"


def test_a_telephone_that_is_taken_or_none_is_left_out(amina: Actor, register: Register) -> None:
    register("Adel Tahhan", phone="0100 555 0142")
    rows = [
        a_patient("taken", phone="0100 555 0142"),
        a_patient("first", phone="0122 777 9999"),
        a_patient("second", phone="+20 122 777 9999"),
        a_patient("nonsense", phone="none"),
    ]
    patients.import_patients(amina, rows)
    kept = db.session.execute(select(Patient.external_id, Patient.phone_primary)).all()
    assert dict(map(tuple, kept)) == {
        None: "0100 555 0142",
        "taken": None,
        "first": "0122 777 9999",
        "second": None,
        "nonsense": None,
    }


def test_it_takes_a_few_statements_however_many_there_are(
    amina: Actor, count_queries: Callable[[], Any], known_place: None
) -> None:
    with count_queries() as queries:
        assert patients.import_patients(amina, (a_patient(str(count)) for count in range(500))) == 500
    assert len(queries) <= 8


def test_another_tenants_ids_are_its_own(amina: Actor, omar: Actor) -> None:
    assert patients.import_patients(amina, [a_patient("one")]) == 1
    with tenant.of(omar.organization_id):
        assert patients.import_patients(omar, [a_patient("one")]) == 1
