"""An administrator gives people access: users with a password for once, roles, rights, and their end."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from clinic_web.audit.models import Change
from clinic_web.identity import api
from clinic_web.identity.models import Role, User
from clinic_web.kernel import push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from tests import factories
from tests.cast import PASSWORD, Cast, Person, sign_in

HTMX = {"HX-Request": "true"}
ONCE = re.compile(r"data-once>([0-9A-Z-]+)<")


@pytest.fixture
def huda(app: Flask, boss: Actor) -> FlaskClient:
    """The administrator's browser."""
    client = app.test_client()
    assert boss.user_id
    sign_in(client, Person(boss.user_id, "huda", boss))
    return client


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    return app.test_client()


def a_user(cast: Cast, **values: Any) -> dict[str, Any]:
    return {
        "idempotency_key": str(uuid4()),
        "first_name": "Laila",
        "last_name": "Aziz",
        "username": "laila",
        "language": "ar",
        "roles": ["receptionist"],
        "facility_id": str(cast.facility_id),
    } | values


def fields_of(page: str) -> dict[str, Any]:
    form = re.search(r'<form class="form thing-form".*?</form>', page, re.DOTALL)
    assert form, page
    found: dict[str, Any] = {}
    for tag in re.finditer(r"<input[^>]*>", form[0]):
        name, value = re.search(r'name="([^"]*)"', tag[0]), re.search(r'value="([^"]*)"', tag[0])
        text = html.unescape(value[1]) if value else ""
        if 'type="checkbox"' in tag[0]:
            if " checked" in tag[0]:
                found.setdefault(name[1], []).append(text)  # type: ignore[index]
        else:
            found[name[1]] = text  # type: ignore[index]
    for choice in re.finditer(r'<select[^>]*\sname="([^"]+)".*?</select>', form[0], re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', choice[0])
        found[choice[1]] = chosen[1] if chosen else ""
    return found


def opened(browser: FlaskClient, path: str) -> dict[str, Any]:
    page = browser.get(path, headers=HTMX)
    assert page.status_code == 200
    return fields_of(page.text)


def send(browser: FlaskClient, path: str, **form: Any) -> Any:
    return browser.post(path, data=form, headers=HTMX)


def person(username: str) -> User:
    db.session.expire_all()
    return db.session.scalars(select(User).where(User.username == username)).one()


def test_a_new_user_chooses_a_password_before_anything_else(
    huda: FlaskClient, stranger: FlaskClient, cast: Cast
) -> None:
    answer = send(huda, "/admin/users", **a_user(cast))
    assert answer.status_code == 200
    password = ONCE.findall(answer.text)[0]
    assert person("laila").language == "ar" and person("laila").must_change_password
    assert password not in huda.get("/admin/users").text
    signed_in = stranger.post("/login", data={"username": "laila", "password": password})
    assert signed_in.location == "/account/password"
    page = stranger.get("/account/password")
    assert 'lang="ar"' in page.text  # in the language that the administrator chose for her
    assert stranger.get("/desk").status_code == 403
    typed = {"current": password, "password": "a-quiet-harbour", "again": "a-quiet-harbour"}
    assert stranger.post("/account/password", data=typed | {"again": "other"}).status_code == 422
    assert stranger.post("/account/password", data=typed | {"current": "wrong"}).status_code == 422
    short = stranger.post("/account/password", data=typed | {"password": "short", "again": "short"})
    assert short.status_code == 422
    same = stranger.post("/account/password", data=typed | {"password": password, "again": password})
    assert same.status_code == 422
    assert stranger.post("/account/password", data=typed).status_code == 303
    assert stranger.get("/desk").status_code == 200
    assert not person("laila").must_change_password


def test_the_same_form_sent_twice_makes_one_user_and_shows_no_password_again(
    huda: FlaskClient, cast: Cast
) -> None:
    form = a_user(cast)
    assert ONCE.search(send(huda, "/admin/users", **form).text)
    again = send(huda, "/admin/users", **form)
    assert again.status_code == 200 and not ONCE.search(again.text) and "shown then" in again.text
    assert send(huda, "/admin/users", **(form | {"idempotency_key": ""})).status_code == 400


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"first_name": " "}, "Please fill this in."),
        ({"username": "AMINA"}, "This user name is taken."),
        ({"roles": []}, "Choose at least one role."),
        ({"language": "xx"}, "Choose one of these."),
        ({"facility_id": str(uuid4())}, "Choose one of these."),
        ({"staff_id": "nobody"}, "Choose one of these."),
        ({"last_name": "x" * 101}, "100 characters at most"),
    ],
)
def test_a_wrong_field_of_a_user_is_named(
    huda: FlaskClient, cast: Cast, wrong: dict[str, Any], sentence: str
) -> None:
    answer = send(huda, "/admin/users", **a_user(cast, **wrong))
    assert answer.status_code == 422 and sentence in answer.text
    assert fields_of(answer.text)["idempotency_key"]


def test_a_user_is_changed_and_old_and_new_are_kept(huda: FlaskClient, cast: Cast) -> None:
    path = f"/admin/users/{cast.people['amina'].user_id}"
    form = opened(huda, path) | {
        "roles": ["cashier", "nurse"],
        "right-report.view": "ALLOW",
        "right-payment.take": "DENY",
        "because": "Stands in at the till",
        "last_name": "Hegazi",
    }
    assert send(huda, path, **form).status_code == 200
    actor = api.actor_of_token(api.open_session(cast.people["amina"].user_id))
    assert actor is not None
    rights = actor.actor.permissions
    assert {"report.view", "payment.view", "visit.prioritise"} <= rights
    assert not {"payment.take", "visit.walk_in"} & rights
    actions = set(db.session.scalars(select(Change.action).where(Change.resource_id == actor.actor.user_id)))
    assert {"user.change", "role.grant", "role.remove", "permission.set"} <= actions
    version = person("amina").version
    assert send(huda, path, **opened(huda, path)).status_code == 200
    assert person("amina").version == version


def test_two_who_change_one_user_are_shown_both_sides(huda: FlaskClient, cast: Cast) -> None:
    path = f"/admin/users/{cast.people['amina'].user_id}"
    mine, theirs = opened(huda, path), opened(huda, path)
    assert send(huda, path, **(theirs | {"last_name": "Other"})).status_code == 200
    answer = send(huda, path, **(mine | {"last_name": "Mine"}))
    assert answer.status_code == 409 and "<ins>Other</ins>" in answer.text
    assert send(huda, path, **fields_of(answer.text)).status_code == 200
    assert person("amina").last_name == "Mine"


def test_who_is_shut_out_is_signed_out_at_once_everywhere(
    huda: FlaskClient, as_person: Callable[[str], FlaskClient], cast: Cast
) -> None:
    amina = as_person("amina")
    assert amina.get("/desk").status_code == 200
    path = f"/admin/users/{cast.people['amina'].user_id}"
    shut = send(huda, f"{path}/close")
    assert shut.status_code == 200 and f"{path}/open" in shut.text
    assert amina.get("/desk").location.startswith("/login")
    assert amina.get("/desk", headers=HTMX).status_code == 401
    assert amina.post("/login", data={"username": "amina", "password": PASSWORD}).status_code == 422
    assert send(huda, f"{path}/open").status_code == 200
    assert amina.get("/desk").location.startswith("/login")  # the old session stays ended
    assert amina.post("/login", data={"username": "amina", "password": PASSWORD}).status_code == 303


def test_a_new_password_ends_the_old_one_and_its_sessions(
    huda: FlaskClient, as_person: Callable[[str], FlaskClient], cast: Cast
) -> None:
    farida = as_person("farida")
    answer = send(huda, f"/admin/users/{cast.people['farida'].user_id}/reset")
    password = ONCE.findall(answer.text)[0]
    assert farida.get("/payments").location.startswith("/login")
    assert farida.post("/login", data={"username": "farida", "password": PASSWORD}).status_code == 422
    assert farida.post("/login", data={"username": "farida", "password": password}).status_code == 303


def test_nobody_takes_their_own_last_right_to_give_access(huda: FlaskClient, boss: Actor) -> None:
    path = f"/admin/users/{boss.user_id}"
    for change in ({"roles": ["manager"]}, {"right-user.manage": "DENY", "because": "Too much"}):
        answer = send(huda, path, **(opened(huda, path) | change))
        assert answer.status_code == 422 and "lose your own right" in answer.text
    assert send(huda, f"{path}/close").status_code == 422
    assert send(huda, f"{path}/reset").status_code == 422
    assert huda.get("/admin/users").status_code == 200


def test_nobody_gives_a_right_they_do_not_have(huda: FlaskClient, cast: Cast) -> None:
    answer = send(huda, "/admin/users", **a_user(cast, roles=["operator"]))
    assert answer.status_code == 403 and "operations.view" in answer.text


def test_a_role_of_ones_own_is_made_changed_and_deleted(huda: FlaskClient, cast: Cast) -> None:
    form = opened(huda, "/admin/roles/new?like=cashier")
    assert "payment.take" in form["permissions"]
    form |= {"name": "Night desk", "permissions": ["desk.view", "visit.view"]}
    assert send(huda, "/admin/roles", **form).status_code == 200
    assert send(huda, "/admin/roles", **form).status_code == 200
    role = db.session.scalars(select(Role).where(Role.name == "Night desk")).one()
    path = f"/admin/roles/{role.id}"
    mine, theirs = opened(huda, path), opened(huda, path)
    assert send(huda, path, **(theirs | {"permissions": ["desk.view"]})).status_code == 200
    clash = send(huda, path, **(mine | {"description": "For nights"}))
    assert clash.status_code == 409 and "desk.view, visit.view" in clash.text
    amina = f"/admin/users/{cast.people['amina'].user_id}"
    assert send(huda, amina, **(opened(huda, amina) | {"roles": ["Night desk"]})).status_code == 200
    version = opened(huda, path)["version"]
    refused = send(huda, f"{path}/delete", version=version)
    assert refused.status_code == 422 and "These people still have this role: amina" in refused.text
    assert send(huda, amina, **(opened(huda, amina) | {"roles": ["receptionist"]})).status_code == 200
    assert send(huda, f"{path}/delete", version="99").status_code == 409
    assert send(huda, f"{path}/delete", version=version).status_code == 200
    assert huda.get(path).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status", "sentence"),
    [
        ({"name": ""}, 422, "Please fill this in."),
        ({"name": "receptionist"}, 422, "There is a role of this name."),
        ({"permissions": []}, 422, "Choose at least one right."),
        ({"permissions": ["operations.view"]}, 403, "operations.view"),
    ],
)
def test_a_wrong_field_of_a_role_is_named(
    huda: FlaskClient, wrong: dict[str, Any], status: int, sentence: str
) -> None:
    good = {"idempotency_key": str(uuid4()), "name": "Night desk", "permissions": ["desk.view"]}
    answer = send(huda, "/admin/roles", **(good | wrong))
    assert answer.status_code == status and sentence in answer.text


def test_a_system_role_is_not_changed_and_not_deleted(huda: FlaskClient) -> None:
    role = db.session.scalars(select(Role).where(Role.name == "cashier")).one()
    path = f"/admin/roles/{role.id}"
    assert huda.get(path).status_code == 404
    answer = send(huda, path, name="cashier", permissions=["audit.view"], version="1")
    assert answer.status_code == 422 and "belongs to every centre" in answer.text
    assert send(huda, f"{path}/delete", version="1").status_code == 422


def test_who_does_not_manage_people_is_refused_and_another_centres_are_not_there(
    huda: FlaskClient, as_person: Callable[[str], FlaskClient], cast: Cast
) -> None:
    omar = cast.people["omar"].user_id
    for path in (f"/admin/users/{omar}", f"/admin/users/{uuid4()}", f"/admin/roles/{uuid4()}"):
        assert huda.get(path).status_code == 404
        assert send(huda, path, **a_user(cast)).status_code == 404
    for act in ("close", "open", "reset"):
        assert send(huda, f"/admin/users/{omar}/{act}").status_code == 404
    assert send(huda, f"/admin/roles/{uuid4()}/delete", version="1").status_code == 404
    for name in ("mona", "amina", "salma"):
        browser = as_person(name)
        for path in ("/admin/users", "/admin/users/new", "/admin/roles", "/admin/roles/new"):
            assert browser.get(path).status_code == 403
        for path in ("/admin/users", f"/admin/users/{omar}/reset", "/admin/roles"):
            assert browser.post(path).status_code == 403


def test_the_lists_take_few_statements(huda: FlaskClient, count_queries: Any, cast: Cast) -> None:
    huda.get("/admin/users")
    for path in ("/admin/users", "/admin/roles"):
        with count_queries() as queries:
            assert huda.get(path).status_code == 200
        assert len(queries) <= 9, queries


def test_the_page_before_signing_in_speaks_the_chosen_language(stranger: FlaskClient, cast: Cast) -> None:
    assert 'lang="en"' in stranger.get("/login").text
    assert stranger.post("/language", data={"locale": "ar", "next": "/login"}).status_code == 303
    assert '<html lang="ar" dir="rtl"' in stranger.get("/login").text
    assert stranger.post("/language", data={"locale": "tlh", "next": "//evil.example"}).location == "/login"
    assert '<html lang="ar"' in stranger.get("/login").text


def places_of(username: str) -> set[str]:
    rows = db.session.scalars(
        text(
            "SELECT f.facility_id FROM identity.user_facilities f JOIN identity.users u ON u.id = f.user_id"
            " WHERE u.username = :username"
        ),
        {"username": username},
    )
    return {str(each) for each in rows}


def test_a_person_works_at_one_of_the_places_where_they_may(
    huda: FlaskClient, cast: Cast, as_person: Callable[[str], FlaskClient], app: Flask
) -> None:
    amina = as_person("amina")
    assert "Work elsewhere" not in amina.get("/account").text
    third = str(factories.facility(organization_id=cast.organization_id, name="Far away"))
    north, south = str(cast.facility_id), str(a_second_place(cast))
    assert "Work elsewhere" not in amina.get("/account").text
    address = f"/admin/users/{cast.people['amina'].user_id}"
    form = fields_of(huda.get(address).text)
    assert form["facilities"] == [north]
    assert huda.post(address, data=form | {"facilities": [north, south]}).status_code == 303
    page = amina.get("/account").text
    assert "Work elsewhere" in page and "South wing" in page and "Far away" not in page
    assert amina.post("/account/facility", data={"facility_id": third}).status_code == 404
    assert amina.post("/account/facility", data={"facility_id": str(uuid4())}).status_code == 404
    assert amina.post("/account/facility", data={}).status_code == 404
    moved = amina.post("/account/facility", data={"facility_id": south})
    assert moved.status_code == 303 and "South wing" in amina.get("/account").text
    actions = db.session.execute(
        select(Change.action, Change.old_values, Change.new_values).where(
            Change.action.in_(("user.facilities", "user.work_at"))
        )
    ).all()
    assert [each.action for each in actions] == ["user.facilities", "user.work_at"]
    assert actions[0].new_values == {"facilities": "North Garden Medical Centre, South wing"}
    assert actions[1].old_values == {"facility_id": north} and actions[1].new_values == {"facility_id": south}
    form = fields_of(huda.get(address).text)
    assert form["facility_id"] == south
    # The one where they work now is always among them; taking the other away takes the choice away.
    assert huda.post(address, data=form | {"facilities": []}).status_code == 303
    assert places_of("amina") == {south} and "Work elsewhere" not in amina.get("/account").text
    foreign = str(cast.other_organization_id)
    form = fields_of(huda.get(address).text)
    refused = huda.post(address, data=form | {"facilities": [foreign]})
    assert refused.status_code == 422 and places_of("amina") == {south}


def a_second_place(cast: Cast) -> Any:
    found = factories.facility(organization_id=cast.organization_id, name="South wing")
    with transaction():
        push.changed(organization.topic(cast.organization_id))
    return found


def test_where_somebody_works_is_held_by_the_database_too(huda: FlaskClient, cast: Cast) -> None:
    south = a_second_place(cast)
    db.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(
            text("UPDATE identity.users SET facility_id = :south WHERE username = 'amina'"), {"south": south}
        )
    row = "INSERT INTO identity.user_facilities (user_id, facility_id, organization_id) VALUES (:a, :b, :c)"
    told = {"a": cast.people["amina"].user_id, "b": south, "c": cast.other_organization_id}
    with pytest.raises(ProgrammingError, match="row-level security"), db.session.begin_nested():
        db.session.execute(text(row), told)


def test_a_right_beside_the_roles_says_why(huda: FlaskClient, cast: Cast) -> None:
    address = f"/admin/users/{cast.people['farida'].user_id}"
    form = fields_of(huda.get(address).text) | {"right-payment.refund": "DENY"}
    refused = huda.post(address, data=form)
    assert refused.status_code == 422 and "Please say why" in refused.text
    assert huda.post(address, data=form | {"because": "Till differed twice"}).status_code == 303
    page = huda.get(address).text
    assert "Till differed twice" in page and 'value="DENY" selected' in page
    new = db.session.scalars(select(Change.new_values).where(Change.action == "permission.set")).one()
    assert new == {"payment.refund": "DENY", "reason": "Till differed twice"}
    form = fields_of(page) | {"because": ""}  # what stays as it is needs no other reason
    assert huda.post(address, data=form | {"last_name": "Changed"}).status_code == 303


def test_who_runs_the_centre_begins_where_there_is_something_and_a_doctor_at_their_line(
    huda: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    assert as_person("salma").get("/").headers["Location"] == "/doctor"
    assert huda.get("/").headers["Location"] == "/desk"
    band = huda.get("/account").text
    assert 'href="/desk"' in band and 'href="/doctor"' not in band
