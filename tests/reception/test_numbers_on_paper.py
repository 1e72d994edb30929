"""Numbers on paper: reserved as rows, entered with patient and time, the unused void; always gapless."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from clinic_web.kernel import clock
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import NotAllowed, NotFound, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.tables import DomainEvent
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.reception.models import NumberBlock, QueueDay, QueueNumber, Visit
from clinic_web.reception.queries.blocks import open_numbers
from clinic_web.reception.service import blocks, walking_in
from clinic_web.reception.service.blocks import Entered, Reserved, Written
from clinic_web.reception.service.walking_in import WalkIn
from tests.reception.desk import CAIRO, Desk
from tests.reception.test_races import at_once, some_patients

Browser = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true", "HX-Target": "hand"}


def reserve(desk: Desk, count: int = 20, key: str | None = None) -> Reserved:
    return blocks.reserve(desk.amina, desk.cast.dental_queue, count, "power cut", key=key or str(uuid4()))


def slip(desk: Desk, number: int, **fields: object) -> Written:
    at = clock.now() - timedelta(minutes=40)
    asked: dict[str, object] = {
        "patient_id": None,
        "service_id": desk.cast.cleaning,
        "written_at": at,
        **fields,
    }
    asked["patient_id"] = asked["patient_id"] or desk.patient()
    return Written(number=number, **asked)  # type: ignore[arg-type]


def enter(desk: Desk, block: Reserved, written: Written, key: str | None = None) -> Entered:
    return blocks.enter(desk.amina, block.block_id, written, key=key or str(uuid4()))


def states(desk: Desk) -> list[str]:
    mine = select(QueueNumber.state).where(QueueNumber.queue_id == desk.cast.dental_queue)
    return list(db.session.scalars(mine.order_by(QueueNumber.number)))


def test_reserved_numbers_are_rows_and_walk_ins_draw_after_them(desk: Desk) -> None:
    desk.walk_in()
    block = reserve(desk, 3, key="one press")
    assert reserve(desk, 3, key="one press") == block
    assert (block.first_number, block.last_number) == (2, 4)
    assert desk.walk_in().ticket == "D-005"
    assert states(desk) == ["ISSUED", "RESERVED", "RESERVED", "RESERVED", "ISSUED"]
    today = clock.today("Africa/Cairo")
    assert open_numbers(desk.amina, desk.cast.facility_id, today) == {desk.cast.dental_queue: 3}


def test_a_slip_becomes_a_visit_that_has_waited_since_it_was_written(desk: Desk) -> None:
    earlier = desk.walk_in()
    block = reserve(desk, 2)
    written = slip(desk, 3)
    entered = enter(desk, block, written, key="one press")
    assert enter(desk, block, written, key="one press") == entered
    visit = desk.visit(entered.visit_id)
    assert (visit.ticket, visit.queue_number, visit.status) == ("D-003", 3, "WAITING")
    assert visit.check_in_time == written.written_at
    called = desk.next()
    assert called is not None and called.visit_id == entered.visit_id  # written down before the walk-in came
    assert earlier.ticket == "D-001"
    told = db.session.scalars(select(DomainEvent.event_type).where(DomainEvent.aggregate_id == visit.id))
    assert "visit.opened" in set(told)
    with pytest.raises(StaleScreen, match="entered already"):
        enter(desk, block, slip(desk, 3))


def test_who_was_seen_during_the_cut_only_has_to_pay(desk: Desk) -> None:
    block = reserve(desk, 2)
    with pytest.raises(RuleBroken, match="which doctor"):
        enter(desk, block, slip(desk, 1, was_seen=True))
    entered = enter(desk, block, slip(desk, 1, was_seen=True, doctor_id=desk.cast.salma))
    visit = desk.visit(entered.visit_id)
    assert (visit.status, visit.attending_id) == ("PENDING_PAYMENT", desk.cast.salma)


def test_unused_numbers_are_void_with_a_reason_and_never_used_again(desk: Desk) -> None:
    block = reserve(desk, 3)
    enter(desk, block, slip(desk, 2))
    with pytest.raises(RuleBroken):
        blocks.void_unused(desk.amina, block.block_id, " ")
    assert blocks.void_unused(desk.amina, block.block_id, "lost", number=1) == 1
    assert blocks.void_unused(desk.amina, block.block_id, "power is back") == 1
    assert states(desk) == ["VOID", "ISSUED", "VOID"]
    with pytest.raises(StaleScreen, match="open any more"):
        blocks.void_unused(desk.amina, block.block_id, "again")
    with pytest.raises(StaleScreen, match="is void"):
        enter(desk, block, slip(desk, 3))


def test_a_day_that_is_over_takes_only_who_was_seen(desk: Desk, at: Callable[[datetime], None]) -> None:
    block = reserve(desk, 2)
    then = clock.now()
    tomorrow = clock.local(then, "Africa/Cairo").date() + timedelta(days=1)
    at(datetime.combine(tomorrow, time(9), CAIRO))
    with pytest.raises(RuleBroken, match="day is over"):
        enter(desk, block, slip(desk, 1, written_at=then))
    with pytest.raises(RuleBroken, match="on the day of these numbers"):
        enter(desk, block, slip(desk, 1))
    entered = enter(desk, block, slip(desk, 1, written_at=then, was_seen=True, doctor_id=desk.cast.salma))
    assert desk.visit(entered.visit_id).queue_day == tomorrow - timedelta(days=1)


def test_what_does_not_fit_is_refused(desk: Desk) -> None:
    block = reserve(desk, 2)
    present = desk.walk_in()
    patient = desk.visit(present.visit_id).patient_id
    for wrong, sentence in (
        (slip(desk, 9), "not one of these"),
        (slip(desk, 1, patient_id=patient), "already in this line"),
        (slip(desk, 1, written_at=clock.now() + timedelta(minutes=5)), "Give the time"),
    ):
        with pytest.raises(RuleBroken, match=sentence):
            enter(desk, block, wrong)
    for count in (0, 201):
        with pytest.raises(RuleBroken, match="between 1 and"):
            reserve(desk, count)
    with pytest.raises(NotFound):
        blocks.void_unused(desk.omar, block.block_id, "mine")
    with pytest.raises(NotAllowed):
        blocks.reserve(desk.salma, desk.cast.dental_queue, 2, "power cut", key="k")
    assert states(desk)[:2] == ["RESERVED", "RESERVED"]


def test_postgresql_keeps_blocks_apart_and_reserved_numbers_in_them(desk: Desk) -> None:
    block = db.session.get_one(NumberBlock, reserve(desk, 5).block_id)
    copy = {each.key: getattr(block, each.key) for each in NumberBlock.__mapper__.column_attrs}
    with pytest.raises(IntegrityError, match="no_overlap"), transaction():
        db.session.add(NumberBlock(**{**copy, "id": new_id(), "first_number": 5, "last_number": 9}))
    with pytest.raises(IntegrityError, match="reserved_in_a_block"), transaction():
        number = db.session.scalars(select(QueueNumber).where(QueueNumber.block_id == block.id)).first()
        assert number is not None
        number.block_id = None


def test_the_pages_reserve_print_enter_and_void(desk: Desk, as_person: Browser) -> None:
    amina = as_person("amina")
    url = f"/queues/{desk.cast.dental_queue}/paper"
    assert amina.post(url, data={"count": "2", "idempotency_key": "k"}, headers=HTMX).status_code == 422
    answer = amina.post(url, data={"count": "٢", "reason": "power cut", "idempotency_key": "k"}, headers=HTMX)
    assert answer.status_code == 200 and "2 numbers are reserved" in answer.text
    page = amina.get(url).text
    assert "D-001" in page and "2 open" in page
    block = db.session.scalars(select(NumberBlock)).one()
    slips = amina.get(f"/paper/{block.id}/slips?roll=1").text
    assert slips.count("paper-slip") == 2 and "D-002" in slips
    assert "2 numbers open" in amina.get("/queues/list").text

    patient = desk.patient()
    hand = f"/desk/hand/patient/{patient}"
    assert "Enter a number from paper" in amina.get(f"{hand}?clinic={desk.cast.dental}", headers=HTMX).text
    form = amina.get(f"{hand}/paper?clinic={desk.cast.dental}", headers=HTMX).text
    chosen = re.search(r'<option value="([^"|]+\|2)"', form)
    assert chosen
    fields = {
        "clinic": str(desk.cast.dental),
        "number": chosen.group(1),
        "written_at": "9:50",
        "service": str(desk.cast.cleaning),
        "idempotency_key": "e",
    }
    wrong = amina.post(f"{hand}/paper", data=fields | {"written_at": "soon"}, headers=HTMX)
    assert wrong.status_code == 422 and 'value="soon"' in wrong.text
    entered = amina.post(f"{hand}/paper", data=fields, headers=HTMX)
    assert entered.status_code == 200 and "D-002" in entered.text, entered.text
    void = {"queue": str(desk.cast.dental_queue), "reason": ""}
    refused = amina.post(f"/paper/{block.id}/void", data=void, headers=HTMX)
    assert refused.status_code == 422 and "in a few words" in refused.text
    done = amina.post(f"/paper/{block.id}/void", data=void | {"reason": "power is back"}, headers=HTMX)
    assert "1 number is void" in done.text and states(desk) == ["VOID", "ISSUED"]
    assert as_person("salma").get(url).status_code == 403
    assert as_person("omar").get(url).status_code == 404
    assert as_person("omar").get(f"/paper/{block.id}/slips").status_code == 404


def test_slips_are_entered_while_walk_ins_draw_and_blocks_are_reserved(real_desk: Desk) -> None:
    block = reserve(real_desk, 20)
    patients = some_patients(real_desk, 45)
    at = clock.now()
    cleaning = real_desk.cast.cleaning

    def entry(place: int) -> Callable[[], object]:
        number = 1 + place % 20  # two people read the same slip twice
        written = Written(number=number, patient_id=patients[place], service_id=cleaning, written_at=at)
        return lambda: blocks.enter(real_desk.amina, block.block_id, written, key=str(place))

    def walk_in(place: int) -> Callable[[], object]:
        asked = WalkIn(patient_id=patients[25 + place], service_id=cleaning)
        return lambda: walking_in.open_walk_in(real_desk.amina, asked, key=f"w{place}")

    acts = [entry(place) for place in range(25)] + [walk_in(place) for place in range(20)]
    acts[7:7] = [lambda: reserve(real_desk, 10)]
    answers = at_once(acts[::2] + acts[1::2], workers=20)
    assert sum(isinstance(answer, StaleScreen) for answer in answers) == 5
    numbers = db.session.scalars(select(QueueNumber.number).order_by(QueueNumber.number)).all()
    assert list(numbers) == list(range(1, 51))
    assert db.session.scalars(select(QueueDay.last_number)).all() == [50]
    held = db.session.scalar(select(func.count()).select_from(Visit))
    open_now = db.session.scalar(select(func.count()).where(QueueNumber.state == "RESERVED"))
    assert (held, open_now) == (40, 10)
