"""The last unit wanted by two orders, with real threads and real commits: one gets it, nobody hangs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from flask import Flask

from clinic_web.inventory import api
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import DomainError
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from tests.inventory.conftest import ORDER, Shelf, adds_up, batch, lay_out, taken
from tests.snapshot import Snapshot
from tests.threads import ThreadPoolExecutor

ROUNDS, THREADS = 15, 20


@pytest.fixture
def real(snapshot: Snapshot, committing: Flask) -> Iterator[Shelf]:
    with committing.app_context():
        with transaction():
            cast = snapshot.lay_out()
        yield lay_out(cast)


def at_once(app: Flask, acts: list[Callable[[], Any]]) -> list[Any]:
    """Do everything at once; return what came of each. What is no refusal, such as a deadlock, is raised."""

    def attempt(act: Callable[[], Any]) -> Any:
        with app.app_context():
            try:
                return act()
            except DomainError as refused:
                return refused
            finally:
                db.session.remove()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(attempt, acts))


def test_the_last_unit_goes_to_exactly_one(committing: Flask, real: Shelf) -> None:
    other = real.medicine("Insulin", "1")
    both = [real.medication_id, other]
    api.hold(real.actor, real.facility_id, [real.line("29")], reference_type=ORDER, reference_id=new_id())
    for number in range(ROUNDS):
        # Half of them ask for the two in the other order: locks are taken in one.
        acts = [
            lambda turn=turn: real.hold_lines(
                [real.line("1", each) for each in both[:: 1 if turn % 2 else -1]]
            )
            for turn in range(THREADS)
        ]
        answers = at_once(committing, acts)
        held = [each for each in answers if isinstance(each, list)]
        assert len(held) == 1, f"round {number}: {answers}"
        assert all(each.reason == "SHORT" for each in answers if not isinstance(each, list))
        api.release(real.actor, taken(held[0]), reference_type=ORDER, reference_id=new_id())
    adds_up()


def test_everybody_at_once_leaves_books_that_agree(committing: Flask, real: Shelf) -> None:
    """Holding, releasing, giving out, counting, receiving: the sums are right and there is no deadlock."""
    random = Random(7)
    second = real.medicine("Ibuprofen", "40", "40")
    batches = [real.soon, real.later]

    def order() -> None:
        lines = [real.line(str(random.randint(1, 3)), each) for each in (real.medication_id, second)]
        random.shuffle(lines)
        held = taken(real.hold_lines(lines))
        random.shuffle(held)
        end = random.choice([api.release, api.issue])
        end(real.actor, held, reference_type=ORDER, reference_id=new_id())

    def correct() -> None:
        change = Decimal(random.choice([-1, 1]))
        api.adjust(real.actor, random.choice(batches), api.Correction(change=change, reason="Found so"))

    acts: list[Callable[[], Any]] = [order] * 60 + [correct] * 20
    acts += [lambda: real.batch(second, "3")] * 10
    random.shuffle(acts)
    at_once(committing, acts)
    adds_up()
    assert batch(real.soon).quantity_reserved == batch(real.later).quantity_reserved == 0
