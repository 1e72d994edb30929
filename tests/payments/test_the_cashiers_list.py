"""Which payments stand on a day's list, in which order, through which filters, and at what cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.errors import RuleBroken
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.payments import api, forms, live
from clinic_web.payments.queries import day as queries_day
from clinic_web.payments.queries.day import DayFilters
from clinic_web.payments.service import viewing
from clinic_web.ui.sockets import Joiner
from tests import factories
from tests.cast import Cast
from tests.payments.conftest import Opens

CAIRO = "Africa/Cairo"


@pytest.fixture
def farida(cast: Cast) -> Actor:
    return cast.people["farida"].actor


def listed(actor: Actor, day: date | None = None, **filters: Any) -> list[UUID]:
    asked = DayFilters(day=day or clock.today(CAIRO), **filters)
    return [each.row.id for each in viewing.day_page(actor, asked).rows]


def pay(actor: Actor, payment_id: UUID, amount: str = "600", method: str = "CASH") -> None:
    api.take(actor, payment_id=payment_id, amount=Decimal(amount), method=method, key=str(new_id()))


@pytest.fixture
def at_noon() -> Any:
    """The clock of the program stands at noon of a summer day in Cairo (09:00 UTC)."""
    noon = datetime(2026, 7, 15, 9, 0, tzinfo=UTC)
    clock.shift(noon - datetime.now(UTC))
    yield noon
    clock.shift(timedelta(0))


def test_todays_list_holds_what_is_due_today_and_what_moved_today(
    at_noon: datetime, farida: Actor, opens: Opens
) -> None:
    walk_in = opens().payment_id
    booked = opens(due_at=at_noon + timedelta(hours=3)).payment_id
    tomorrow = opens(due_at=at_noon + timedelta(days=1)).payment_id
    paid_ahead = opens(due_at=at_noon + timedelta(days=9)).payment_id
    pay(farida, paid_ahead, "100")

    assert set(listed(farida)) == {walk_in, booked, paid_ahead}
    assert listed(farida, date(2026, 7, 16)) == [tomorrow]
    assert listed(farida, date(2026, 7, 24)) == [paid_ahead]


def test_a_day_is_the_facilitys_own(at_noon: datetime, farida: Actor, opens: Opens) -> None:
    before_midnight = opens(due_at=datetime(2026, 7, 14, 20, 59, tzinfo=UTC)).payment_id  # 23:59 in Cairo
    after_midnight = opens(due_at=datetime(2026, 7, 14, 21, 0, tzinfo=UTC)).payment_id

    assert listed(farida, date(2026, 7, 14)) == [before_midnight]
    assert listed(farida, date(2026, 7, 15)) == [after_midnight]


def test_what_happened_last_stands_first_and_the_expected_below(
    at_noon: datetime, farida: Actor, opens: Opens
) -> None:
    clock.shift(clock.offset() - timedelta(days=2))
    expected = opens(due_at=at_noon + timedelta(hours=1)).payment_id
    clock.shift(clock.offset() + timedelta(days=2))
    early = opens(due_at=at_noon - timedelta(hours=3)).payment_id
    late = opens(due_at=at_noon - timedelta(hours=1)).payment_id
    assert listed(farida) == [late, early, expected]

    pay(farida, early, "10")
    assert listed(farida) == [early, late, expected]


def test_filters_narrow_the_list_and_counts_follow(farida: Actor, opens: Opens, cast: Cast) -> None:
    salmas, karims = opens().payment_id, opens(doctor_id=cast.karim).payment_id
    at_eye = opens(clinic_id=cast.eye, doctor_id=None, service_id=None).payment_id
    pay(farida, salmas, "600", "VISA")
    pay(farida, karims, "100")

    assert listed(farida, state="paid") == [salmas]
    assert listed(farida, state="part-paid") == [karims]
    assert listed(farida, state="to-pay") == [at_eye]
    assert set(listed(farida, state="owing")) == {karims, at_eye}
    assert listed(farida, method="VISA") == [salmas]
    assert listed(farida, doctor_id=cast.karim) == [karims]
    assert listed(farida, clinic_id=cast.eye) == [at_eye]
    shown = viewing.day_page(farida, DayFilters(day=clock.today(CAIRO), method="VISA")).day
    assert (shown.number, shown.number_in("paid"), shown.number_in("to-pay")) == (1, 1, 0)
    assert shown.taken == {"CASH": Decimal(100), "VISA": Decimal(600)}  # the equation stays whole


def test_a_change_is_seen_at_once_although_the_list_is_cached(farida: Actor, opens: Opens) -> None:
    first = opens().payment_id
    assert listed(farida) == [first]

    second = opens().payment_id
    assert set(listed(farida)) == {first, second}
    pay(farida, first)
    assert listed(farida, state="paid") == [first]


def test_older_pages_follow_without_gaps(
    farida: Actor, opens: Opens, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries_day, "PAGE", 3)
    patient_id = factories.patient(organization_id=cast.organization_id)
    made = {opens(patient_id=patient_id).payment_id for _ in range(8)}

    seen: list[UUID] = []
    before = None
    for _ in range(3):
        page = viewing.day_page(farida, DayFilters(day=clock.today(CAIRO), before=before))
        seen += [each.row.id for each in page.rows]
        before = page.day.older

    assert before is None
    assert len(seen) == 8 and set(seen) == made


@pytest.mark.parametrize("rows", [1, 40])
def test_a_list_costs_seven_queries_whatever_its_length(
    farida: Actor, opens: Opens, cast: Cast, count_queries: Callable[[], Any], rows: int
) -> None:
    with transaction():
        push.changed(organization.topic(cast.organization_id))  # as every change of the organization does
    for _ in range(rows):
        pay(farida, opens().payment_id, "10")
    organization.directory(cast.organization_id)

    with count_queries() as queries:
        assert len(listed(farida)) == rows
    with count_queries() as again:
        assert len(listed(farida)) == rows

    assert len(queries) <= 7
    assert len(again) <= 5  # where clinics and visits stand, names, whom to hear, the access row


def test_an_address_with_impossible_filters_is_refused() -> None:
    today = date(2026, 7, 15)
    for wrong in (
        {"day": "yesterday"},
        {"day": "0001-01-01"},
        {"state": "rich"},
        {"method": "BARTER"},
        {"clinic": "1"},
        {"before": "2026-07-15"},
        {"before": f"2026-07-15T10:00:00~{new_id()}"},
    ):
        with pytest.raises(RuleBroken):
            forms.read_filters(wrong, today)


def test_an_address_says_what_is_filtered_and_nothing_else() -> None:
    today, row = date(2026, 7, 15), new_id()
    end = (datetime(2026, 7, 15, 10, 0, tzinfo=UTC), row)
    asked = forms.to_address(DayFilters(day=today, state="paid", before=end), today)

    assert asked == {"state": "paid", "before": f"2026-07-15T10:00:00+00:00~{row}"}
    assert forms.read_filters(asked, today).before == end


def test_only_people_of_the_facility_with_the_right_hear_its_payments(cast: Cast) -> None:
    def may(name: str) -> bool:
        joiner = Joiner(actor=cast.people[name].actor, display_id=None)
        return live.may_join(joiner, live.payments_topic(cast.dental))

    assert may("farida") and may("amina")
    assert not may("salma")
    assert not may("omar")
    assert not live.may_join(Joiner(actor=None, display_id=new_id()), live.payments_topic(cast.dental))
