"""Cookies that are forged, old, foreign, or were fixed beforehand."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from attack import places
from attack.arena import VISITOR, Arena, Case, Deed, Knock, Line, browser_of
from attack.judges import as_stranger
from clinic_web.identity import api as identity
from clinic_web.identity.queries import hash_of
from clinic_web.kernel import tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction
from tests.cast import PASSWORD

IDS = "A18 A31 A32 A34 A35 A36"
WHAT = "forged, old and fixed sessions"

PAGES = (
    "/account",
    "/admin/users",
    "/desk",
    "/patients",
    "/payments",
    "/audit",
    "/operations",
    "/visits.csv",
)
WEAK_KEYS = (
    "", "dev", "secret", "changeme", "password", "flask", "SECRET_KEY", "clinic", "clinic-web", "test",
    "admin", "default", "insecure", "development", "key", "s3cr3t", "0" * 32, "dev-only-dev-only-dev-only-dev-only",
    "tests-only-tests-only-tests-only-tests", "you-will-never-guess", "super-secret", "mysecretkey",
)  # fmt: skip
IN_THE_PAST = {
    "expired": "UPDATE identity.sessions SET expires_at = now() - interval '1 second' WHERE token_hash = :hash",
    "idle": "UPDATE identity.sessions SET last_seen_at = now() - interval '3 hours' WHERE token_hash = :hash",
    "revoked": "UPDATE identity.sessions SET revoked_at = now() WHERE token_hash = :hash",
}


def cases(arena: Arena) -> Iterator[Case]:
    name = arena.app.config["SESSION_COOKIE_NAME"]
    good = arena.brings["administrator"]["Cookie"].partition("=")[2]
    token = _session_of(arena, arena.ours.people["administrator"])
    for what, value in (*_forged(token), *_edited(good)):
        for page in PAGES:
            yield Knock(what, page, as_stranger, headers={"Cookie": f"{name}={value}"})
    for what, statement in IN_THE_PAST.items():
        old = _session_of(arena, arena.ours.people["administrator"])
        with tenant.of(arena.ours.organization_id), transaction():
            db.session.execute(text(statement), {"hash": hash_of(old)})
        for page in PAGES:
            for more in ({}, {"X-Background": "1"}, {"HX-Request": "true"}):
                cookie = browser_of(arena.app, old)[0]
                yield Knock(
                    f"{what} session", f"{page}?skip_timeout_reset=1", as_stranger, headers=cookie | more
                )
    yield Deed("session fixed beforehand", lambda: _fixed(arena))
    yield Deed("session after signing out", lambda: _after_sign_out(arena))
    yield Deed("session of who was shut out", lambda: _shut_out(arena))
    yield Deed("flags of the cookie", lambda: _flags(arena))


def _forged(token: str) -> Iterator[tuple[str, str]]:
    stock = SecureCookieSessionInterface()
    body = {"_user_id": token, "_fresh": True}
    for key in WEAK_KEYS:
        signer = URLSafeTimedSerializer(
            key, salt=stock.salt, serializer=stock.serializer,
            signer_kwargs={"key_derivation": stock.key_derivation, "digest_method": stock.digest_method},
        )  # fmt: skip
        yield f"signed with {key[:12]!r}", str(signer.dumps(body))
    plain = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    yield from (("unsigned", plain), ("empty signature", f"{plain}.AAAA."), ("half a cookie", plain[:20]))


def _edited(good: str) -> Iterator[tuple[str, str]]:
    payload, stamp, signature = good.rsplit(".", 2)
    yield "signature cut", f"{payload}.{stamp}.{signature[:-4]}"
    yield "signature edited", f"{payload}.{stamp}.{signature[::-1]}"
    yield "payload edited", f"{payload[:-6]}AAAAAA.{stamp}.{signature}"
    yield "stamp edited", f"{payload}.ZZZZZZ.{signature}"
    yield "very long", "A" * 6000
    yield "not ASCII", "%ff%fe"


def _session_of(arena: Arena, someone: places.Someone) -> str:
    with tenant.of(arena.ours.organization_id):
        return identity.open_session(someone.user_id)


def _someone(arena: Arena, name: str) -> places.Someone:
    known = arena.ours.people
    if name not in known:
        known[name] = places.hire(arena.ours, "receptionist", name, ["receptionist"])
        db.session.remove()
    return known[name]


def _fixed(arena: Arena) -> str | None:
    someone = _someone(arena, "fixed")
    cookie, csrf = browser_of(arena.app, _session_of(arena, _someone(arena, "fixer")))
    arena.brings["fixed"], arena.csrf["fixed"] = cookie, csrf
    form = {"username": someone.username, "password": PASSWORD}
    signed_in = Line(arena).send(Knock("", "/login", as_stranger, "fixed", "POST", form))
    if signed_in.status not in {302, 303}:
        return f"signing in answered {signed_in.status}"
    before = Line(arena).send(Knock("", "/account", as_stranger, headers=cookie))
    return None if someone.username not in before.text else "the cookie of before is the person's now"


def _after_sign_out(arena: Arena) -> str | None:
    cookie, csrf = browser_of(arena.app, _session_of(arena, _someone(arena, "leaver")))
    arena.brings["leaver"], arena.csrf["leaver"] = cookie, csrf
    Line(arena).send(Knock("", "/logout", as_stranger, "leaver", "POST", {}))
    return as_stranger(Line(arena).send(Knock("", "/account", as_stranger, "leaver")))


def _shut_out(arena: Arena) -> str | None:
    someone = _someone(arena, "shutout")
    cookie = browser_of(arena.app, _session_of(arena, someone))[0]
    if Line(arena).send(Knock("", "/account", as_stranger, headers=cookie)).status != 200:
        return "could not even come in before"
    with tenant.of(arena.ours.organization_id):
        identity.disable_user(arena.ours.system, someone.user_id)
    db.session.remove()
    return as_stranger(Line(arena).send(Knock("", "/account", as_stranger, headers=cookie)))


def _flags(arena: Arena) -> str | None:
    form = {"username": _someone(arena, "flags").username, "password": PASSWORD}
    answer = Line(arena).send(Knock("", "/login", as_stranger, VISITOR, "POST", form))
    cookie = answer.headers.get("set-cookie", "").lower()
    missing = [each for each in ("httponly", "samesite=lax", "path=/") if each not in cookie]
    return f"without {', '.join(missing)}" if missing else None
