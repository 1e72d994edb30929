"""Staff see what patients were told, put right what failed, and say it in their own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from clinic_web.events.orders import NotificationRequested, OrderCancelled
from clinic_web.events.reception import VisitCalled
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.notifications.kinds import KINDS
from clinic_web.notifications.models import Notification, NotificationPreference, NotificationTemplate
from clinic_web.patients.models import Patient
from tests.cast import Cast
from tests.notifications.conftest import Post

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def failed(post: Post) -> Notification:
    """Nobody knows how to reach Maryam, to whom medicine is ready."""
    post.tell(NotificationRequested(**post.of_order(post.patient(phone_primary=None))))
    post.send()
    return post.row()


def test_the_list_says_what_failed_and_finds_it(post: Post, failed: Notification, as_person: Browser) -> None:
    post.tell(OrderCancelled(**post.of_order(post.patient(first_name="Nour"), doctor_id=post.cast.salma)))
    post.send()
    mona = as_person("mona")
    page = mona.get("/messages").text
    assert "1 failed today" in page and "There is no telephone and no e-mail address." in page
    only = mona.get("/messages?state=failed&kind=medicine_ready&when=any").text
    assert "Maryam" in only and "Nour" not in only
    assert "Nour" in mona.get("/messages?channel=sms&q=Nour").text
    assert mona.get("/messages?kind=nonsense").status_code == 422
    file = mona.get("/messages/export.csv").text
    assert "Medicine ready" in file and "…567" not in file and "your medicine is ready" not in file
    assert as_person("salma").get("/messages").status_code == 403


def test_the_list_costs_as_much_with_many_as_with_one(
    post: Post, as_person: Browser, count_queries: Callable[[], Any]
) -> None:
    mona = as_person("mona")

    def cost() -> int:
        with count_queries() as statements:
            assert mona.get("/messages").status_code == 200
        return len(statements)

    post.tell(OrderCancelled(**post.of_order(post.patient(), doctor_id=post.cast.salma)))
    mona.get("/messages")
    few = cost()
    for _ in range(4):
        post.tell(
            OrderCancelled(**post.of_order(post.patient(phone_primary=None), doctor_id=post.cast.salma))
        )
    assert cost() == few


def test_one_that_failed_goes_again_to_the_new_number(
    post: Post, failed: Notification, as_person: Browser
) -> None:
    mona, here = as_person("mona"), f"/messages/{failed.id}"
    assert "Send again" in mona.get(here).text
    patient = db.session.get(Patient, failed.patient_id)
    assert patient
    patient.phone_primary = "0100 765 4321"
    db.session.commit()
    assert as_person("amina").post(f"{here}/again").status_code == 403
    assert mona.post(f"{here}/again", headers=HTMX).status_code == 200
    again = mona.post(f"{here}/again", headers=HTMX)
    assert again.status_code == 409 and "did not fail, or goes out again already" in again.text
    post.send()
    page = mona.get(here).text
    assert "your medicine is ready" in page and "…321" in page and "Send again" not in page
    assert [name for name, _ in post.answers()] == [
        "notification.queued", "notification.failed", "notification.queued",
    ]  # fmt: skip
    assert as_person("omar").get(here).status_code in (403, 404)


def test_a_patient_is_asked_how_they_want_to_hear(post: Post, as_person: Browser) -> None:
    patient = post.patient()
    post.tell(NotificationRequested(**post.of_order(patient)))
    post.send()
    amina, here = as_person("amina"), f"/messages/of-patient/{patient}"
    assert "your medicine is ready" in amina.get(here, headers=HTMX).text
    wrong = {"channel": "SMS", "about": ["TURN"], "quiet_from": "25:00", "version": "0"}
    answer = amina.post(f"{here}/wishes", data=wrong, headers=HTMX)
    assert answer.status_code == 422 and "write a time as 22:00" in answer.text and "25:00" in answer.text
    half = amina.post(f"{here}/wishes", data=wrong | {"quiet_from": "22:00"}, headers=HTMX)
    assert half.status_code == 422 and "give both times" in half.text
    right = wrong | {"quiet_from": "22:00", "quiet_until": "07:30"}
    assert amina.post(f"{here}/wishes", data=right, headers=HTMX).status_code == 200
    stale = amina.post(f"{here}/wishes", data=right | {"channel": "NONE"}, headers=HTMX)
    assert stale.status_code == 409 and "Somebody else changed this" in stale.text
    kept = db.session.query(NotificationPreference).one()
    assert (kept.channel, set(kept.off), kept.version) == (
        "SMS",
        {"APPOINTMENTS", "MEDICINE", "LABORATORY", "MONEY"},
        1,
    )


def word(client: FlaskClient, body: str, version: int, subject: str = "Turn") -> Any:
    data = {"subject": subject, "body": body, "version": str(version)}
    return client.post("/admin/messages/visit_called/en", data=data)


def test_an_organization_says_it_in_its_own_words(post: Post, cast: Cast, as_person: Browser) -> None:
    mona = as_person("mona")
    assert "your turn" in mona.get("/admin/messages").text
    form = mona.get("/admin/messages/visit_called/en").text
    assert "{{ticket}}" in form and "{{amount}}" not in form and "Number D-034, room 1." in form
    for wrong, said in (
        ("{{amount}} please", "amount can not stand in this message"),
        ("{{ticket", "A brace has no partner"),
        ("", "Please fill this in"),
        ("x" * 601, "At most 600 characters"),
    ):
        refused = word(mona, wrong, 0)
        assert refused.status_code == 422 and said in refused.text and wrong in refused.text
    assert word(mona, "Come in, {{ patient }}: {{room}}!", 0).status_code == 303
    other = word(mona, "Somebody else's", 0)
    assert other.status_code == 409 and "Come in, {{ patient }}" in other.text
    assert "Somebody else" in other.text and word(mona, "Do come in, {{patient}}!", 1).status_code == 303
    tell_turn(post, post.patient())
    assert post.bodies() == ["Do come in, Maryam Tahhan!"]
    assert post.row().template_id == db.session.query(NotificationTemplate.id).scalar()
    reset = {"version": "2"}
    assert mona.post("/admin/messages/visit_called/en/reset", data={"version": "1"}).status_code == 409
    assert mona.post("/admin/messages/visit_called/en/reset", data=reset).status_code == 303
    tell_turn(post, post.patient(phone_primary="0100 765 4321"))
    assert any("it is your turn. Number D-034" in body for body in post.bodies())
    preview = mona.post(
        "/admin/messages/visit_called/en/preview", data={"subject": "a", "body": "{{amount}}"}
    )
    assert preview.status_code == 200 and "can not stand in this message" in preview.text
    assert mona.get("/admin/messages/nonsense/en").status_code == 404
    assert mona.get("/admin/messages/receipt/fr").status_code == 404
    assert as_person("amina").get("/admin/messages").status_code == 403


def tell_turn(post: Post, patient_id: Any) -> None:
    house = {"organization_id": post.cast.organization_id, "clinic_id": post.cast.dental}
    post.tell(
        VisitCalled(**house, visit_id=new_id(), patient_id=patient_id, ticket="D-034", room_id=post.cast.room)
    )
    post.send()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_kind_can_be_worded_and_read(post: Post, as_person: Browser, language: str) -> None:
    mona = as_person("mona")
    for kind in KINDS:
        form = mona.get(f"/admin/messages/{kind}/{language}")
        assert form.status_code == 200 and "%(" not in form.text
