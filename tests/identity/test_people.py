"""People are given access."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.identity import api
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotAllowed, NotFound, RuleBroken
from tests.cast import Cast


def create(actor: Actor, **changes: object) -> object:
    fields = {
        "username": "nadia",
        "password": "seven-quiet-herons",
        "first_name": "Nadia",
        "last_name": "Aziz",
        "roles": ["nurse"],
        "facility_id": None,
    }
    return api.create_user(actor, **(fields | changes))  # type: ignore[arg-type]


def test_a_new_person_signs_in(client: FlaskClient, boss: Actor) -> None:
    create(boss, username="  Nadia ")
    answer = client.post("/login", data={"username": "nadia", "password": "seven-quiet-herons"})
    assert answer.status_code == 303


def test_a_user_name_is_taken_in_any_spelling(boss: Actor) -> None:
    create(boss)
    with pytest.raises(RuleBroken) as refused:
        create(boss, username="NADIA")
    assert refused.value.field == "username"


@pytest.mark.parametrize(
    ("field", "value"), [("username", "  "), ("password", "short"), ("password", "nadia-nadia-nadia")]
)
def test_what_cannot_be_is_refused_at_its_field(boss: Actor, field: str, value: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        create(boss, **{field: value})
    assert refused.value.field == field


def test_a_role_that_does_not_exist_makes_nobody(boss: Actor) -> None:
    with pytest.raises(NotFound):
        create(boss, roles=["nurse", "wizard"])
    assert db.session.scalar(text("SELECT count(*) FROM identity.users WHERE username = 'nadia'")) == 0


def test_a_receptionist_gives_nobody_access(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        create(cast.people["amina"].actor)


def test_an_invited_person_becomes_active_with_a_password(client: FlaskClient, boss: Actor) -> None:
    person = create(boss, password=None)
    api.set_password(boss, person, "nine-grey-pelicans")  # type: ignore[arg-type]
    answer = client.post("/login", data={"username": "nadia", "password": "nine-grey-pelicans"})
    assert answer.status_code == 303


def test_the_audit_names_who_was_made_and_holds_no_password(boss: Actor) -> None:
    create(boss)
    notes = db.session.execute(
        text("SELECT new_values::text FROM audit.changes WHERE user_id = :id"), {"id": boss.user_id}
    )
    [note] = notes.scalars()
    assert "nadia" in note and "herons" not in note and "argon2" not in note


def test_language_and_look_are_in_force_at_once(as_person: Callable[[str], FlaskClient]) -> None:
    amina = as_person("amina")
    answer = amina.post("/account/settings", data={"locale": "ar", "theme": "dark"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")
    page = amina.get("/account").text
    assert 'lang="ar" dir="rtl" data-bs-theme="dark"' in page


def test_the_menu_changes_one_thing_and_comes_back(as_person: Callable[[str], FlaskClient]) -> None:
    amina = as_person("amina")
    amina.post("/account/settings", data={"theme": "dark"})
    answer = amina.post("/account/settings", data={"locale": "ar", "next": "/account?from=menu"})
    assert answer.headers["Location"] == "/account?from=menu"
    assert 'dir="rtl" data-bs-theme="dark"' in amina.get("/account").text


@pytest.mark.parametrize("wrong", [{"locale": "xx"}, {"theme": "pink"}])
def test_other_values_are_refused(as_person: Callable[[str], FlaskClient], wrong: dict[str, str]) -> None:
    assert as_person("amina").post("/account/settings", data=wrong).status_code == 422


def test_settings_never_lead_out_of_the_house(as_person: Callable[[str], FlaskClient]) -> None:
    answer = as_person("amina").post("/account/settings", data={"theme": "dark", "next": "//evil.example"})
    assert answer.headers["Location"] == "/account"
