"""How long a session lasts, and who can end it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from clinic_web.identity import api, jobs
from clinic_web.identity.queries import ABSOLUTE_LIMIT, IDLE_LIMIT
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotFound
from tests.cast import Cast
from tests.identity.conftest import signed_in

Browser = Callable[[str], FlaskClient]
Later = Callable[[timedelta], None]
IN_BACKGROUND = {"X-Background": "1", "HX-Request": "true"}
MINUTE = timedelta(minutes=1)


def is_in(client: FlaskClient) -> bool:
    return client.get("/account", headers=IN_BACKGROUND).status_code == 200


def last_seen(client: FlaskClient) -> datetime:
    seen = text("SELECT last_seen_at FROM identity.sessions WHERE id = :id")
    moment: datetime = db.session.execute(seen, {"id": session_of(client).session_id}).scalar_one()
    return moment


def session_of(client: FlaskClient) -> api.SignedIn:
    with client.session_transaction() as cookie:
        user = api.actor_of_token(cookie["_user_id"])
    assert user is not None
    return user


def test_signing_out_ends_the_session_itself_not_only_the_cookie(
    as_person: Browser, pushed: list[str]
) -> None:
    amina = as_person("amina")
    token = session_of(amina).token
    answer = amina.post("/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert api.actor_of_token(token) is None
    with amina.session_transaction() as cookie:
        cookie["_user_id"] = token  # the cookie of yesterday, kept by somebody
    assert not is_in(amina)


def test_signing_out_twice_is_harmless(as_person: Browser) -> None:
    amina = as_person("amina")
    assert [amina.post("/logout").status_code for _ in range(2)] == [303, 303]


def test_a_revoked_session_is_out_at_the_next_request(as_person: Browser, boss: Actor) -> None:
    amina = as_person("amina")
    assert is_in(amina)
    api.revoke_session(boss, session_of(amina).session_id)
    assert not is_in(amina)


def test_a_page_that_is_signed_out_leads_to_the_sign_in_page(client: FlaskClient) -> None:
    page = client.get("/account")
    assert (page.status_code, page.headers["Location"]) == (302, "/login?next=/account")
    fragment = client.get("/account", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (401, "/login")


def test_a_revocation_is_told_once(cast: Cast, boss: Actor) -> None:
    session = signed_in(cast.people["amina"].user_id)
    for _ in range(2):
        api.revoke_session(boss, session.session_id)
    told = text("SELECT event_data FROM kernel.domain_events WHERE event_type = 'session.revoked'")
    [event] = db.session.scalars(told).all()
    assert event["session_id"] == str(session.session_id)


@pytest.mark.parametrize("name", ["omar", "farida"])
def test_an_outsider_and_a_colleague_cannot_end_my_session(as_person: Browser, name: str) -> None:
    amina = as_person("amina")
    mine = session_of(amina).session_id
    assert as_person(name).post(f"/account/sessions/{mine}/end").status_code == 404
    assert is_in(amina)


def test_another_tenants_administrator_cannot_either(as_person: Browser, cast: Cast, boss: Actor) -> None:
    with pytest.raises(NotFound):
        api.revoke_session(boss, session_of(as_person("omar")).session_id)


def test_i_can_end_the_session_i_forgot_at_another_desk(as_person: Browser) -> None:
    here, there = as_person("amina"), as_person("amina")
    forgotten = session_of(there).session_id
    answer = here.post(f"/account/sessions/{forgotten}/end", headers={"HX-Request": "true"})
    assert answer.status_code == 200 and str(forgotten) not in answer.text
    assert "The session was ended." in answer.text
    assert is_in(here) and not is_in(there)


def test_without_javascript_ending_a_session_leads_back_to_the_list(as_person: Browser) -> None:
    here, there = as_person("amina"), as_person("amina")
    answer = here.post(f"/account/sessions/{session_of(there).session_id}/end")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account")


def test_two_hours_without_work_end_a_session(as_person: Browser, later: Later) -> None:
    amina = as_person("amina")
    later(IDLE_LIMIT - MINUTE)
    assert is_in(amina)
    later(2 * MINUTE)
    assert not is_in(amina)


def test_work_keeps_a_session_until_twelve_hours_are_over(as_person: Browser, later: Later) -> None:
    amina = as_person("amina")
    for _ in range(11):
        later(timedelta(minutes=65))
        assert amina.get("/account").status_code == 200
    later(ABSOLUTE_LIMIT - 11 * timedelta(minutes=65) + MINUTE)
    assert not is_in(amina)


def test_a_screen_that_refreshes_itself_keeps_nobody_signed_in(as_person: Browser, later: Later) -> None:
    amina = as_person("amina")
    for _ in range(4):
        later(timedelta(minutes=29))
        assert is_in(amina)
    later(timedelta(minutes=5))
    assert not is_in(amina)


def test_who_writes_is_there_whatever_the_header_says(as_person: Browser, later: Later) -> None:
    amina = as_person("amina")
    before = last_seen(amina)
    later(2 * MINUTE)
    amina.post("/account/settings", data={"theme": "dark"}, headers={"X-Background": "1"})
    assert last_seen(amina) > before


def test_work_is_noted_once_a_minute(as_person: Browser, later: Later, count_queries: Callable) -> None:
    amina = as_person("amina")
    amina.get("/account")
    noted = last_seen(amina)
    later(timedelta(seconds=50))
    with count_queries() as quick:
        amina.get("/account")
    assert last_seen(amina) == noted and not [each for each in quick if each.startswith("UPDATE")]
    later(timedelta(seconds=20))
    amina.get("/account")
    assert last_seen(amina) > noted


def test_asking_whether_sessions_are_open_keeps_none_open(
    as_person: Browser, later: Later, boss: Actor
) -> None:
    open_one, revoked, idle = (session_of(as_person(name)) for name in ("amina", "farida", "salma"))
    api.revoke_session(boss, revoked.session_id)
    ids = [open_one.session_id, revoked.session_id, idle.session_id, UUID(int=7)]
    assert api.open_session_ids(ids) == {open_one.session_id, idle.session_id}
    assert api.open_session_rights(ids)[open_one.session_id] == open_one.rights_stamp
    later(IDLE_LIMIT + MINUTE)
    assert api.open_session_ids(ids) == set()


def test_a_disabled_person_is_out_at_the_next_request(as_person: Browser, cast: Cast, boss: Actor) -> None:
    amina = as_person("amina")
    assert is_in(amina)
    api.disable_user(boss, cast.people["amina"].user_id)
    assert not is_in(amina)


def test_another_password_ends_the_sessions_that_the_old_one_opened(as_person: Browser, cast: Cast) -> None:
    here, there = as_person("amina"), as_person("amina")
    me = session_of(here)
    api.set_password(me.actor, cast.people["amina"].user_id, "nine-grey-pelicans", keep=me.session_id)
    assert is_in(here) and not is_in(there)


def test_a_made_up_token_is_nobody(client: FlaskClient) -> None:
    assert api.actor_of_token("made-up") is None and api.actor_of_token("") is None


def test_the_browser_is_not_told_the_token_in_any_page(as_person: Browser) -> None:
    amina = as_person("amina")
    user = session_of(amina)
    assert user.token not in amina.get("/account").text and user.token not in repr(user)


def test_half_a_year_later_sign_ins_are_forgotten(client: FlaskClient, cast: Cast, later: Later) -> None:
    client.post("/login", data={"username": "amina", "password": "wrong-wrong-wrong"})
    count = text(
        "SELECT (SELECT count(*) FROM identity.login_attempts) + (SELECT count(*) FROM identity.sessions)"
    )
    jobs.forget_old_sign_ins()
    assert db.session.scalar(count) > 1
    later(timedelta(days=182))
    jobs.forget_old_sign_ins()
    assert db.session.scalar(count) == 0
