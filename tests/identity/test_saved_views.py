"""Filters of a list kept under a name: one's own, or shared by right; renamed, deleted, taken back."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from clinic_web.identity.models import SavedView
from clinic_web.kernel.db import db
from tests.cast import Cast

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mona(as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    return as_person("mona")


def keep(browser: FlaskClient, name: str, query: str = "?state=waiting", **form: Any) -> TestResponse:
    body = {"list": "visits", "name": name, "query": query, "idempotency_key": str(uuid4())} | form
    return browser.post("/views", data=body, headers=HTMX)


def kept(name: str) -> SavedView:
    db.session.expire_all()
    return db.session.scalars(db.select(SavedView).filter_by(name=name)).one()


def line(browser: FlaskClient, of: str, address: str = "") -> str:
    at = {"HX-Current-URL": f"http://localhost{address}"}
    answer = browser.get(f"/views?list={of}", headers=HTMX | at)
    assert answer.status_code == 200, answer.text
    return answer.text


def links(page: str) -> dict[str, str]:
    found = re.findall(r'<a class="chip" href="([^"]*)" data-view[^>]*>(.*?)</a>', page, re.DOTALL)
    return {re.sub(r"<[^>]+>", "", text).strip(): unescape(url) for url, text in found}


def test_a_view_stands_above_its_list_and_leads_to_its_filters(mona: FlaskClient, cast: Cast) -> None:
    answer = keep(mona, " Waiting  now ", f"?state=waiting&sort=-time&clinic={cast.dental}&after=abc&tab=x")
    assert answer.status_code == 422 and "does not exist" in answer.text  # no such page
    answer = keep(mona, " Waiting  now ", f"?state=waiting&sort=-time&clinic={cast.dental}&tab=x")
    assert answer.status_code == 200 and "Kept: " in answer.text
    shown = links(line(mona, "visits"))
    assert set(shown) == {"Waiting now"}
    url = shown["Waiting now"]
    assert "state=waiting" in url and f"clinic={cast.dental}" in url and "tab" not in url
    assert 'aria-current="true"' in line(mona, "visits", url).split("</a>")[0]
    assert "/views?list=visits" in mona.get(url).text  # the list's page fetches its line
    assert "<!doctype" in mona.get("/views?list=visits").text
    assert links(line(mona, "patients")) == links(line(mona, "payments")) == {}
    assert mona.post("/views", data={"list": "visits", "name": "No key"}).status_code == 400


def test_what_is_wrong_stands_at_the_field_and_nothing_typed_is_lost(mona: FlaskClient) -> None:
    keep(mona, "Waiting")
    for name, sentence in (
        ("", "Please fill this in."),
        ("waiting", "of this name already"),
        ("x" * 41, "too long"),
    ):
        wrong = keep(mona, name)
        assert wrong.status_code == 422 and sentence in wrong.text and f'value="{name}"' in wrong.text
    assert keep(mona, "Else", list="wards").status_code == 404
    plain = mona.post("/views", data={"list": "visits", "name": "", "idempotency_key": "k"})
    assert plain.status_code == 422 and "<!doctype" in plain.text


def test_what_was_done_is_told_by_the_page_and_lost_to_no_fragment_before_it(mona: FlaskClient) -> None:
    form = {"list": "visits", "name": "Waiting", "query": "", "idempotency_key": str(uuid4())}
    assert mona.post("/views", data=form).status_code == 303
    assert "Kept: Waiting" not in line(mona, "visits")
    assert "Kept: Waiting" in mona.get("/visits").text
    assert "Kept: Waiting" not in mona.get("/visits").text


def test_the_same_press_keeps_once(mona: FlaskClient) -> None:
    assert keep(mona, "Once", idempotency_key="same").status_code == 200
    assert keep(mona, "Once", idempotency_key="same").status_code == 200
    assert len(links(line(mona, "visits"))) == 1


def test_a_view_is_renamed_deleted_and_taken_back(mona: FlaskClient) -> None:
    keep(mona, "Waiting")
    view = kept("Waiting")
    base, form = f"/views/{view.id}", {"list": "visits", "version": "1"}
    assert mona.post(f"{base}/rename", data=form | {"name": "In line"}, headers=HTMX).status_code == 200
    stale = mona.post(f"{base}/rename", data=form | {"name": "Else"}, headers=HTMX)
    assert stale.status_code == 409 and 'value="Else"' in stale.text
    gone = mona.post(f"{base}/delete", headers=HTMX)
    assert f"{base}/take-back" in gone.text and links(line(mona, "visits")) == {}
    assert mona.post(f"{base}/delete", headers=HTMX).status_code == 404
    back = mona.post(f"{base}/take-back", headers=HTMX)
    assert 'hx-swap-oob="true"' in back.text and set(links(line(mona, "visits"))) == {"In line"}


def test_only_a_shared_view_is_seen_by_others_and_only_by_right_shared(
    mona: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    amina = as_person("amina")
    keep(mona, "Mine")
    keep(mona, "Ours", is_shared="1")
    assert set(links(line(amina, "visits"))) == {"Ours"}
    assert keep(amina, "Not allowed", is_shared="1").status_code == 403
    for name in ("Mine", "Ours"):
        view: UUID = kept(name).id
        for act in ("rename", "delete"):
            form = {"list": "visits", "name": "Stolen", "version": "1"}
            assert amina.post(f"/views/{view}/{act}", data=form, headers=HTMX).status_code == 404
            assert as_person("omar").post(f"/views/{view}/{act}", data=form, headers=HTMX).status_code == 404
    assert links(line(as_person("omar"), "visits")) == {}
    assert keep(amina, "Taken", list="payments", query="").status_code == 200


def test_who_may_no_longer_see_a_list_changes_no_view_of_it(
    mona: FlaskClient, as_person: Callable[[str], FlaskClient], cast: Cast
) -> None:
    keep(mona, "Money", list="payments", query="")
    view = kept("Money")
    view.user_id = cast.people["salma"].user_id
    db.session.commit()
    salma, form = as_person("salma"), {"list": "visits", "name": "Else", "version": "1"}
    assert salma.post(f"/views/{view.id}/rename", data=form, headers=HTMX).status_code == 403
    assert salma.post(f"/views/{view.id}/delete", headers=HTMX).status_code == 403
    assert kept("Money").deleted_at is None


def test_who_may_not_see_a_list_keeps_no_view_of_it(as_person: Callable[[str], FlaskClient]) -> None:
    assert keep(as_person("salma"), "Money", list="payments", query="").status_code == 403


def test_the_line_costs_one_statement_however_many_views_and_the_list_none(
    mona: FlaskClient, count_queries: Callable[[], Any]
) -> None:
    for number in range(8):
        keep(mona, f"View {number}")
    with count_queries() as queries:
        line(mona, "visits")
        mona.get("/visits")
    assert len([each for each in queries if "saved_views" in each]) == 1
