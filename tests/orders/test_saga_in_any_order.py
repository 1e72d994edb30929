"""The saga against a pharmacy, a billing and a messenger whose words come in any order, late and twice.

They are as small as they can be and keep the contract: one answer per order, repeated when asked again; a
request that comes after its undoing does nothing. Whatever happens to the words between, an order ends whole
or undone, and nothing is held or billed for one that did not succeed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from clinic_web.orders import saga
from clinic_web.orders.deciding import decide, placed
from clinic_web.orders.saga import BILL, NOTIFY, RESERVE, Decision, News, Saga, Tell

BEGIN = datetime(2026, 11, 21, 9, tzinfo=UTC)
RUNS = 4000


@dataclass
class Other:
    """A module that does one step: ``done`` None (never asked), True, False; ``is_gone`` after an undoing."""

    step: str
    will_fail: bool
    done: bool | None = None
    is_gone: bool = False
    times_done: int = 0

    def asked(self) -> News:
        if self.is_gone and self.done is None:
            return News(kind=saga.ANSWER_FAILED, step=self.step, reason="CANCELLED")
        if self.done is None:
            self.done = not self.will_fail
            self.times_done += self.done
        kind = saga.ANSWER_DONE if self.done else saga.ANSWER_FAILED
        return News(kind=kind, step=self.step, reason=None if self.done else "SHORT")

    def undone(self) -> News:
        self.is_gone = True
        return News(kind=saga.ANSWER_UNDONE, step=self.step)

    @property
    def is_in_effect(self) -> bool:
        return bool(self.done) and not self.is_gone


@dataclass
class World:
    """An order, those who work for it, and the words under way between them."""

    random: random.Random
    order: Saga
    now: datetime = BEGIN
    words: list[News | Tell] = field(default_factory=list)
    others: dict[str, Other] = field(default_factory=dict)
    ends: int = 0

    def take(self, decision: Decision) -> None:
        assert decision.saga.status == self.order.status or _leads(self.order.status, decision.saga.status)
        self.order = decision.saga
        for each in decision.tells:
            if each.what == saga.END:
                self.ends += 1
            else:
                self.send(each)

    def send(self, word: News | Tell) -> None:
        if self.random.random() < 0.02:
            return  # its delivery is parked: whoever waits asks again
        self.words += [word] * (2 if self.random.random() < 0.2 else 1)

    def deliver_one(self) -> None:
        word = self.words.pop(self.random.randrange(len(self.words)))
        if isinstance(word, News):
            self.take(decide(self.order, word, self.now))
            return
        other = self.others[word.step]
        self.send(other.asked() if word.what == saga.ASK else other.undone())

    def let_time_pass(self, by: timedelta) -> None:
        self.now += by
        if self.order.look_at and self.order.look_at <= self.now:
            self.take(decide(self.order, News(kind=saga.LOOK), self.now))


def _leads(before: str, after: str) -> bool:
    """Whether moves lead from one status to the other."""
    return any(each == after or _leads(each, after) for each in saga.MOVES[before])


def a_world(seed: int) -> World:
    chance = random.Random(seed)
    first = placed(BEGIN)
    fails = {step: chance.random() < 0.2 for step in saga.STEPS}
    world = World(chance, first.saga, others={step: Other(step, fails[step]) for step in saga.STEPS})
    world.take(first)
    return world


def play(world: World) -> None:
    for _ in range(400):
        something_happens(world)
        if not world.words and world.order.look_at is None:
            return
    while world.words or world.order.look_at:  # and then everything is heard
        if world.words:
            world.deliver_one()
        else:
            world.let_time_pass(timedelta(minutes=30))


def something_happens(world: World) -> None:
    chance, pharmacy = world.random, world.others[RESERVE]
    if world.words and chance.random() < 0.6:
        world.deliver_one()
    elif chance.random() < 0.03:
        world.take(decide(world.order, News(kind=saga.CANCEL, reason="x"), world.now))
    elif chance.random() < 0.03 and pharmacy.is_in_effect:
        # The pharmacist lets it go, or time does, at any moment.
        world.words.append(News(kind=saga.ANSWER_UNDONE, step=RESERVE, reason=chance.choice(LAPSES)))
        pharmacy.is_gone = True
    else:
        world.let_time_pass(timedelta(seconds=chance.choice((1, 10, 40, 300))))


LAPSES = (saga.RELEASED, saga.EXPIRED)


def check(world: World) -> None:
    order, others = world.order, world.others
    states = {step: order.steps[step].state for step in saga.STEPS}
    assert order.status in (*saga.ENDED, saga.NEEDS_HUMAN), order.status
    assert all(other.times_done <= 1 for other in others.values())
    if order.status == saga.COMPLETED:
        assert world.ends == 1
        assert others[BILL].is_in_effect and states[BILL] == saga.DONE
        assert others[RESERVE].is_in_effect == (states[RESERVE] == saga.DONE)
        assert states[NOTIFY] in (saga.DONE, saga.FAILED)
    elif order.status in (saga.FAILED, saga.CANCELLED):
        assert world.ends == 1
        assert not others[RESERVE].is_in_effect and not others[BILL].is_in_effect, states
        assert not set(states.values()) & {saga.ASKED, saga.DONE, saga.UNDOING} - (
            {saga.DONE} if states[NOTIFY] == saga.DONE else set()
        )


def test_any_order_of_words_ends_whole_or_undone() -> None:
    ends = dict.fromkeys(saga.STATUSES, 0)
    for seed in range(RUNS):
        world = a_world(seed)
        play(world)
        try:
            check(world)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {world.order}") from error
        ends[world.order.status] += 1
    assert all(ends[status] > RUNS / 50 for status in saga.ENDED), ends
    assert ends[saga.NEEDS_HUMAN] == 0, "a day of asking outlives any loss"


EVERY_WORD = [
    News(kind=kind, step=step, reason=reason, details=details)
    for kind, step, reason, details in (
        (saga.ANSWER_DONE, RESERVE, None, {"expires_at": "2026-11-22"}),
        (saga.ANSWER_FAILED, RESERVE, "SHORT", {}),
        (saga.ANSWER_UNDONE, RESERVE, saga.RELEASED, {}),
        (saga.ANSWER_UNDONE, RESERVE, saga.EXPIRED, {}),
        (saga.FACT, RESERVE, None, {"dispensings": {"1": saga.PART}}),
        (saga.FACT, RESERVE, None, {"dispensings": {"2": saga.WHOLE}}),
        (saga.FACT, RESERVE, None, {"starts_at": "a", "move_id": "1"}),
        (saga.FACT, RESERVE, None, {"starts_at": "b", "move_id": "2"}),
        (saga.ANSWER_DONE, BILL, None, {"amount": "120.00"}),
        (saga.ANSWER_FAILED, BILL, "NO_PRICE", {}),
        (saga.ANSWER_UNDONE, BILL, None, {"refund_due": "5.00"}),
        (saga.BILL_VOIDED, BILL, None, {"refund_due": "5.00"}),
        (saga.ANSWER_DONE, NOTIFY, None, {}),
        (saga.ANSWER_FAILED, NOTIFY, "NO_ADDRESS", {}),
        (saga.CANCEL, "", "x", {}),
        (saga.CLOSE, "", "x", {}),
        (saga.AGAIN, "", None, {}),
        (saga.LOOK, "", None, {}),
    )
]


def reachable() -> list[Saga]:
    """Every state that words lead to, within five of them."""
    found = {_shape(start := placed(BEGIN).saga): start}
    edge = [start]
    for _ in range(5):
        after = [decide(each, word, BEGIN).saga for each in edge for word in EVERY_WORD]
        edge = [each for each in {_shape(each): each for each in after}.values() if _shape(each) not in found]
        found |= {_shape(each): each for each in edge}
    return list(found.values())


def _shape(order: Saga) -> str:
    return str((order.status, [(each.state, sorted(each.details.items())) for each in order.steps.values()]))


def test_a_word_that_comes_twice_changes_nothing_the_second_time() -> None:
    states = reachable()
    assert len(states) > 200
    for order in states:
        for word in EVERY_WORD:
            once = decide(order, word, BEGIN)
            twice = decide(once.saga, word, BEGIN)
            if word.kind == saga.LOOK or (once.saga.status, word.kind) == (saga.COMPENSATING, saga.AGAIN):
                continue
            same_word_means_more = word.kind == saga.ANSWER_UNDONE and once.tells
            assert same_word_means_more or not twice.tells, (order, word)
            assert not twice.has_changed or same_word_means_more, (order, word)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"dispensings": {"1": saga.PART}}, {"dispensings": {"2": saga.WHOLE}}),
        ({"dispensings": {"1": saga.WHOLE}}, {"dispensings": {"2": f"{saga.TAKEN_BACK}1"}}),
        ({"starts_at": "a", "move_id": "1"}, {"starts_at": "b", "move_id": "2"}),
    ],
)
def test_two_facts_mean_the_same_in_any_order(first: dict[str, str], second: dict[str, str]) -> None:
    for order in reachable():
        ends = []
        for pair in ((first, second), (second, first)):
            after = order
            for details in pair:
                after = decide(after, News(kind=saga.FACT, step=RESERVE, details=details), BEGIN).saga
            ends.append(after)
        assert ends[0] == ends[1]


def test_the_second_time_of_a_test_outlives_its_first_that_comes_later() -> None:
    order = placed(BEGIN).saga
    moved = News(kind=saga.FACT, step=RESERVE, details={"starts_at": "later", "move_id": "1"})
    order = decide(order, moved, BEGIN).saga
    order = decide(
        order, News(kind=saga.ANSWER_DONE, step=RESERVE, details={"starts_at": "first"}), BEGIN
    ).saga
    assert (order.status, order.steps[RESERVE].details["starts_at"]) == (saga.FULFILLING, "later")


def test_a_step_that_was_not_asked_for_can_not_answer() -> None:
    order = placed(BEGIN).saga
    for step in (BILL, NOTIFY):
        for kind in (saga.ANSWER_DONE, saga.ANSWER_FAILED, saga.ANSWER_UNDONE):
            heard = decide(order, News(kind=kind, step=step), BEGIN)
            assert not heard.has_changed and [each.what for each in heard.notes] == [saga.IGNORED]


def test_who_never_answers_is_asked_again_then_undone_then_handed_to_a_human() -> None:
    order, now, asked, undone = placed(BEGIN).saga, BEGIN, 1, 0
    pauses: list[timedelta] = []
    while order.look_at:
        pauses.append(order.look_at - now)
        now = order.look_at
        decision = decide(order, News(kind=saga.LOOK), now)
        asked += sum(each.what == saga.ASK for each in decision.tells)
        undone += sum(each.what == saga.UNDO for each in decision.tells)
        order = decision.saga
    assert asked == 20, "each half minute for ten minutes"
    assert (order.status, order.reason, order.failed_step) == (saga.NEEDS_HUMAN, saga.TIMED_OUT, RESERVE)
    assert 24 < undone < 40 and max(pauses) == saga.LONGEST_PAUSE
    assert now - BEGIN >= saga.GIVE_UP
    healed = decide(order, News(kind=saga.ANSWER_UNDONE, step=RESERVE), now)
    assert healed.saga.status == saga.FAILED and [each.what for each in healed.tells] == [saga.END]
    closed = decide(order, News(kind=saga.CLOSE, reason="by telephone"), now)
    assert closed.saga.status == saga.FAILED
    again = decide(order, News(kind=saga.AGAIN), now)
    assert again.saga.status == saga.COMPENSATING and again.saga.look_at


def test_what_is_with_the_patient_is_what_was_given_and_not_taken_back() -> None:
    given = {"1": saga.PART, "2": saga.WHOLE}
    assert saga.dispensed({}) is None
    assert saga.dispensed({"1": saga.PART}) == saga.PART
    assert saga.dispensed(given) == saga.WHOLE
    assert saga.dispensed(given | {"3": f"{saga.TAKEN_BACK}1"}) == saga.PART
    assert saga.dispensed(given | {"3": f"{saga.TAKEN_BACK}1", "4": saga.WHOLE}) == saga.WHOLE
    taken_back = {"1": saga.WHOLE, "2": f"{saga.TAKEN_BACK}1"}
    assert saga.dispensed(taken_back) is None
