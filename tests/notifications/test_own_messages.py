"""A patient reads what they were told and says how they want to hear; another's messages are not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from clinic_web.events.orders import NotificationRequested
from clinic_web.events.payments import PaymentReceived
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.notifications.models import Notification
from tests.notifications.conftest import Post
from tests.portal.conftest import Phone, invite


@pytest.fixture
def phone(app: Flask) -> Callable[[], Phone]:
    return lambda: Phone(app.test_client())


def test_a_patient_reads_their_messages_and_says_what_they_want(
    post: Post, phone: Callable[[], Phone]
) -> None:
    patient, other = post.patient(), post.patient(first_name="Nour", phone_primary="0100 765 4321")
    post.tell(*(NotificationRequested(**post.of_order(each)) for each in (patient, other)))
    post.send()
    mine = phone()
    mine.join(invite(post.cast.people["amina"].actor, patient))
    assert f"/portal/patients/{patient}/messages" in mine.client.get("/portal").text
    here = f"/portal/patients/{patient}/messages"
    page = mine.client.get(here).text
    assert page.count("your medicine is ready") == 1 and "…567" not in page
    assert mine.client.get(f"/portal/patients/{other}/messages").status_code == 404
    wishes = {"channel": "SMS", "about": ["TURN", "MEDICINE"], "version": "0"}
    assert mine.client.post(f"/portal/patients/{other}/messages/wishes", data=wishes).status_code == 404
    assert mine.client.post(f"{here}/wishes", data=wishes | {"channel": "?"}).status_code == 422
    assert mine.client.post(f"{here}/wishes", data=wishes).status_code == 303
    house = {"organization_id": post.cast.organization_id, "patient_id": patient, "payment_id": new_id()}
    post.tell(PaymentReceived(**house, transaction_id=new_id(), amount="5.00", currency="EGP", method="CASH"))
    post.send()
    unwanted = select(Notification.failure).where(Notification.template == "receipt")
    assert db.session.scalar(unwanted) == "UNWANTED"
    assert mine.client.get(here).text.count("own-list") == 1 and "Receipt" not in mine.client.get(here).text
    assert mine.client.get("/messages").status_code in (302, 403)
