"""Whatever order and filter a list of any time offers, an index has it: no page sorts all there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from clinic_web.kernel import clock, keyset, listing
from clinic_web.kernel.db import db
from clinic_web.kernel.listing import Grammar
from clinic_web.kernel.statement import Statement
from clinic_web.patients import listing as patients_list
from clinic_web.payments.queries import lists as payments_list
from clinic_web.reception.queries import lists as reception_lists
from tests.cast import Cast

LISTS: dict[str, tuple[Any, Grammar, tuple[str, ...]]] = {
    "payments": (
        payments_list.payments_page, payments_list.GRAMMAR,
        ("state=paid", "state=owing", "clinic", "doctor", "service"),
    ),
    "visits": (
        reception_lists.visits_page, reception_lists.VISITS_ASK,
        ("state=completed", "type=walk-in", "clinic", "doctor", "service"),
    ),
    "appointments": (
        reception_lists.appointments_page, reception_lists.APPOINTMENTS_ASK,
        ("state=completed", "source=phone", "clinic", "doctor", "service"),
    ),
    "patients": (patients_list.patients_page, patients_list.GRAMMAR, ("sex=female", "language=ar")),
}  # fmt: skip
# With sorting made dear, a plan sorts only what no index has in that order; without statistics, always so.
ONLY_ORDER = ("enable_sort", "enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "jit")


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The plans of the pages that were read."""
    seen: list[Any] = []
    plain = keyset._statement

    class Explained:
        def __init__(self, sql: str) -> None:
            self.sql = sql

        def all(self, values: dict[str, Any]) -> list[Any]:
            explained = Statement(f"EXPLAIN (FORMAT JSON) {self.sql}").first(values)
            seen.append(explained[0][0]["Plan"])
            return plain(self.sql).all(values)

    monkeypatch.setattr(keyset, "_statement", Explained)
    return seen


def sorted_whole(plan: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """The scans whose rows are all sorted: between them and the Sort stands no Limit."""
    kind = plan["Node Type"]
    path = () if kind == "Limit" else (*above, kind)
    is_bounded = "moved_at IS NULL" in plan.get("Filter", "")  # what is to come: weeks, not years
    if "Scan" in kind and "Sort" in path and plan.get("Relation Name") and not is_bounded:
        yield plan
    for each in plan.get("Plans", ()):
        if each.get("Parent Relationship") not in ("InitPlan", "SubPlan"):
            yield from sorted_whole(each, path)


@pytest.mark.parametrize("name", LISTS)
def test_every_order_of_any_time_is_an_indexs(name: str, cast: Cast, plans: list[Any]) -> None:
    look, grammar, filters = LISTS[name]
    actor, today = cast.people["mona"].actor, clock.today("Africa/Cairo")
    known = {"clinic": cast.dental, "doctor": cast.salma, "service": cast.filling}
    for setting in ONLY_ORDER:
        db.session.execute(text(f"SET LOCAL {setting} = off"))
    for asked_for in ("", *filters):
        for order in grammar.sorts:
            field, _, value = asked_for.partition("=")
            address = {"sort": f"-{order}", field: value or str(known.get(field, ""))}
            look(actor, listing.read(grammar, address | ({"when": "any"} if grammar.when else {}), today))
            assert list(sorted_whole(plans[-1])) == [], (asked_for, order)


def test_a_sort_over_a_table_would_be_noticed() -> None:
    scan = {"Node Type": "Seq Scan", "Relation Name": "payments"}
    assert list(sorted_whole({"Node Type": "Limit", "Plans": [{"Node Type": "Sort", "Plans": [scan]}]}))
    assert not list(sorted_whole({"Node Type": "Sort", "Plans": [{"Node Type": "Limit", "Plans": [scan]}]}))
