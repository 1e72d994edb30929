"""Guessing at the door: who exists, floods, codes twice, weak passwords, links of letters."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from functools import partial

import pyotp
from argon2 import PasswordHasher

from attack import places
from attack.arena import NOBODY, VISITOR, Answer, Arena, Case, Deed, Knock, Line, browser_of, let_in
from attack.judges import as_stranger, no_fault, refused
from attack.payloads import MARKUP, SQL
from clinic_web.identity import passwords
from clinic_web.identity.service import factors
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from tests.cast import PASSWORD

IDS = "A21 A22 A23 A24 A25 A26 A28 A29 A37 A38 A40 A77"
WHAT = "the sign-in"

WEAK = (
    "", "a", "short", "1234567", "12345678", "123456789", "1234567890", "password", "password1", "Password1!",
    "passw0rd", "qwertyuiop", "iloveyou", "sunshine", "princess", "football", "welcome1", "admin123", "letmein1",
    "aaaaaaaaaaaa", "000000000000", "qwerty123456", "clinicclinic", "abcdefghijkl",
)  # fmt: skip
STRONG = (
    "seven-quiet-herons-in-a-row",
    "قارب خشبي يعبر النهر ببطء",
    "x" * 3 + "blue-lantern-" * 4,
    "Ünder der Brücke 7 Äpfel",
)
DEFAULTS = (
    ("admin", "admin"), ("administrator", "administrator"), ("root", "root"), ("demo", "demo"), ("test", "test"),
    ("clinic", "clinic"), ("doctor", "doctor"), ("reception", "reception"), ("admin", "password"), ("admin", ""),
    ("amina", PASSWORD), ("system", "system"), ("operator", "operator"), ("postgres", "postgres"), ("guest", "guest"),
)  # fmt: skip
# As the program hashes; ``world`` made that cheap for who is hired.
REAL = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)
MOST_TRIES = 12  # that are looked at, of one account in a row
SLACK = 0.03  # seconds by which two medians may differ on a busy machine
INSIDE = ("/account", "/desk", "/patients", "/admin/users", "/payments")


def cases(arena: Arena) -> Iterator[Case]:
    for name, password in DEFAULTS:
        yield _try(name, password, "a default account")
    for payload in (*SQL, *MARKUP[:12]):
        yield _try(payload, PASSWORD, "as a user name")
        yield _try(arena.ours.people["nurse"].username + payload, payload, "as both")
    for token in ("x", "a" * 43, "../x", "%00", "' OR 1=1", "A" * 3000, "☃"):
        yield Knock(
            "a link of a letter", "/link/" + token.encode().hex(), refused(302, 303, 400, 404, 414), NOBODY
        )
        form = {"token": token, "password": "seven-quiet-herons", "again": "seven-quiet-herons"}
        yield Knock("a link used", "/link", refused(400, 404, 409, 422), VISITOR, "POST", form)
    for weak in WEAK:
        yield Deed(f"the password {weak!r}", partial(_takes_password, arena, weak, right=False))
    for strong in STRONG:
        yield Deed(f"the password {strong[:12]!r}…", partial(_takes_password, arena, strong, right=True))
    yield Deed("who exists, by the answer", partial(_tells_who_exists, arena))
    yield Deed("who exists, by the time", partial(_tells_by_time, arena))
    yield Deed("a flood of one account", partial(_flood, arena))
    yield Deed("the password alone", partial(_password_alone, arena))
    yield Deed("a code twice, at once", partial(_code_twice, arena))
    yield Deed("a recovery code twice", partial(_recovery_twice, arena))
    yield Deed("many codes", partial(_many_codes, arena))


def _try(name: str, password: str, what: str) -> Knock:
    form = {"username": name, "password": password}
    return Knock(what, "/login", refused(400, 401, 403, 422, 429), VISITOR, "POST", form)


def _new(arena: Arena, name: str) -> places.Someone:
    someone = arena.ours.people.get(name)
    if someone is None:
        someone = arena.ours.people[name] = places.hire(arena.ours, "receptionist", name, ["receptionist"])
        db.session.remove()
    return someone


def _signs_in(arena: Arena, name: str, password: str = PASSWORD) -> Answer:
    form = {"username": name, "password": password}
    return Line(arena).send(Knock("", "/login", no_fault, VISITOR, "POST", form))


def _takes_password(arena: Arena, wanted: str, *, right: bool) -> str | None:
    name = f"chooser{abs(hash(wanted)) % 10**8}"
    _new(arena, name)
    let_in(arena, name, arena.ours.people[name])
    form = {"current": PASSWORD, "password": wanted, "again": wanted}
    Line(arena).send(Knock("", "/account/password", no_fault, name, "POST", form))
    is_in = _signs_in(arena, name, wanted).status in {302, 303}
    if is_in != right:
        return "it was taken" if is_in else "a good one was not taken"
    return None


def _tells_who_exists(arena: Arena) -> str | None:
    """The same status, size and headers for who exists and who does not; the name itself is typed back."""
    for number in range(12):
        name = f"exists{number:02}"
        _new(arena, name)
        known, unknown = (
            _signs_in(arena, each, "wrong-wrong-wrong") for each in (name, f"nobody{number:02}")
        )
        if known.status != unknown.status:
            return f"answered {known.status} and {unknown.status}"
        if abs(len(known.body) - len(unknown.body)) > 2:
            return f"{len(known.body)} and {len(unknown.body)} bytes"
        if set(known.headers) != set(unknown.headers):
            return "other headers"
    return None


def _tells_by_time(arena: Arena) -> str | None:
    """Hashing is done for nobody, too. Those who exist were given a cheap hash here: they get a real one first."""
    _new(arena, "timed")
    _signs_in(arena, "timed")  # which hashes the password anew, as dear as the program hashes
    known, unknown = [], []
    for number in range(6):
        known.append(_signs_in(arena, "timed", f"wrong-wrong-{number}").seconds)
        unknown.append(_signs_in(arena, f"untimed{number}", f"wrong-wrong-{number}").seconds)
    gap = abs(statistics.median(known) - statistics.median(unknown))
    return f"{gap * 1000:.0f} ms apart" if gap > SLACK else None


def _flood(arena: Arena) -> str | None:
    """Many wrong passwords at once: after some the answer is to wait, also for the right one."""
    _new(arena, "flooded")
    answers: list[Answer] = []

    def guess(number: int) -> None:
        answers.append(_signs_in(arena, "flooded", f"wrong-{number}"))

    crowd = [threading.Thread(target=guess, args=(number,)) for number in range(30)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    looked_at = sum(each.status != 429 for each in answers)
    if any(each.status >= 500 for each in answers):
        return "a fault"
    return f"{looked_at} of 30 guesses were looked at" if looked_at > MOST_TRIES else None


def _with_app(arena: Arena, name: str) -> tuple[str, list[str]]:
    with tenant.of(arena.ours.organization_id):
        return _given_app(arena, name)


def _given_app(arena: Arena, name: str) -> tuple[str, list[str]]:
    """Give somebody an app; return its seed and the recovery codes, when the code of the set-up is over."""
    someone = _new(arena, name)
    factors.begin_app(someone.actor)
    begun = factors.begun(someone.actor)
    quick, passwords._hasher = passwords._hasher, REAL
    assert begun is not None
    before = pyotp.TOTP(begun.seed).at(int(time.time()) - 30)
    codes = factors.confirm_app(someone.actor, before)
    passwords._hasher = quick
    assert codes is not None
    db.session.remove()
    return begun.seed, codes


def _half_in(arena: Arena, name: str) -> dict[str, str]:
    """Return the cookie of who has shown the password, and awaits the second step."""
    answer = _signs_in(arena, name)
    cookie = answer.headers.get("set-cookie", "").split(";")[0]
    return {"Cookie": cookie}


def _password_alone(arena: Arena) -> str | None:
    _with_app(arena, "halfway")
    cookie = _half_in(arena, "halfway")
    for page in INSIDE:
        if problem := as_stranger(Line(arena).send(Knock("", page, no_fault, headers=cookie))):
            return f"{page}: {problem}"
    return None


def _second(arena: Arena, name: str, code: str) -> Answer:
    """Take both steps in one browser."""
    line = Line(arena)
    brought, csrf = browser_of(arena.app, "")
    key = f"{name}-{threading.get_ident()}-{time.perf_counter_ns()}"
    arena.brings[key], arena.csrf[key] = brought, csrf
    form = {"username": name, "password": PASSWORD}
    first = line.send(Knock("", "/login", no_fault, key, "POST", form))
    cookie = next((each for each in [first.headers.get("set-cookie", "")] if each), "").split(";")[0]
    signer = arena.app.session_interface.get_signing_serializer(arena.app)  # type: ignore[attr-defined]
    kept = signer.loads(cookie.partition("=")[2]) if cookie else {}
    with arena.app.test_request_context():
        from flask import g, session
        from flask_wtf.csrf import generate_csrf

        g.pop("csrf_token", None)
        session.update(kept)
        arena.csrf[key] = generate_csrf()
        name_of = arena.app.config["SESSION_COOKIE_NAME"]
        arena.brings[key] = {"Cookie": f"{name_of}={signer.dumps(dict(session))}"}
        g.pop("csrf_token", None)
    return line.send(Knock("", "/login/second", no_fault, key, "POST", {"code": code}))


def _code_twice(arena: Arena) -> str | None:
    seed, _codes = _with_app(arena, "twice")
    code = pyotp.TOTP(seed).now()
    answers = [_second(arena, "twice", code) for _ in range(4)]
    came_in = sum(
        each.status in {302, 303} and "/login" not in each.headers.get("location", "") for each in answers
    )
    return None if came_in == 1 else f"one code let {came_in} in: {[each.status for each in answers]}"


def _recovery_twice(arena: Arena) -> str | None:
    _seed, codes = _with_app(arena, "recovers")
    answers = [_second(arena, "recovers", codes[0]) for _ in range(3)]
    came_in = sum(
        each.status in {302, 303} and "/login" not in each.headers.get("location", "") for each in answers
    )
    return None if came_in == 1 else f"one code let {came_in} in: {[each.status for each in answers]}"


def _many_codes(arena: Arena) -> str | None:
    _with_app(arena, "guessed")
    answers = [_second(arena, "guessed", f"{number * 7919 % 1_000_000:06}") for number in range(18)]
    came_in = sum(
        each.status in {302, 303} and "/login" not in each.headers.get("location", "") for each in answers
    )
    looked_at = sum(each.status == 422 for each in answers)
    if came_in:
        return "a guessed code let somebody in"
    return f"{looked_at} guesses were looked at" if looked_at > MOST_TRIES else None
