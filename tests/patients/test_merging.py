"""Two records of one person become one without moving a row, and two again at any time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.events.patients import PatientMerged
from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients import api as patients
from clinic_web.patients import merging, service
from clinic_web.patients.api import PatientCard
from clinic_web.patients.merging import Done, Merge
from clinic_web.patients.models import Patient, PatientLink
from clinic_web.patients.service import PhoneTaken
from clinic_web.reception import names_shown
from clinic_web.reception.service import walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests.cast import Cast, assemble
from tests.patients.conftest import Register
from tests.threads import ThreadPoolExecutor


def merge(actor: Actor, one: PatientCard, other: PatientCard, *fields: str, key: str | None = None) -> Done:
    wanted = Merge(
        survivor_id=one.id,
        merged_id=other.id,
        from_merged=fields,
        reason="Same identity card",
        survivor_version=patients.card(actor, one.id).version,
        merged_version=patients.card(actor, other.id).version,
    )
    return merging.merge(actor, wanted, key=key or str(uuid4()))


@pytest.fixture
def maryam(register: Register) -> PatientCard:
    return register("Maryam Tahhan", phone="0100 555 0142", date_of_birth=date(1992, 3, 12))


@pytest.fixture
def mariam(register: Register) -> PatientCard:
    return register("Mariam El-Tahan", phone="0111 555 0199")


def rows() -> list[tuple[object, ...]]:
    columns = (Patient.id, Patient.first_name, Patient.phone_digits, Patient.version, Patient.search_name)
    return [tuple(row) for row in db.session.execute(select(*columns).order_by(Patient.id))]


def test_merging_writes_one_row_and_moves_none(
    amina: Actor, maryam: PatientCard, mariam: PatientCard
) -> None:
    before = rows()
    done = merge(amina, maryam, mariam, "phone")
    assert rows() == before
    [link] = db.session.scalars(select(PatientLink))
    assert (link.survivor_id, link.merged_id, link.merged_by) == (maryam.id, mariam.id, amina.user_id)
    assert link.fields == {"phone": str(mariam.id)} and link.reason == "Same identity card"
    assert done.card.phone == mariam.phone and done.card.name == maryam.name
    merging.unmerge(amina, done.link_id)
    assert rows() == before
    assert patients.card(amina, maryam.id) == maryam and patients.card(amina, mariam.id) == mariam
    assert link.closed_at is not None and link.closed_by == amina.user_id


def test_both_names_numbers_and_telephones_find_the_one_who_stays(
    amina: Actor, maryam: PatientCard, mariam: PatientCard
) -> None:
    merge(amina, maryam, mariam)
    for typed in ("maryam tah", "mariam", "0100 555", "0199", maryam.patient_number, mariam.patient_number):
        [found] = patients.find(amina, typed)
        assert (found.id, found.name) == (maryam.id, "Maryam Tahhan")
    assert patients.find(amina, "mariam")[0].found_as == "Mariam El-Tahan"
    assert patients.cards(amina, [mariam.id])[mariam.id].name == "Maryam Tahhan"


def test_every_module_asks_for_all_ids_and_writes_the_one_that_stays(
    amina: Actor, maryam: PatientCard, mariam: PatientCard, register: Register
) -> None:
    assert patients.ids_of(maryam.id) == [maryam.id] and patients.require(amina, mariam.id) == mariam.id
    merge(amina, maryam, mariam)
    for asked in (maryam.id, mariam.id):
        assert patients.ids_of(asked) == [maryam.id, mariam.id]
        assert patients.require(amina, asked) == maryam.id


def test_merges_follow_each_other_and_are_undone_in_any_order(
    amina: Actor, maryam: PatientCard, mariam: PatientCard, register: Register
) -> None:
    third = register("M. Tahhan", gender="FEMALE")
    first = merge(amina, maryam, mariam, "name")
    second = merge(amina, third, maryam, "name", "phone")
    assert second.card.name == "Mariam El-Tahan" and second.card.phone == maryam.phone
    assert set(patients.ids_of(mariam.id)) == {maryam.id, mariam.id, third.id}
    merging.unmerge(amina, first.link_id)
    assert patients.ids_of(mariam.id) == [mariam.id]
    assert patients.card(amina, maryam.id).id == third.id
    # The name came from the record that left: what is there otherwise is shown.
    assert (patients.card(amina, third.id).name, patients.card(amina, third.id).phone) == (
        "M. Tahhan",
        maryam.phone,
    )
    merging.unmerge(amina, second.link_id)
    assert patients.card(amina, third.id) == third and patients.card(amina, maryam.id) == maryam


def test_what_is_one_already_is_not_merged_again(
    amina: Actor, maryam: PatientCard, mariam: PatientCard, register: Register
) -> None:
    third = register("Hana Said")
    done = merge(amina, maryam, mariam)
    with pytest.raises(RuleBroken, match="one patient already"):
        merging.preview(amina, mariam.id, maryam.id)
    for one, other in ((mariam, maryam), (third, mariam), (mariam, third)):
        with pytest.raises(StaleScreen, match="merged meanwhile"):
            merge(amina, one, other)
    with pytest.raises(RuleBroken, match="already"):
        merge(amina, maryam, maryam)
    merging.unmerge(amina, done.link_id)
    with pytest.raises(StaleScreen, match="undone already"):
        merging.unmerge(amina, done.link_id)


def test_nobody_merges_what_is_not_theirs(
    amina: Actor, omar: Actor, maryam: PatientCard, mariam: PatientCard, register: Register
) -> None:
    stranger = register("Adel Tahhan", by=omar)
    for one, other in ((maryam, stranger), (stranger, maryam)):
        with pytest.raises(NotFound):
            merging.preview(amina, one.id, other.id)
        with pytest.raises(NotFound):
            wanted = Merge(
                survivor_id=one.id,
                merged_id=other.id,
                from_merged=(),
                reason="?",
                survivor_version=1,
                merged_version=1,
            )
            merging.merge(amina, wanted, key=str(uuid4()))
    done = merge(amina, maryam, mariam)
    with pytest.raises(NotFound), tenant.of(omar.organization_id):
        merging.unmerge(omar, done.link_id)


def test_one_press_merges_once_and_tells_who_keeps_names(
    amina: Actor, maryam: PatientCard, mariam: PatientCard
) -> None:
    key = str(uuid4())
    assert merge(amina, maryam, mariam, key=key) == merging.merge(
        amina,
        Merge(
            survivor_id=maryam.id,
            merged_id=mariam.id,
            from_merged=(),
            reason="Same identity card",
            survivor_version=1,
            merged_version=1,
        ),
        key=key,
    )
    told = db.session.scalars(select(DomainEvent).where(DomainEvent.event_type == "patient.merged")).all()
    assert [UUID(each.event_data["merged_id"]) for each in told] == [mariam.id]


def test_a_patient_in_one_line_twice_is_in_the_way(
    amina: Actor, cast: Cast, maryam: PatientCard, mariam: PatientCard
) -> None:
    for each in (maryam, mariam):
        walking_in.open_walk_in(amina, WalkIn(patient_id=each.id, service_id=cast.cleaning), key=str(uuid4()))
    found = merging.preview(amina, maryam.id, mariam.id)
    assert found.is_in_the_way and found.findings[0].values["clinic"] == "Dental"
    with pytest.raises(RuleBroken, match="in the line"):
        merge(amina, maryam, mariam)


def test_who_stays_is_in_the_line_already_where_the_other_was(
    amina: Actor, cast: Cast, maryam: PatientCard, mariam: PatientCard, browser: FlaskClient
) -> None:
    first = WalkIn(patient_id=mariam.id, service_id=cast.cleaning)
    opened = walking_in.open_walk_in(amina, first, key=str(uuid4()))
    merge(amina, maryam, mariam)
    for each in (maryam, mariam):
        with pytest.raises(RuleBroken, match="already in this line, with"):
            again = WalkIn(patient_id=each.id, service_id=cast.cleaning)
            walking_in.open_walk_in(amina, again, key=str(uuid4()))
    panel = browser.get(f"/desk/hand/patient/{maryam.id}", headers={"HX-Request": "true"}).text
    assert opened.ticket in panel
    db.session.execute(db.text("UPDATE reception.visits SET status = 'COMPLETED'"))
    another = WalkIn(patient_id=mariam.id, service_id=cast.cleaning)
    opened = walking_in.open_walk_in(amina, another, key=str(uuid4()))
    of = db.session.execute(
        db.text("SELECT patient_id FROM reception.visits WHERE id = :id"), {"id": opened.visit_id}
    )
    assert of.scalar_one() == maryam.id


def test_an_edit_changes_what_was_typed_and_undoing_brings_the_rest_back(
    amina: Actor, maryam: PatientCard, mariam: PatientCard
) -> None:
    done = merge(amina, maryam, mariam, "name", "phone")
    card, details = service.open_to_edit(amina, mariam.id)
    assert (card.id, details.last_name, details.phone_primary) == (maryam.id, "El-Tahan", mariam.phone)
    from dataclasses import replace

    edited = service.edit(amina, maryam.id, replace(details, email="m@example.org"), version=card.version)
    assert edited.name == "Mariam El-Tahan"
    edited = service.edit(
        amina,
        maryam.id,
        replace(details, email="m@example.org", first_name="Marie", phone_primary=maryam.phone),
        version=edited.version,
    )
    assert (edited.name, edited.phone) == ("Marie El-Tahan", maryam.phone)
    edited = service.edit(
        amina,
        maryam.id,
        replace(details, email="m@example.org", first_name="Marie"),
        version=edited.version,
    )
    assert edited.phone == mariam.phone  # typed again: the other record still has it
    merging.unmerge(amina, done.link_id)
    assert patients.card(amina, maryam.id).phone is None
    assert patients.card(amina, mariam.id) == mariam


def test_the_telephone_of_a_merged_record_is_still_taken(
    amina: Actor, maryam: PatientCard, mariam: PatientCard, register: Register
) -> None:
    merge(amina, maryam, mariam)
    with pytest.raises(PhoneTaken) as refusal:
        register("Hana Said", phone="0111 555 0199")
    assert refusal.value.holder is not None and refusal.value.holder.id == maryam.id


def test_both_are_compared_merged_and_separated_on_pages(
    browser: FlaskClient, maryam: PatientCard, mariam: PatientCard
) -> None:
    page = browser.get(f"/patients/{maryam.id}/merge?q=mariam").text
    assert f"with={mariam.id}" in page and f"with={maryam.id}" not in page
    page = browser.get(f"/patients/{maryam.id}/merge?with={mariam.id}").text
    assert "Are these two one patient?" in page and "0111 555 0199" in page and "0100 555 0142" in page
    form = {
        "merged_id": str(mariam.id),
        "survivor_version": "1",
        "merged_version": "1",
        "phone": "merged",
        "idempotency_key": str(uuid4()),
    }
    answer = browser.post(f"/patients/{maryam.id}/merge", data=form)
    assert answer.status_code == 422 and "Say why these two are one person." in answer.text
    answer = browser.post(f"/patients/{maryam.id}/merge", data=form | {"reason": "Same card"})
    assert answer.status_code == 303 and answer.headers["Location"] == f"/patients/{maryam.id}"
    page = browser.get(f"/patients/{maryam.id}").text
    assert "Records merged into this one" in page and "0111 555 0199" in page
    assert browser.get(f"/patients/{mariam.id}").headers["Location"] == f"/patients/{maryam.id}"
    [link] = db.session.scalars(select(PatientLink))
    stale = browser.post(
        f"/patients/{maryam.id}/merge", data=form | {"idempotency_key": str(uuid4()), "reason": "again"}
    )
    assert stale.status_code == 422
    answer = browser.post(f"/patients/merges/{link.id}/undo")
    assert answer.status_code == 303
    assert browser.post(f"/patients/merges/{link.id}/undo").status_code == 409
    assert "Records merged into this one" not in browser.get(f"/patients/{maryam.id}").text


def test_who_may_not_merge_is_refused(
    as_person: Callable[[str], FlaskClient], maryam: PatientCard, mariam: PatientCard
) -> None:
    doctor = as_person("salma")
    assert doctor.get(f"/patients/{maryam.id}/merge").status_code == 403
    assert doctor.post(f"/patients/{maryam.id}/merge").status_code == 403
    assert doctor.post(f"/patients/merges/{uuid4()}/undo").status_code == 403
    assert "Same person as" not in doctor.get(f"/patients/{maryam.id}").text


@pytest.fixture
def real_cast(committing: Flask) -> Cast:
    with committing.app_context():
        return assemble()


def test_merges_at_the_same_instant_never_make_a_ring(committing: Flask, real_cast: Cast) -> None:
    amina = real_cast.people["amina"].actor
    with committing.app_context():
        cards = [
            patients.register(
                amina, patients.Registration(name=f"Maryam {n}", gender="FEMALE"), key=str(uuid4())
            )
            for n in range(3)
        ]
    pairs = [(cards[n], cards[(n + 1) % 3]) for n in range(3)] + [(cards[1], cards[0])]
    ready = Barrier(len(pairs))

    def run(pair: tuple[PatientCard, PatientCard]) -> Done | DomainError:
        with committing.app_context():
            ready.wait()
            try:
                return merge(amina, *pair)
            except (RuleBroken, StaleScreen) as error:
                return error

    with ThreadPoolExecutor(len(pairs)) as pool:
        outcomes = list(pool.map(run, pairs))
    with committing.app_context():
        merged = [each for each in outcomes if isinstance(each, Done)]
        assert 1 <= len(merged) <= 2
        groups = {frozenset(patients.ids_of(card.id)) for card in cards}
        assert sum(len(group) - 1 for group in groups) == len(merged)


def test_lines_that_show_a_patient_look_again_when_the_name_changes(
    amina: Actor, cast: Cast, maryam: PatientCard, mariam: PatientCard, pushed: list[str]
) -> None:
    walking_in.open_walk_in(amina, WalkIn(patient_id=mariam.id, service_id=cast.cleaning), key=str(uuid4()))
    pushed.clear()
    done = merge(amina, maryam, mariam)
    assert f"patients:{amina.organization_id}" in pushed
    told = PatientMerged(
        organization_id=amina.organization_id,
        patient_id=maryam.id,
        merged_id=mariam.id,
        link_id=done.link_id,
    )
    pushed.clear()
    with transaction():
        names_shown.show_their_new_name(told)
    assert f"queue:{cast.dental_queue}" in pushed and f"queue:{cast.eye_queue}" not in pushed


def test_the_list_shows_one_of_two_with_what_was_chosen(
    browser: FlaskClient, amina: Actor, maryam: PatientCard, mariam: PatientCard
) -> None:
    merge(amina, maryam, mariam, "phone")
    page = browser.get("/patients").text
    assert "Maryam Tahhan" in page and "Mariam El-Tahan" not in page
    assert "0111 555 0199" in page and "0100 555 0142" not in page


def test_the_list_finds_who_stays_by_the_old_name_telephone_and_number(
    amina: Actor, maryam: PatientCard, mariam: PatientCard, as_person: Callable[[str], FlaskClient]
) -> None:
    done = merge(amina, maryam, mariam)
    browser = as_person("amina")

    def rows_of(typed: str) -> str:
        page = browser.get("/patients", query_string={"q": typed}, headers={"HX-Request": "true"}).text
        assert f'id="patient-{mariam.id}"' not in page
        return page if f'id="patient-{maryam.id}"' in page else ""

    assert "was: <bdi>Mariam El-Tahan</bdi>" in rows_of("mariam")
    assert "was: <bdi>Mariam El-Tahan</bdi>" in rows_of("el")
    assert "was: <bdi>0111 555 0199</bdi>" in rows_of("0199")
    assert f"was: <bdi>{mariam.patient_number}</bdi>" in rows_of(mariam.patient_number)
    for own in ("tahhan", "0100 555", maryam.patient_number, ""):
        assert rows_of(own) and "was:" not in rows_of(own)
    assert mariam.patient_number not in rows_of("nobody at all")
    assert "Maryam Tahhan" in as_person("mona").get("/patients.csv?q=mariam").text

    merging.unmerge(amina, done.link_id)
    page = browser.get("/patients?q=mariam", headers={"HX-Request": "true"}).text
    assert f'id="patient-{mariam.id}"' in page and "was:" not in page


def test_a_chain_of_merges_is_found_by_its_first_name(
    amina: Actor, maryam: PatientCard, mariam: PatientCard, register: Register,
    as_person: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    merge(amina, mariam, register("Marika Oldest"))
    merge(amina, maryam, mariam)
    page = as_person("amina").get("/patients?q=oldest", headers={"HX-Request": "true"}).text
    assert f'id="patient-{maryam.id}"' in page and "was: <bdi>Marika Oldest</bdi>" in page
