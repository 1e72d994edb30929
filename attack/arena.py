"""Who is attacked and by whom, and how a request gets to the running program."""

from __future__ import annotations

import contextlib
import http.client
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, session
from flask_wtf.csrf import generate_csrf

from attack import places
from attack.doors import COLLEAGUE, OTHER_FACILITY, OTHER_TENANT, OWN, SIGN_IN, Holder, expected
from attack.places import Place, Someone
from clinic_web.identity import api as identity
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.ui import policies
from clinic_web.ui.policies import ROUTE, Policy

NOBODY, NO_RIGHTS, PROGRAM, NARROW = "nobody", "no rights", "program", "program without rights"
IN_THE_HOUSE = (*places.ROLES, NO_RIGHTS)
EVERYBODY = (*IN_THE_HOUSE, NOBODY, PROGRAM, NARROW)
MARK_OF_OTHERS = "Theirplace"
VISITOR = "visitor"  # nobody who is known, with a browser that has opened the sign-in page
CLIENTS = 6
PATIENCE = 30.0
LONG = 4.0  # seconds
FORM = "application/x-www-form-urlencoded"
HTMX = {"HX-Request": "true"}
FAULT, BUSY = 500, 503


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


Judge = Callable[[Answer], str | None]


@dataclass(frozen=True)
class Knock:
    """One request of an attack. ``judge`` says how it succeeded, None when it did not.

    ``form`` is sent as one; ``body`` as it is. ``csrf`` is False where the attack is to send none.
    """

    what: str
    path: str
    judge: Judge
    who: str = NOBODY
    method: str = "GET"
    form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    csrf: bool = True


@dataclass(frozen=True)
class Deed:
    """An attack of several steps. ``run`` says how it succeeded, None when it did not."""

    what: str
    run: Callable[[], str | None]


Case = Knock | Deed


@dataclass
class Arena:
    """``ours`` is who attacks' facility, ``beside`` another of the tenant, ``theirs`` another tenant's."""

    app: Flask
    ours: Place
    beside: Place
    theirs: Place
    own: dict[str, Holder] = field(default_factory=dict)
    others: dict[str, Holder] = field(default_factory=dict)
    brings: dict[str, dict[str, str]] = field(default_factory=dict)
    csrf: dict[str, str] = field(default_factory=dict)
    port: int | None = None
    untouched: dict[str, str] = field(default_factory=dict)  # the other tenant's rows before all

    @property
    def routes(self) -> list[Policy]:
        return [each for each in policies.matrix(self.app) if each.kind == ROUTE]

    def holder(self, who: str, of_whom: str) -> Holder:
        return self.own.get(who, self.others[COLLEAGUE]) if of_whom == OWN else self.others[of_whom]

    def permissions(self, who: str) -> frozenset[str] | None:
        """Return what somebody may do; None for nobody."""
        if who in {PROGRAM, NARROW}:
            boss = self.ours.as_role("administrator").permissions  # who gave it its token, and no right unhad
            reading = {name for name in identity.PERMISSIONS if identity.may_be_named(name)}
            return frozenset(reading & boss) if who == PROGRAM else frozenset()
        return self.ours.people[who].actor.permissions if who in self.ours.people else None

    def expected(self, policy: Policy, who: str, of_whom: str) -> str:
        """Return how a route must answer somebody about a thing. A session is nobody's where programs come by
        their token, and a program is nobody where it would change something on a page."""
        is_program = who in {PROGRAM, NARROW}
        is_known = is_program if policy.by_token else not is_program or policy.method == "GET"
        if policy.kind == ROUTE and policy.permission and not is_known:
            return SIGN_IN
        return expected(policy, self.permissions(who), of_whom)

    def headers_of(self, knock: Knock) -> dict[str, str]:
        headers = {"Accept": "*/*", **self.brings.get(knock.who, {}), **knock.headers}
        return {name: value for name, value in headers.items() if value}

    def body_of(self, knock: Knock) -> tuple[bytes | None, dict[str, str]]:
        if knock.body is not None or knock.method in {"GET", "HEAD"}:
            return knock.body, {}
        fields = list(knock.form.items()) if isinstance(knock.form, Mapping) else list(knock.form or ())
        if knock.csrf and knock.who in self.csrf:
            fields.append(("csrf_token", self.csrf[knock.who]))
        return urlencode(fields).encode(), {"Content-Type": FORM}


def gather(app: Flask, marks: Sequence[str] = ("Ourplace", "Besideplace", MARK_OF_OTHERS)) -> Arena:
    """Make the three places with everything in them, and let everybody be known to the program."""
    identity.ensure_permissions()
    tenant = places.new_tenant("Ours")
    ours = places.open_place(tenant, marks[0], places.ROLES)
    ours.people[NO_RIGHTS] = places.hire(ours, "", "norights", [])
    arena = Arena(
        app,
        ours,
        places.open_place(tenant, marks[1]),
        places.open_place(places.new_tenant(marks[2]), marks[2]),
    )
    for place in (arena.ours, arena.beside, arena.theirs):
        place.make_all()
    arena.own |= {who: Holder(ours, places.things_of(ours, ours.people[who])) for who in IN_THE_HOUSE}
    colleague = places.hire(ours, "receptionist", "colleague", ["receptionist"])
    for of_whom, place, person in (
        (COLLEAGUE, ours, colleague),
        (OTHER_FACILITY, arena.beside, arena.beside.people["receptionist"]),
        (OTHER_TENANT, arena.theirs, arena.theirs.people["receptionist"]),
    ):
        arena.others[of_whom] = Holder(place, places.things_of(place, person))
    for who in IN_THE_HOUSE:
        let_in(arena, who, ours.people[who])
    arena.brings[VISITOR], arena.csrf[VISITOR] = browser_of(app, "")
    arena.brings[PROGRAM] = {"Authorization": f"Bearer {ours.secrets['token']}"}
    arena.brings[NARROW] = {"Authorization": f"Bearer {places.issue_token(ours, [])}"}
    db.session.remove()
    return arena


def let_in(arena: Arena, who: str, someone: Someone) -> str:
    """Sign somebody in under the name ``who``; return the session's token."""
    with tenant.of(arena.ours.organization_id):
        token = identity.open_session(someone.user_id)
    arena.brings[who], arena.csrf[who] = browser_of(arena.app, token)
    return token


def browser_of(app: Flask, token: str, **more: Any) -> tuple[dict[str, str], str]:
    """Return the cookie that a browser has after signing in, and the token that its forms carry."""
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    with app.test_request_context():
        g.pop("csrf_token", None)  # of the one before: the context around us may be shared
        if token:
            session["_user_id"], session["_fresh"] = token, True
        csrf = generate_csrf()
        value = signer.dumps({**dict(session), **more})
        g.pop("csrf_token", None)
    return {"Cookie": f"{app.config['SESSION_COOKIE_NAME']}={value}"}, csrf


def judged(arena: Arena, knock: Knock, answer: Answer) -> str | None:
    """Return how an attack succeeded: its judge says so, or a fault, or another tenant's data."""
    if answer.status >= FAULT:
        return f"answered {answer.status}"
    if knock.who != NOBODY and MARK_OF_OTHERS.encode() in answer.body:
        return "another tenant's data in the answer"
    return knock.judge(answer)


class Line:
    """One keep-alive connection to the running program."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.connection: http.client.HTTPConnection | None = None

    def send(self, knock: Knock) -> Answer:
        body, extra = self.arena.body_of(knock)
        headers = extra | self.arena.headers_of(knock)
        for last in (False, True):
            try:
                return self._ask(knock, body, headers)
            except (http.client.HTTPException, OSError):
                self.connection = None
                if last:
                    return Answer(0, {}, b"the connection was closed")
        raise AssertionError("unreachable")

    def _ask(self, knock: Knock, body: bytes | None, headers: dict[str, str]) -> Answer:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.arena.port, timeout=PATIENCE)
        began = time.perf_counter()
        self.connection.putrequest(
            knock.method, knock.path, skip_host="Host" in headers, skip_accept_encoding=True
        )
        if body is not None and "Content-Length" not in headers:
            headers = {**headers, "Content-Length": str(len(body))}
        for name, value in headers.items():
            self.connection.putheader(name, value.encode("utf-8"))
        self.connection.endheaders(body)
        answer = self.connection.getresponse()
        data = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, data, time.perf_counter() - began)


@dataclass(frozen=True)
class Tried:
    what: str
    problem: str | None


def try_all(arena: Arena, cases: Iterable[Case]) -> Iterator[Tried]:
    """Try the requests over several connections at once, and what takes several steps one after another."""
    every = list(cases)
    knocks: queue.SimpleQueue[Knock] = queue.SimpleQueue()
    for each in every:
        if isinstance(each, Knock):
            knocks.put(each)
    found: list[Tried] = []
    crowd = [threading.Thread(target=_knock, args=(arena, knocks, found)) for _ in range(CLIENTS)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    yield from found
    for deed in every:
        if isinstance(deed, Deed):
            yield Tried(deed.what, deed.run())


def _knock(arena: Arena, knocks: queue.SimpleQueue[Knock], found: list[Tried]) -> None:
    line = Line(arena)
    with contextlib.suppress(queue.Empty):
        while True:
            knock = knocks.get_nowait()
            answer = line.send(knock)
            if (
                answer.status == BUSY
            ):  # a lock or a connection that was not to be had in time: once is no fault
                time.sleep(1)
                answer = line.send(knock)
            found.append(Tried(described(knock), judged(arena, knock, answer)))


def described(knock: Knock) -> str:
    return f"{knock.what}: {knock.method} {knock.path[:120]} as {knock.who}"
