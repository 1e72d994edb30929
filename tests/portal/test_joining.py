"""From the paper of the reception to an account: once, within a week, and only with the day of birth."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.identity import api as identity
from clinic_web.kernel import tenant
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError, NotAllowed, NotFound, RuleBroken
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.portal.forms import NewAccount
from clinic_web.portal.models import GUARDIAN, SELF
from clinic_web.portal.service import inviting, joining
from tests import factories
from tests.cast import Cast, assemble
from tests.portal.conftest import BORN, PASSWORD, Phone, code_on, invite
from tests.threads import ThreadPoolExecutor

Later = Callable[[timedelta], None]
Phones = Callable[[], Phone]
CHILD = date(2019, 5, 4)
TOKEN = re.compile(r'name="csrf_token" value="[^"]+"')


def accounts() -> int:
    return db.session.scalar(text("SELECT count(*) FROM portal.accounts WHERE ended_at IS NULL")) or 0


def test_a_patient_gets_a_paper_at_the_desk_and_opens_an_account(
    cast: Cast, as_person: Callable[[str], FlaskClient], phone: Phones
) -> None:
    patient = factories.patient(organization_id=cast.organization_id)
    desk, pages = as_person("amina"), f"/patients/{patient}/portal"
    assert pages in desk.get(f"/patients/{patient}").text
    assert "Nobody sees these records from outside" in desk.get(pages).text
    form = {"relation": "SELF", "idempotency_key": str(uuid4())}
    paper = desk.post(f"{pages}/invitations", data=form)
    code = code_on(paper.text)
    assert "<svg" in paper.text and paper.headers["Cache-Control"] == "no-store"
    again = desk.post(f"{pages}/invitations", data=form)  # sent twice
    assert again.status_code == 303 and code not in desk.get(pages).text
    kept = str(db.session.execute(text("SELECT i::text FROM portal.invitations i")).all())
    assert code not in kept and code.replace("-", "") not in kept

    mine = phone()
    assert mine.prove(code.lower().replace("-", " ").replace("0", "o")).status_code == 303
    assert "Maryam Tahhan" in mine.client.get("/portal/join/account").text
    weak = mine.open_account("x", password="short", again="no")
    assert weak.status_code == 422 and "alike" in weak.text
    easy = mine.open_account(password="maryam@example.org", again="maryam@example.org")
    assert easy.status_code == 422 and "easy to guess" in easy.text
    assert mine.open_account().headers["Location"] == "/portal"
    assert "Maryam Tahhan" in mine.client.get("/portal").text
    assert mine.client.get("/portal/join/account").status_code == 404  # used up
    assert phone().prove(code).status_code == 422

    shown = desk.get(pages).text
    assert "own account" in shown and "last used" in shown
    other = phone()
    assert other.sign_in("Maryam@Example.org").headers["Location"] == "/portal" and other.is_in()
    again = desk.post(f"{pages}/invitations", data={"relation": "SELF", "idempotency_key": str(uuid4())})
    assert again.status_code == 422 and "End it first" in again.text


def test_a_telephone_number_is_a_user_name_however_it_is_typed(
    cast: Cast, amina: Actor, phone: Phones
) -> None:
    patient = factories.patient(organization_id=cast.organization_id)
    phone().join(invite(amina, patient), "0100 555-0142")
    assert phone().sign_in("٠١٠٠ ٥٥٥ ٠١٤٢").headers["Location"] == "/portal"
    assert phone().sign_in("01005550142", "wrong-wrong-wrong").status_code == 422


def test_wrong_births_and_wrong_codes_meet_one_answer_and_a_growing_delay(
    cast: Cast, amina: Actor, phone: Phones, later: Later
) -> None:
    code = invite(amina, factories.patient(organization_id=cast.organization_id))
    answers: dict[str, list[tuple[int, str]]] = {}
    for typed in (code, "0000-0000-0000"):
        for guess in range(1, 8):
            answer = phone().prove(typed, date(1990, 1, guess))
            said = re.search("<main.*</main>", TOKEN.sub("", answer.text.replace(typed, "")), re.DOTALL)
            assert said is not None
            answers.setdefault(typed, []).append((answer.status_code, said.group()))
    assert answers[code] == answers["0000-0000-0000"]
    assert [status for status, _ in answers[code]] == [422, 422, 422, 422, 429, 429, 429]
    assert phone().prove(code).status_code == 429  # also for the right one, for a while
    later(timedelta(minutes=16))
    assert phone().prove(code).status_code == 303


def test_a_code_ends_after_twenty_wrong_births(cast: Cast, amina: Actor, phone: Phones, later: Later) -> None:
    code = invite(amina, factories.patient(organization_id=cast.organization_id))
    for guess in range(20):
        later(timedelta(minutes=16))
        assert phone().prove(code, date(1990, 1, 1 + guess)).status_code in (422, 429)
    later(timedelta(minutes=16))
    assert phone().prove(code).status_code in (422, 429) and accounts() == 0


def test_a_code_lasts_a_week_and_can_be_taken_back(
    cast: Cast, amina: Actor, phone: Phones, later: Later
) -> None:
    patient = factories.patient(organization_id=cast.organization_id)
    first = invite(amina, patient)
    second = invite(amina, patient)  # ends the one before
    assert phone().prove(first).status_code == 422
    proved = phone()
    assert proved.prove(second).status_code == 303
    [(invitation,)] = db.session.execute(
        text("SELECT id FROM portal.invitations WHERE revoked_at IS NULL")
    ).all()
    inviting.revoke(amina, invitation)
    assert proved.open_account().status_code == 404 and phone().prove(second).status_code == 422
    third, slow = invite(amina, patient), phone()
    assert slow.prove(third).status_code == 303
    later(timedelta(minutes=31))
    assert slow.open_account().status_code == 404
    later(timedelta(days=7))
    assert phone().prove(third).status_code == 422 and accounts() == 0


def test_who_has_no_known_day_of_birth_is_not_invited(cast: Cast, amina: Actor, phone: Phones) -> None:
    for fields in ({"date_of_birth": None}, {"date_of_birth_estimated": True}):
        patient = factories.patient(organization_id=cast.organization_id, **fields)  # type: ignore[arg-type]
        with pytest.raises(RuleBroken, match="day of birth"):
            invite(amina, patient)


def test_only_the_own_tenants_reception_invites(cast: Cast, amina: Actor) -> None:
    patient = factories.patient(organization_id=cast.organization_id)
    code = invite(amina, patient)
    assert code
    omar, salma = cast.people["omar"].actor, cast.people["salma"].actor
    [(invitation,)] = db.session.execute(text("SELECT id FROM portal.invitations")).all()
    with tenant.of(omar.organization_id):
        with pytest.raises(NotFound):
            invite(omar, patient)
        with pytest.raises(NotFound):
            inviting.revoke(omar, invitation)
    with pytest.raises(NotAllowed):
        invite(salma, patient)


def test_a_mother_sees_herself_and_her_children_with_one_account(
    cast: Cast, amina: Actor, phone: Phones
) -> None:
    here = cast.organization_id
    mother = factories.patient(organization_id=here)
    children = [
        factories.patient(
            organization_id=here, first_name=name, last_name="Tahhan", date_of_birth=CHILD, guardian_id=mother
        )
        for name in ("Youssef", "Laila")
    ]
    mine = phone()
    mine.join(invite(amina, mother))
    # Signed in already: one more press.
    assert mine.prove(invite(amina, children[0], GUARDIAN), CHILD).status_code == 303
    assert "Add to my account" in mine.client.get("/portal/join/account").text
    added = mine.client.post("/portal/join/add")
    assert added.headers["Location"] == f"/portal/patients/{children[0]}"
    # On another telephone: sign in on the way.
    other = phone()
    assert other.prove(invite(amina, children[1], GUARDIAN), CHILD).status_code == 303
    assert other.sign_in().headers["Location"] == "/portal/join/account"
    assert other.client.post("/portal/join/add").status_code == 303
    shown = other.client.get(f"/portal/patients/{children[1]}").text
    assert all(name in shown for name in ("Maryam", "Youssef", "Laila"))
    # The father has an account of his own for the boy; the girl is not his to see.
    his = phone()
    paper = invite(amina, children[0], GUARDIAN)
    his.join(paper, "father@example.org", CHILD, first_name="Adel", last_name="Tahhan")
    assert his.client.get(f"/portal/patients/{children[0]}").status_code == 200
    assert his.client.get(f"/portal/patients/{children[1]}").status_code == 404
    # What was the only one ends the account; one of several ends only itself.
    for patient, stays in ((children[0], True), (mother, True), (children[1], False)):
        for account in db.session.scalars(
            text("SELECT id FROM portal.accounts WHERE patient_id = :id AND ended_at IS NULL"),
            {"id": patient},
        ).all():
            inviting.end(amina, account)
        assert mine.is_in() is stays
    assert not his.is_in() and mine.sign_in().status_code == 422
    mine.join(invite(amina, mother))  # the same address again
    assert mine.is_in()


def test_an_account_is_of_one_person_and_an_address_of_one_account(
    cast: Cast, amina: Actor, phone: Phones
) -> None:
    here = cast.organization_id
    one, other = (factories.patient(organization_id=here) for _ in range(2))
    mine = phone()
    mine.join(invite(amina, one))
    code = invite(amina, other)
    assert mine.prove(code).status_code == 303
    refused = mine.client.post("/portal/join/add")
    assert refused.status_code == 422 and "another patient" in refused.text
    theirs = phone()
    theirs.prove(code)
    taken = theirs.open_account()
    assert taken.status_code == 422 and "taken" in taken.text and accounts() == 1
    # A colleague with the same address is nobody at this door, and in nobody's way.
    identity.create_user(
        cast.system,
        username="hers@example.org",
        password="seven-quiet-herons",
        first_name="Sara",
        last_name="Colleague",
        roles=["receptionist"],
        facility_id=cast.facility_id,
        email="hers@example.org",
    )
    assert theirs.open_account("hers@example.org").headers["Location"] == "/portal"
    assert (
        theirs.client.post(
            "/login", data={"username": "patient:hers@example.org", "password": PASSWORD}
        ).status_code
        == 422
    )


def test_an_account_shows_patients_of_its_own_centre_only(cast: Cast, amina: Actor, phone: Phones) -> None:
    mine, elsewhere = phone(), cast.other_organization_id
    mine.join(invite(amina, factories.patient(organization_id=cast.organization_id)))
    child = factories.patient(organization_id=elsewhere, date_of_birth=CHILD)
    with tenant.of(elsewhere):
        code = invite(cast.people["omar"].actor, child, GUARDIAN)
    assert mine.prove(code, CHILD).status_code == 303
    refused = mine.client.post("/portal/join/add")
    assert refused.status_code == 422 and "another centre" in refused.text
    assert mine.client.get(f"/portal/patients/{child}").status_code == 404
    other = phone()
    other.prove(code, CHILD)
    names = {"first_name": "Adel", "last_name": "Tahhan"}
    assert other.open_account("adel@example.org", **names).headers["Location"] == "/portal"
    assert other.client.get(f"/portal/patients/{child}").status_code == 200 and accounts() == 1
    with tenant.of(elsewhere):
        assert accounts() == 1


def test_of_two_who_press_at_once_one_gets_the_account(committing: Flask) -> None:
    with committing.app_context():
        cast = assemble()
        with transaction():
            patient = factories.patient(organization_id=cast.organization_id)
        code = invite(cast.people["amina"].actor, patient)
        proof = joining.prove(code, BORN, identity.Source())
        db.session.remove()
    start = Barrier(8)

    def press(number: int) -> str:
        with committing.app_context():
            start.wait()
            try:
                joining.open_account(proof, NewAccount(f"m{number}@example.org", PASSWORD), "en")
            except DomainError as error:
                return type(error).__name__
            finally:
                db.session.remove()
            return "opened"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(press, range(8)))
    with committing.app_context():
        assert answers.count("opened") == 1 and set(answers) <= {"opened", "InvitationGone", "Busy"}
        assert accounts() == 1
        people = text("SELECT count(*) FROM identity.users WHERE kind = 'PATIENT'")
        assert db.session.scalar(people) == 1
        db.session.remove()


def test_two_papers_for_one_patient_race_to_one_account_of_their_own(committing: Flask) -> None:
    """Two records of one person were merged after both were invited."""
    with committing.app_context():
        cast = assemble()
        with transaction():
            patient = factories.patient(organization_id=cast.organization_id)
        amina, proofs = cast.people["amina"].actor, []
        for _ in range(4):
            proofs.append(joining.prove(invite(amina, patient), BORN, identity.Source()))
            with transaction():
                db.session.execute(text("UPDATE portal.invitations SET revoked_at = NULL"))
        db.session.remove()
    start = Barrier(len(proofs))

    def press(number: int) -> bool:
        with committing.app_context():
            start.wait()
            try:
                joining.open_account(proofs[number], NewAccount(f"m{number}@example.org", PASSWORD), "en")
            except DomainError:
                return False
            finally:
                db.session.remove()
            return True

    with ThreadPoolExecutor(len(proofs)) as threads:
        assert list(threads.map(press, range(len(proofs)))).count(True) == 1
    with committing.app_context():
        own = text("SELECT count(*) FROM portal.accounts WHERE relation = :self AND ended_at IS NULL")
        assert db.session.scalar(own, {"self": SELF}) == 1
        db.session.remove()
