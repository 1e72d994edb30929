"""Many people at once, on real connections: what PostgreSQL decides when two press at the same instant."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

from flask import current_app
from sqlalchemy import func, select, text

from clinic_web.kernel import clock, delivery
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import Busy, DomainError
from clinic_web.kernel.unit_of_work import has_committed, run_again, transaction
from clinic_web.organization import api as organization
from clinic_web.payments import api as payments
from clinic_web.reception import api as reception
from clinic_web.reception.api import PastVisit
from clinic_web.reception.models import Appointment, QueueDay, QueueNumber, Visit
from clinic_web.reception.service import booking, calling, finishing, walking_in
from clinic_web.reception.service.booking import Booking
from clinic_web.reception.service.payables import open_payment_for
from clinic_web.reception.service.walking_in import WalkIn
from clinic_web.reception.slots import SlotTaken
from tests import factories
from tests.reception.desk import Desk
from tests.threads import ThreadPoolExecutor

T = TypeVar("T")
AT_ONCE = 20


class Stumble(Exception):
    """What a test lets go wrong just before the commit."""


def patiently(use_case: Callable[[], T]) -> T:
    """Press again when told that the system is busy, as people do: a starved machine may say so."""
    for _ in range(5):
        try:
            return run_again(use_case)
        except Busy:
            db.session.rollback()
    return run_again(use_case)


def at_once(acts: Iterable[Callable[[], T]], *, workers: int = AT_ONCE) -> list[T | Exception]:
    """Run all acts from many threads, each in an application context of its own; return what came of them."""

    app = current_app._get_current_object()  # type: ignore[attr-defined]
    start = threading.Barrier(workers)

    def perform(act: Callable[[], T]) -> T | Exception:
        with app.app_context():
            try:
                return patiently(act)
            except (DomainError, Stumble) as error:
                return error

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda _: start.wait(5), range(workers)))
        return list(pool.map(perform, list(acts)))


def some_patients(desk: Desk, count: int) -> list[UUID]:
    ids = [factories.patient(organization_id=desk.cast.organization_id) for _ in range(count)]
    db.session.commit()
    return ids


def test_a_hundred_bookings_at_once_have_the_numbers_one_to_n(real_desk: Desk) -> None:
    patients = some_patients(real_desk, 100)
    starts = [real_desk.tomorrow(8) + timedelta(minutes=20 * slot) for slot in range(40)]
    doctors = [real_desk.cast.salma, real_desk.cast.karim]

    def book(number: int) -> Callable[[], str | None]:
        wanted = Booking(
            patient_id=patients[number],
            service_id=real_desk.cast.cleaning,
            doctor_id=doctors[number % 2],
            start_time=starts[number // 2 % 40],
        )
        return lambda: booking.book(real_desk.amina, wanted, key=str(number)).ticket

    answers = at_once(book(number) for number in range(100))
    tickets = [answer for answer in answers if isinstance(answer, str)]
    refused = [answer for answer in answers if not isinstance(answer, str)]
    assert sorted(tickets) == [f"D-{number:03d}" for number in range(1, len(tickets) + 1)]
    assert all(isinstance(answer, SlotTaken) for answer in refused)
    assert (len(tickets), len(refused)) == (80, 20)
    _numbers_are_gapless(80)
    assert _count(Appointment) == 80


def test_when_one_in_ten_breaks_the_numbers_are_gapless_all_the_same(real_desk: Desk) -> None:
    patients = some_patients(real_desk, 100)

    def walk_in(number: int) -> Callable[[], str]:
        def act() -> str:
            with transaction():
                asked = WalkIn(patient_id=patients[number], service_id=real_desk.cast.cleaning)
                ticket = walking_in.open_walk_in(real_desk.amina, asked, key=str(number)).ticket
                if number % 10 == 7:
                    raise Stumble
                return ticket

        return act

    answers = at_once(walk_in(number) for number in range(100))
    assert sum(isinstance(answer, Stumble) for answer in answers) == 10
    tickets = sorted(answer for answer in answers if isinstance(answer, str))
    assert tickets == [f"D-{number:03d}" for number in range(1, 91)]
    _numbers_are_gapless(90)


def test_one_slot_wanted_by_twenty_goes_to_one(real_desk: Desk) -> None:
    patients = some_patients(real_desk, AT_ONCE)

    def book(number: int) -> Callable[[], object]:
        wanted = Booking(
            patient_id=patients[number],
            service_id=real_desk.cast.cleaning,
            doctor_id=real_desk.cast.salma,
            start_time=real_desk.tomorrow(9),
        )
        return lambda: booking.book(real_desk.amina, wanted, key=str(number))

    answers = at_once(book(number) for number in range(AT_ONCE))
    refused = [answer for answer in answers if isinstance(answer, SlotTaken)]
    assert len(refused) == AT_ONCE - 1
    assert all(slot.start_time != real_desk.tomorrow(9) or slot.doctor_id != real_desk.cast.salma
               for answer in refused for slot in answer.nearest)  # fmt: skip
    _numbers_are_gapless(1)


def test_a_double_click_is_one_number(real_desk: Desk) -> None:
    (patient,) = some_patients(real_desk, 1)
    asked = WalkIn(patient_id=patient, service_id=real_desk.cast.cleaning)
    answers = at_once(
        [lambda: walking_in.open_walk_in(real_desk.amina, asked, key="one press")] * 10, workers=10
    )
    assert len(set(map(str, answers))) == 1
    _numbers_are_gapless(1)


def test_one_patient_at_two_desks_gets_one_place(real_desk: Desk) -> None:
    (patient,) = some_patients(real_desk, 1)
    asked = WalkIn(patient_id=patient, service_id=real_desk.cast.cleaning)
    answers = at_once(
        [lambda: walking_in.open_walk_in(real_desk.amina, asked, key=str(uuid4()))] * 10, workers=10
    )
    assert sum(not isinstance(answer, Exception) for answer in answers) == 1
    assert all("D-001" in str(getattr(answer, "values", "D-001")) for answer in answers)
    _numbers_are_gapless(1)


def test_twenty_doctors_call_two_hundred_none_twice_none_left(real_desk: Desk) -> None:
    cast = real_desk.cast
    doctors = [
        factories.doctor(
            organization_id=cast.organization_id,
            facility_id=cast.facility_id,
            clinics=[cast.dental],
            first_name=f"Doctor {number}",
            all_day=False,
        )
        for number in range(20)
    ]
    _waiting(real_desk, 200)

    def calls(doctor: UUID) -> Callable[[], list[UUID]]:
        from dataclasses import replace

        actor = replace(real_desk.salma, staff_id=doctor)

        def act() -> list[UUID]:
            mine = []
            while called := patiently(lambda: calling.call_next(actor, key=str(uuid4()))):
                mine.append(called.visit_id)
                patiently(partial(calling.open_visit, actor, called.visit_id, version=called.version))
            return mine

        return act

    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = db.session.scalar(text(deadlocks))
    db.session.rollback()  # a transaction sees the statistics it saw first
    answers = at_once((calls(doctor) for doctor in doctors), workers=20)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    called = Counter(visit for mine in answers if isinstance(mine, list) for visit in mine)
    assert len(called) == 200
    assert set(called.values()) == {1}
    assert db.session.scalar(select(func.count()).where(Visit.status == "PENDING_PAYMENT")) == 200
    assert db.session.scalar(text(deadlocks)) == before


def test_a_doctor_with_many_tabs_has_one_patient(real_desk: Desk) -> None:
    _waiting(real_desk, 10)
    for _ in range(5):
        answers = at_once([lambda: calling.call_next(real_desk.salma, key=str(uuid4()))] * 8, workers=8)
        called = {answer.visit_id for answer in answers if isinstance(answer, calling.Called)}
        assert len(called) == 1, answers
        (visit_id,) = called
        calling.open_visit(real_desk.salma, visit_id, version=real_desk.visit(visit_id).version)
        db.session.rollback()
    assert db.session.scalar(select(func.count()).where(Visit.status == "WAITING")) == 5


def test_two_doctors_want_the_same_patient_and_one_gets_them(real_desk: Desk) -> None:
    for _ in range(5):
        _two_doctors_want_one(real_desk)


def _two_doctors_want_one(desk: Desk) -> None:
    (visit_id,) = _waiting(desk, 1)
    version = desk.visit(visit_id).version
    db.session.rollback()
    answers = at_once(
        [
            lambda: calling.call(desk.salma, visit_id, version=version),
            lambda: calling.call(desk.karim, visit_id, version=version),
        ],
        workers=2,
    )
    assert sum(isinstance(answer, calling.Called) for answer in answers) == 1, answers
    visit = desk.visit(visit_id)
    actor = desk.salma if visit.attending_id == desk.cast.salma else desk.karim
    opened = calling.open_visit(actor, visit_id, version=visit.version)
    finishing.finish(actor, visit_id, version=opened.version)


def test_money_and_finish_at_the_same_instant_never_miss_each_other(real_desk: Desk) -> None:
    for _ in range(15):
        _money_and_finish_meet(real_desk)


def _money_and_finish_meet(desk: Desk) -> None:
    visit_id, payment_id, version = _in_room(desk)
    farida, all_of_it, key = desk.cast.people["farida"].actor, Decimal("450.00"), str(visit_id)
    answers: list[object] = at_once(
        [
            lambda: finishing.finish(desk.salma, visit_id, version=version),
            lambda: payments.take(farida, payment_id=payment_id, amount=all_of_it, method="CASH", key=key),
        ],
        workers=2,
    )
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    while delivery.deliver_next("events"):
        pass
    assert desk.visit(visit_id).status == "COMPLETED"
    db.session.rollback()


def _in_room(desk: Desk) -> tuple[UUID, UUID, int]:
    (patient,) = some_patients(desk, 1)
    opened = desk.walk_in(patient_id=patient)
    called = desk.next()
    assert called is not None and called.visit_id == opened.visit_id
    inside = calling.open_visit(desk.salma, called.visit_id, version=called.version)
    db.session.rollback()
    return opened.visit_id, opened.payment_id, inside.version


def _waiting(desk: Desk, count: int) -> list[UUID]:
    """Let so many patients wait for anyone, each with a number and a payment."""
    system, terms = desk.system, organization.terms(desk.amina, desk.cast.cleaning, None)
    visits = [
        PastVisit(
            patient_id=patient,
            service_id=desk.cast.cleaning,
            clinic_id=terms.clinic_id,
            facility_id=terms.facility_id,
            doctor_id=None,
            status="WAITING",
            came_at=clock.now(),
            has_number=True,
        )
        for patient in some_patients(desk, count)
    ]
    with transaction():
        reception.import_past_visits(system, visits)
        for visit in visits:
            open_payment_for(system, visit, terms, visit_id=visit.id, ticket=None)
    return [visit.id for visit in visits]


def _numbers_are_gapless(count: int) -> None:
    numbers = db.session.scalars(select(QueueNumber.number).order_by(QueueNumber.number)).all()
    assert list(numbers) == list(range(1, count + 1))
    assert db.session.scalars(select(QueueDay.last_number)).all() == [count]
    held = db.session.scalars(select(Visit.queue_number).order_by(Visit.queue_number)).all()
    assert list(held) == list(range(1, count + 1))


def _count(table: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_a_press_that_found_nothing_to_do_in_one_statement_has_committed_nothing(real_desk: Desk) -> None:
    """Else a long way that then finds the database busy would be answered "this was done"."""
    real_desk.walk_in()
    doctor = calling._doctor(real_desk.karim)
    with current_app.app_context():  # as each request has one of its own
        assert calling._call_at_once(real_desk.karim, doctor, "first") is not None
        assert has_committed()
    with current_app.app_context():
        assert calling._call_at_once(real_desk.karim, doctor, "second") is None
        assert not has_committed()
