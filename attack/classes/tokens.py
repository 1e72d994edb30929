"""Tokens of other programs: to write, beyond their rights, of another tenant, over, revoked, hidden elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import update

from attack import places
from attack.arena import HTMX, PROGRAM, Arena, Case, Knock
from attack.doors import HIDDEN, OTHER_TENANT, OWN, address, filled_in
from attack.judges import as_stranger, not_done, refused
from clinic_web.identity.queries import hash_of
from clinic_web.identity.tokens import ApiToken
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.db import db
from clinic_web.kernel.unit_of_work import transaction

IDS = "A14 A26 A32 A61"
WHAT = "tokens of programs, misused"

PAGES = (
    "/patients",
    "/visits",
    "/payments",
    "/audit",
    "/reports",
    "/appointments/list",
    "/visits.csv",
    "/account",
)


def cases(arena: Arena) -> Iterator[Case]:
    for policy in arena.routes:
        if policy.by_token:
            continue  # see `api`
        path = address(policy, arena.holder(PROGRAM, OWN))
        if policy.method == "POST":
            yield Knock("writes", path, not_done, PROGRAM, "POST", filled_in(arena.ours))
        elif arena.expected(policy, PROGRAM, OTHER_TENANT) == HIDDEN:
            theirs = address(policy, arena.holder(PROGRAM, OTHER_TENANT))
            yield Knock("reads another tenant", theirs, refused(404), PROGRAM, headers=HTMX)
        for method in ("PUT", "PATCH", "DELETE"):
            yield Knock("writes otherwise", path, not_done, PROGRAM, method, {})
    for what, token in spoiled(arena):
        for page in PAGES:
            yield Knock(what, page, as_stranger, headers={"Authorization": f"Bearer {token}"})
    yield from _elsewhere(arena)


def _elsewhere(arena: Arena) -> Iterator[Case]:
    """A good token where none is looked for."""
    good = arena.ours.secrets["token"]
    for page in PAGES:
        for what, headers in (
            ("as Basic", {"Authorization": f"Basic {good}"}),
            ("as a cookie", {"Cookie": f"{arena.app.config['SESSION_COOKIE_NAME']}={good}"}),
            ("as X-Api-Key", {"X-Api-Key": good}),
            ("twice", {"Authorization": f"Bearer Bearer {good}"}),
        ):
            yield Knock(f"token {what}", page, as_stranger, headers=headers)
        yield Knock("token in the address", f"{page}?token={good}&access_token={good}", as_stranger)


def spoiled(arena: Arena) -> Iterator[tuple[str, str]]:
    now = clock.now()
    for what, values in (("expired token", {"expires_at": now}), ("revoked token", {"revoked_at": now})):
        token = places.issue_token(arena.ours, ["patient.search", "visit.view", "audit.view"])
        with tenant.of(arena.ours.organization_id), transaction():
            db.session.execute(update(ApiToken).where(ApiToken.token_hash == hash_of(token)).values(**values))
        yield what, token
    db.session.remove()
    good = arena.ours.secrets["token"]
    yield from (("half a token", good[:-3]), ("another case", good.swapcase()), ("no token", ""), ("a star", "*"),
                ("SQL", "' OR '1'='1"), ("very long", "x" * 5000))  # fmt: skip
