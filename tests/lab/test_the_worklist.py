"""What the technician sees and does: each step with one press, each taken back, nothing lost on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from clinic_web.audit.models import AccessLog
from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.tables import DomainEvent
from clinic_web.lab import api
from clinic_web.lab.models import LabOrder, Result, Slot, Specimen
from tests.cast import hire
from tests.lab.laboratory import Laboratory

HTMX = {"HX-Request": "true"}


@pytest.fixture
def lina(lab: Laboratory, as_person: Callable[[str], FlaskClient]) -> FlaskClient:
    """Lina works in the laboratory."""
    hire(lab.cast, "lina", "lab_technician", lab.cast.organization_id, lab.facility_id)
    return as_person("lina")


def the_test(lab: Laboratory, *tests: UUID, **fields: Any) -> LabOrder:
    return lab.rows(lab.ask(*(tests or (lab.test(),)), **fields))[0]


def fresh(row: LabOrder) -> LabOrder:
    db.session.expire_all()
    return db.session.get_one(LabOrder, row.id)


def press(who: FlaskClient, row: LabOrder, act: str, **typed: Any) -> Any:
    form = {"version": fresh(row).version, "idempotency_key": str(uuid4())} | typed
    return who.post(f"/lab/tests/{row.id}/{act}", data=form, headers=HTMX)


def test_from_expected_to_verified_with_one_press_each(
    lab: Laboratory, lina: FlaskClient, pushed: list[str]
) -> None:
    row = the_test(lab)
    assert press(lina, row, "arrive").status_code == 200
    assert press(lina, row, "collect").status_code == 200
    specimen = db.session.scalars(select(Specimen)).one()
    assert fresh(row).specimen_id == specimen.id and specimen.specimen_number.startswith("SP-")
    pushed.clear()
    answer = press(lina, row, "result", component_0="Haemoglobin", value_0="9,1", unit_0="g/dl", low_0="12")
    assert answer.status_code == 200 and "the result is entered" in answer.text
    assert f"lab:{lab.facility_id}" in pushed and f"lab_order:{row.order_id}" in pushed
    assert press(lina, row, "verify").status_code == 200
    result = db.session.scalars(select(Result)).one()
    assert (fresh(row).status, result.flag, str(result.value_number)) == ("VERIFIED", "LOW", "9.100000")
    told = db.session.scalars(select(DomainEvent.event_data).filter_by(event_type="lab.result_ready")).one()
    assert told["lab_order_id"] == str(row.id)
    acts = set(db.session.scalars(select(AccessLog.action).filter_by(resource_id=row.id)))
    assert {"lab.arrive", "lab.collect", "lab.result", "lab.verify"} <= acts


def test_every_step_can_be_taken_back(lab: Laboratory, lina: FlaskClient) -> None:
    row = the_test(lab)
    steps = [
        ("arrive", {}, "undo-arrive"),
        ("collect", {}, "undo-collect"),
        ("cancel", {"reason": "written twice"}, None),
    ]
    for act, typed, undo in steps:
        before = fresh(row).status
        answer = press(lina, row, act, **typed)
        assert answer.status_code == 200
        if undo:
            assert f"/lab/tests/{row.id}/{undo}" in answer.text
            assert press(lina, row, undo).status_code == 200
            assert fresh(row).status == before
    other = the_test(lab)
    press(lina, other, "collect")
    for act, typed, undo, now in (
        ("fail", {"reason": "clotted"}, "undo-fail", "COLLECTED"),
        ("fail", {"reason": "clotted"}, "collect-anew", "SCHEDULED"),
    ):
        assert press(lina, other, act, **typed).status_code == 200
        assert press(lina, other, undo).status_code == 200
        assert fresh(other).status == now
    press(lina, other, "collect")
    press(lina, other, "result", component_0="Sodium", value_0="140")
    press(lina, other, "verify")
    assert press(lina, other, "undo-verify").status_code == 200
    press(lina, other, "result", component_0="Sodium", value_0="141")
    assert press(lina, other, "undo-result").status_code == 200
    assert press(lina, other, "undo-result").status_code == 200
    assert fresh(other).status == "COLLECTED"
    assert [row.value for row in db.session.scalars(select(Result).order_by(Result.entry_id))] == [
        "140",
        "141",
    ]


def test_a_second_press_is_refused_and_a_result_is_entered_once(lab: Laboratory, lina: FlaskClient) -> None:
    row = the_test(lab)
    version = row.version
    press(lina, row, "collect")
    late = lina.post(f"/lab/tests/{row.id}/collect", data={"version": version}, headers=HTMX)
    assert late.status_code == 409 and "the specimen is taken" in late.text
    key, version = str(uuid4()), fresh(row).version
    for _ in range(2):
        assert (
            press(
                lina, row, "result", component_0="pH", value_0="7", version=version, idempotency_key=key
            ).status_code
            == 200
        )
    assert len(db.session.scalars(select(Result)).all()) == 1


def test_what_was_typed_stays_when_a_value_is_wrong(lab: Laboratory, lina: FlaskClient) -> None:
    row = the_test(lab)
    press(lina, row, "collect")
    answer = press(
        lina,
        row,
        "result",
        component_0="Glucose",
        value_0="98",
        low_0="many",
        unit_0="mg/dl",
        comment_0="fasting",
    )
    assert answer.status_code == 422
    assert (
        "Write a number" in answer.text and 'value="fasting"' in answer.text and 'value="many"' in answer.text
    )
    assert press(lina, row, "result", value_0="").status_code == 422
    assert press(lina, row, "fail", reason=" ").status_code == 422
    assert fresh(row).status == "COLLECTED"


def test_the_form_of_a_result_begins_with_the_lines_of_the_last(lab: Laboratory, lina: FlaskClient) -> None:
    blood = lab.test()
    first, second = the_test(lab, blood), the_test(lab, blood)
    for row in (first, second):
        press(lina, row, "collect")
    press(lina, first, "result", component_0="Iron", value_0="80", unit_0="µg/dl", low_0="60", high_0="170")
    form = lina.get(f"/lab/tests/{second.id}/result", headers=HTMX).text
    assert 'value="Iron"' in form and 'value="µg/dl"' in form and 'value="80"' not in form
    corrected = lina.get(f"/lab/tests/{first.id}/result", headers=HTMX).text
    assert 'value="80"' in corrected and "stays, marked as corrected" in corrected


def test_the_day_shows_who_is_expected_and_who_is_late(
    lab: Laboratory, lina: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    blood = lab.test("Ferritin")
    row = the_test(lab, blood, priority="STAT")
    the_test(lab, lab.test("Culture"), preferred_at=lab.at(12))
    clock.shift(clock.offset() + timedelta(hours=2))
    lina = as_person("lina")
    page = lina.get("/lab").text
    assert "Ferritin" in page and "Culture" in page and "60 min late" in page and "At once" in page
    assert re.search(r"<svg height=\"94\"", page)
    late = lina.get("/lab/list?show=late", headers=HTMX).text
    assert "Ferritin</a>" in late.split('id="lab-rows"')[1]
    assert "Culture" not in late.split('id="lab-rows"')[1]
    assert "Ferritin" not in lina.get(f"/lab/list?day={lab.at(9, days=1):%Y-%m-%d}", headers=HTMX).text
    press(lina, row, "collect")
    clock.shift(clock.offset() + timedelta(days=1))
    lina = as_person("lina")
    assert "Ferritin" in lina.get("/lab").text  # its result is still to be entered


def test_another_time_takes_the_orders_tests_along(lab: Laboratory, lina: FlaskClient) -> None:
    blood, urine = lab.test(capacity=1), lab.test("Urine", capacity=1)
    order = lab.ask(blood, urine)
    row = lab.rows(order)[0]
    assert lina.get(f"/lab/tests/{row.id}/move", headers=HTMX).text.count('name="slot"') > 10
    answer = press(lina, row, "move", slot=lab.at(10).isoformat())
    assert answer.status_code == 200 and "now on" in answer.text
    assert lab.times(order) == [lab.at(10), lab.at(10)]
    assert lab.slots(blood) == lab.slots(urine) == {lab.at(8): 0, lab.at(10): 1}
    topic, told = lab.answers(order)[-1]
    assert topic == "lab.rescheduled" and told["starts_at"].startswith(lab.at(10).isoformat(" ")[:16])
    assert press(lina, row, "move", slot=lab.at(11).isoformat(), alone="1").status_code == 200
    assert lab.times(order) == [lab.at(11), lab.at(10)]
    assert api.standing_of(lab.system, [order.order_id])[order.order_id].starts_at == lab.at(10)


def test_a_time_that_is_gone_shows_others(lab: Laboratory, lina: FlaskClient) -> None:
    blood = lab.test(capacity=1)
    row = the_test(lab, blood)
    the_test(lab, blood)
    refused = press(lina, row, "move", slot=lab.at(8, 30).isoformat())
    assert refused.status_code == 409 and "taken meanwhile" in refused.text and 'name="slot"' in refused.text
    assert press(lina, row, "move", slot=lab.at(6).isoformat()).status_code == 422
    assert press(lina, row, "move", slot="soon").status_code == 422
    assert fresh(row).scheduled_time == lab.at(8)


def test_what_is_cancelled_frees_its_place_and_the_last_one_the_order(
    lab: Laboratory, lina: FlaskClient
) -> None:
    blood, urine = lab.test(capacity=1), lab.test("Urine", capacity=1)
    order = lab.ask(blood, urine)
    first, second = lab.rows(order)
    assert press(lina, first, "cancel", reason=" ").status_code == 422
    assert press(lina, first, "cancel", reason="Not fasting").status_code == 200
    assert lab.slots(blood) == {lab.at(8): 0} and lab.answered(order) == ["lab.scheduled"]
    assert press(lina, first, "undo-cancel").status_code == 200
    assert lab.slots(blood) == {lab.at(8): 1}
    press(lina, first, "cancel", reason="Not fasting")
    assert lab.times(lab.ask(blood)) == [lab.at(8)]
    assert press(lina, first, "undo-cancel").status_code == 409
    press(lina, second, "cancel", reason="Not fasting")
    assert lab.answered(order)[-1] == "lab.released"
    assert press(lina, second, "undo-cancel").status_code == 409
    assert api.standing_of(lab.system, [order.order_id])[order.order_id].answer == "RELEASED"


def test_what_was_collected_of_an_order_that_is_called_off_is_not_expected_again(
    lab: Laboratory, lina: FlaskClient
) -> None:
    blood, urine, swab = (lab.test(name, capacity=1) for name in ("Blood", "Urine", "Swab"))
    order = lab.ask(blood, urine, swab)
    taken, unusable, _ = lab.rows(order)
    for row in (taken, unusable):
        assert press(lina, row, "collect").status_code == 200
    assert press(lina, unusable, "fail", reason="Clotted").status_code == 200
    lab.tell(lab.undoing(order))
    assert [fresh(row).status for row in lab.rows(order)] == ["COLLECTED", "FAILED", "CANCELLED"]
    assert press(lina, taken, "undo-collect").status_code == 200
    assert fresh(taken).status == "CANCELLED" and lab.slots(blood) == {lab.at(8): 0}
    refused = press(lina, unusable, "collect-anew")
    assert refused.status_code == 409 and "called off" in refused.text
    assert fresh(unusable).status == "FAILED"


def test_a_time_made_smaller_throws_nobody_out(lab: Laboratory, lina: FlaskClient) -> None:
    blood = lab.test(capacity=3)
    rows = [the_test(lab, blood) for _ in range(3)]
    typed = {"test": blood, "starts_at": lab.at(8).isoformat(), "capacity": "1", "was": "3"}
    assert lina.post("/lab/times", data=typed, headers=HTMX).status_code == 200
    slot = db.session.scalars(select(Slot)).one()
    assert (slot.capacity, slot.taken, slot.beyond) == (1, 3, 2)
    assert lab.times(lab.ask(blood)) == [lab.at(8, 30)]
    for row in rows[:2]:
        press(lina, row, "cancel", reason="came yesterday")
    db.session.expire_all()
    assert (slot.taken, slot.beyond) == (1, 0)
    assert lab.times(lab.ask(blood)) == [lab.at(8, 30)]
    stale = lina.post("/lab/times", data=typed, headers=HTMX)
    assert stale.status_code == 409 and "Somebody else changed" in stale.text
    typed |= {"was": "1", "capacity": "many"}
    wrong = lina.post("/lab/times", data=typed, headers=HTMX)
    assert wrong.status_code == 422 and 'value="many"' in wrong.text


def test_hours_and_ways_are_the_facilitys_own(lab: Laboratory, lina: FlaskClient) -> None:
    blood = lab.test("Ferritin", capacity=1)
    page = lina.get("/lab/setup").text
    assert "Ferritin" in page and 'name="from_0_0" value="08:00"' in page
    week = {f"{part}_{day}_0": at for day in range(7) for part, at in (("from", "9"), ("to", "12:00"))}
    assert lina.post("/lab/setup/hours", data=week | {"stamp": ""}, headers=HTMX).status_code == 200
    assert lab.times(lab.ask(blood)) == [lab.at(9)]
    assert lina.post("/lab/setup/hours", data=week | {"stamp": ""}, headers=HTMX).status_code == 409
    wrong = lina.post("/lab/setup/hours", data=week | {"to_2_0": "8"}, headers=HTMX)
    assert wrong.status_code == 422 and "The end comes after the beginning" in wrong.text
    own = {"version": 0, "slot_minutes": "60", "capacity": "2", "is_offered": "1"}
    assert lina.post(f"/lab/setup/tests/{blood}", data=own, headers=HTMX).status_code == 200
    assert [lab.times(lab.ask(blood))[0] for _ in range(2)] == [lab.at(9), lab.at(10)]
    assert lina.post(f"/lab/setup/tests/{blood}", data=own, headers=HTMX).status_code == 409
    off = {"version": 1, "slot_minutes": "", "capacity": ""}
    assert lina.post(f"/lab/setup/tests/{blood}", data=off, headers=HTMX).status_code == 200
    assert lab.answers(lab.ask(blood))[0][1]["reason"] == "NOT_OFFERED"
    wrong = lina.post(
        f"/lab/setup/tests/{blood}", data=own | {"version": 2, "slot_minutes": "3"}, headers=HTMX
    )
    assert wrong.status_code == 422 and "5 to 480" in wrong.text


def test_the_orders_line_shows_its_tests_and_what_came_out(
    lab: Laboratory, lina: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    row = the_test(lab, lab.test("Potassium"))
    salma = as_person("salma")
    assert "Expected" in salma.get(f"/lab/orders/{row.order_id}/panel", headers=HTMX).text
    press(lina, row, "collect")
    label = lina.get(f"/lab/tests/{row.id}/label").text
    assert "SP-" in label and "<svg" in label
    press(lina, row, "result", component_0="K", value_0="7.1", high_0="5", flag_0="CRITICAL_HIGH")
    panel = salma.get(f"/lab/orders/{row.order_id}/panel", headers=HTMX).text
    assert "7.1" in panel and "critically high" in panel
    assert lina.get(f"/lab/orders/{uuid4()}/panel").status_code == 404


def test_the_desk_gives_another_time_and_sees_no_result(
    lab: Laboratory, lina: FlaskClient, as_person: Callable[[str], FlaskClient]
) -> None:
    row = the_test(lab)
    press(lina, row, "collect")
    press(lina, row, "result", component_0="Secret", value_0="positive")
    amina = as_person("amina")
    shown = amina.get(f"/lab/tests/{row.id}", headers=HTMX).text
    assert "Result entered" in shown and "positive" not in shown
    assert press(amina, row, "verify").status_code == 403
    other = the_test(lab)
    assert press(amina, other, "move", slot=lab.at(12).isoformat()).status_code == 200
    omar = as_person("omar")
    assert omar.get(f"/lab/tests/{row.id}").status_code == 404


def test_a_long_day_asks_no_more_than_a_short_one(
    lab: Laboratory, lina: FlaskClient, count_queries: Callable[[], Any]
) -> None:
    tests = [lab.test(f"Test {number}", capacity=50) for number in range(3)]

    def asked() -> int:
        with count_queries() as statements:
            assert lina.get("/lab").status_code == 200
        return len(statements)

    lab.ask(*tests)
    asked()
    few = asked()
    for _ in range(8):
        lab.ask(*tests)
    assert asked() == few <= 14
