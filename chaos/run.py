"""One run: a world, its people and its saboteur side by side, the end, and what came of it."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.world import World, new_world, plain
from chaos import ending, programs, servers
from chaos.asking import Asking
from chaos.clients import Browser, Log
from chaos.faults import Saboteur
from chaos.journeys import desk, orders
from clinic_web.kernel import clock

ROOT = Path(__file__).parents[1]
SHORT = 1000  # sagas: a shorter run waits for no pause that the program makes between two tries
PATIENCE = {True: 90.0, False: 900.0}
# What the program's own code is told to do now and then, in the middle of a unit of work.
IN_WORKERS = (
    "delivery.after_effect=raise@60,delivery.before_commit=kill@400,transaction.after_commit=kill@900"
)
IN_WEB = "transaction.before_commit=raise@80,transaction.after_commit=kill@250"


# Nobody listens there: a letter waits for its next try, and no order waits for a letter.
NO_MAIL = {"SMTP_URL": "smtp://127.0.0.1:9", "MAIL_FROM": "Clinic Web <desk@example.org>"}


class Journey(Protocol):
    def go(self, browser: Browser, dice: random.Random) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Wanted:
    sagas: int
    seed: int
    people: int = 12
    is_durable: bool = False
    is_calm: bool = False

    @property
    def is_short(self) -> bool:
        return self.sagas <= SHORT


@dataclass
class Outcome:
    """What came of a run; ``wrong`` holds a sentence for each thing that should not be."""

    sagas: int
    seconds: float = 0.0
    rest: float | None = None
    ended: Counter[str] = field(default_factory=Counter)
    harm: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    tries: int = 0
    acknowledged: int = 0
    rows: int = 0
    figures: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        rest = "never" if self.rest is None else f"after {self.rest:.1f} s"
        lines = [
            f"{self.sagas} sagas in {self.seconds:.1f} s ({self.sagas / self.seconds:.1f}/s); at rest {rest}",
            "  ended: " + _listed(self.ended),
            "  harm: " + _listed(self.harm) + f" ({sum(self.harm.values())} in all)",
            "  answers: " + _listed(self.told),
            f"  {self.acknowledged} presses were told that it is done, {self.tries} tries in all",
            *[f"  {each}" for each in self.figures],
            f"  {self.rows:,} rows looked at; {len(self.wrong)} violations",
        ]
        return "\n".join(lines)


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(counted.items())) or "nothing"


def run(wanted: Wanted) -> Outcome:
    logs = ROOT / ".local" / "log" / "chaos"
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.glob("*.log"):
        old.unlink()
    with (
        servers.own(is_quick=not wanted.is_durable) as own,
        new_world("test") as world,
        closing(Asking(plain(world.settings.database_owner_url))) as asking,
    ):
        return _in(wanted, own, world, asking, logs)


def _in(wanted: Wanted, own: servers.Own, world: World, asking: Asking, logs: Path) -> Outcome:
    # Three of four journeys are orders.
    ward: Journey = orders.prepare(world, asking, wanted.sagas)
    journeys = [ward, ward, ward, desk.prepare(world, asking, wanted.sagas)]
    world.settle()
    world.owner.close()
    _say(f"the world is made: {wanted.sagas} sagas begin")
    dice = random.Random(f"{wanted.seed}:house")
    env = world.env | {"REDIS_URL": own.valkey.url(), "FAILPOINTS_SEED": str(wanted.seed)} | NO_MAIL
    failing = {} if wanted.is_calm else {"web": {"FAILPOINTS": IN_WEB}, "worker": {"FAILPOINTS": IN_WORKERS}}
    with programs.running(env, failing, logs, dice) as house:
        return _Run(wanted, own, house, asking, journeys).all(plain(world.settings.database_owner_url))


class _Run:
    def __init__(
        self,
        wanted: Wanted,
        own: servers.Own,
        house: programs.House,
        asking: Asking,
        journeys: list[Journey],
    ) -> None:
        self.wanted, self.own, self.house, self.asking = wanted, own, house, asking
        self.journeys, self.log, self.stopping = journeys, Log(), threading.Event()
        self.outcome, self.lock, self.begun = Outcome(wanted.sagas), threading.Lock(), 0

    def all(self, owner_url: str) -> Outcome:
        began = time.monotonic()
        dice = random.Random(f"{self.wanted.seed}:harm")
        longest = 1.5 if self.wanted.is_short else 6.5
        saboteur = Saboteur(self.own, self.house, owner_url, dice, longest)
        beside = threading.Thread(target=self._harm, args=(saboteur, began))
        beside.start()
        with ThreadPoolExecutor(self.wanted.people) as pool:
            list(pool.map(self._person, range(self.wanted.people)))
        self.outcome.seconds = time.monotonic() - began
        self.stopping.set()
        beside.join()
        self._rest(owner_url)
        self.outcome.harm = saboteur.done
        return self.outcome

    def _person(self, lane: int) -> None:
        dice = random.Random(f"{self.wanted.seed}:person:{lane}")
        browser = Browser(self.house.port, self.log, dice, self.stopping)
        while True:
            with self.lock:
                if self.begun >= self.wanted.sagas:
                    break
                self.begun += 1
            try:
                ended = dice.choice(self.journeys).go(browser, dice)
            except Exception as error:
                ended = f"the driver failed: {type(error).__name__}"
                with self.lock:
                    self.outcome.wrong.append(f"driver: {error!r}")
            with self.lock:
                self.outcome.ended[ended] += 1
        browser.close()

    def _harm(self, saboteur: Saboteur, began: float) -> None:
        plan = [] if self.wanted.is_calm else saboteur.plan(self.wanted.sagas)
        shown = began
        while not self.stopping.wait(0.1):
            if plan and self.begun >= plan[0][0]:
                saboteur.do(plan.pop(0)[1])
            self.own.mend()
            self.house.mend()
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                harm = sum(saboteur.done.values())
                _say(f"{self.begun} sagas in {shown - began:.0f} s, {harm} times harm was done")

    def _rest(self, owner_url: str) -> None:
        self.house.thaw()
        self.house.mend()
        outcome, log = self.outcome, self.log

        def mend() -> None:
            self.own.mend()
            self.house.mend()

        patience, hurry = PATIENCE[self.wanted.is_short], self.wanted.is_short
        began = clock.now()
        rested_at = ending.come_to_rest(self.asking, mend, patience=patience, hurry=hurry)
        if rested_at is None:
            outcome.wrong += ["it never came to rest", *ending.what_is_left(self.asking)]
        else:
            outcome.rest = (rested_at - began).total_seconds()
        outcome.figures = ending.figures_of_orders(self.asking)
        outcome.wrong += ending.stuck(self.asking)
        found, outcome.rows = ending.breaches(owner_url, rested_at)
        outcome.wrong += found
        outcome.wrong += [f"lost: {each}" for each in ending.lost(self.asking, log)]
        outcome.wrong += [f"gave up: {each}" for each in log.given_up]
        outcome.wrong += [f"told otherwise the second time: {each}" for each in log.unlike]
        outcome.told, outcome.tries = log.answers, sum(each.tries for each in log.told)
        waited = max((each.seconds for each in log.told), default=0.0)
        outcome.figures.append(f"nobody waited longer than {waited:.1f} s for an answer, new tries included")
        outcome.acknowledged = sum(each.is_done for each in log.told)


def _say(sentence: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {sentence}", flush=True)
