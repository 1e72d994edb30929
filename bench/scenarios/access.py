"""CPU that a request costs before it does anything, and how soon a revoked session is nobody's.

The guarded route looks the session up, checks the right, tells PostgreSQL the tenant and adds a row to the
access log; then it says a word, as the bare Flask answer does. What it takes more is what is measured, of
all server processes together.
"""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

from bench import crowd
from bench.figures import ROUNDS, Figure, milliseconds
from bench.guarded import GUARDED, OPEN
from bench.load import Ask, require, send
from bench.multiples import BARE, Round, Subject, turns
from bench.programs import Web, web
from bench.world import Person, World
from clinic_web.identity import api as identity
from clinic_web.kernel.db import db

REQUESTS = 1000
# 1.5 ms where a bare answer costs 0.2 ms: a slower machine may take as many times longer.
MOST, WHERE_BARE = 0.0015, 0.0002
PEOPLE = 8
CLOSED_WITHIN = 5.0
BETWEEN = 0.7  # seconds from one end to the next: they fall into every part of a tick
OK = 200


def run(world: World) -> list[Figure]:
    people = [world.person("receptionist") for _ in range(PEOPLE)]
    with web("bench.floor:bare()", world.env) as bare, web("bench.guarded:app()", world.env) as ours:
        guarded, opened = turns(bare, [(world, ours, _guarded(people)), (world, ours, _open())])
        return [_added(guarded, opened), _revoked(world, ours)]


def _guarded(people: list[Person]) -> Subject:
    asks = [people[number % PEOPLE].asks(GUARDED) for number in range(REQUESTS)]
    return Subject("a guarded route", lambda: asks, lambda: None, 200)


def _open() -> Subject:
    return Subject("an open route of ours", lambda: [Ask(OPEN)] * REQUESTS, lambda: None, 200)


def _added(guarded: list[Round], opened: list[Round]) -> Figure:
    """What the open route has PostgreSQL and Redis do is others' work: it asks them nothing."""
    bare = statistics.median(each.bare for each in guarded)
    shell = statistics.median(each.web - each.bare for each in opened)
    web_ = statistics.median(each.web - each.bare for each in guarded)
    postgres = statistics.median(
        each.postgres + each.redis - (other.postgres + other.redis)
        for each, other in zip(guarded, opened, strict=True)
    )
    added = web_ + postgres
    reach = MOST * max(1.0, bare / WHERE_BARE)
    return Figure(
        what="session, right, tenant and access-log row: CPU added to a bare route",
        ours=f"{milliseconds(added)} (web {milliseconds(web_)}, PostgreSQL {milliseconds(postgres)};"
        f" an open route of ours adds {milliseconds(shell)})",
        floor=f"{milliseconds(bare)} bare Flask answer",
        ratio=added / bare,
        reach=f"<= {milliseconds(reach)} here, <= 1.5 ms where bare costs 0.2 ms",
        is_met=added <= reach,
        rests_on=f"{ROUNDS} rounds of {guarded[0].requests} and {BARE} requests",
    )


def _revoked(world: World, ours: Web) -> Figure:
    """End sessions at odd moments: the next request is refused, and the socket is closed by the server."""
    refused, waits = 0, []
    for _ in range(ROUNDS):
        with ThreadPoolExecutor(PEOPLE) as watchers:
            ended = []
            for person in [world.person("receptionist") for _ in range(PEOPLE)]:
                socket = crowd.open_socket(ours.port, {"cookie": person.cookie, "topics": []})
                require(send(ours.port, [person.asks(GUARDED)]), 200)
                closes = watchers.submit(_closed, socket)
                ended.append((_end_session(person), closes))
                refused += send(ours.port, [person.asks(GUARDED)])[0].status != OK
                time.sleep(BETWEEN)
        waits += [closes.result() - at for at, closes in ended]
    longest = max(waits)
    return Figure(
        what="revoked session: next request refused; socket closed after at most",
        ours=f"{refused} of {len(waits)}; {longest:.2f} s",
        reach=f"all; <= {CLOSED_WITHIN:.0f} s",
        is_met=refused == len(waits) and longest <= CLOSED_WITHIN,
        rests_on=f"{len(waits)} sessions, median {statistics.median(waits):.2f} s",
    )


def _end_session(person: Person) -> float:
    """Return when it was ended."""
    session = identity.actor_of_token(person.token)
    assert session is not None
    identity.revoke_session(person.actor, session.session_id)
    db.session.rollback()
    return time.monotonic()


def _closed(socket: crowd.Socket) -> float:
    """Return when the server closed the socket; give up after three times as long as it may take."""
    give_up = time.monotonic() + 3 * CLOSED_WITHIN
    socket.connection.settimeout(1.0)
    while time.monotonic() < give_up:
        try:
            socket.read()
        except TimeoutError:
            continue
        except OSError:
            break
    closed = time.monotonic()
    socket.connection.close()
    return closed
