"""Missing rights: every route by everybody who may not come in, as a page, as a part of one, as a program."""

from __future__ import annotations

from collections.abc import Iterator

from attack.arena import EVERYBODY, HTMX, NARROW, NOBODY, PROGRAM, Arena, Case, Knock
from attack.doors import IN, OWN, SIGN_IN, address, filled_in, question
from attack.judges import BY_EXPECTATION, as_stranger, not_done, refused
from clinic_web.ui.policies import Policy

IDS = "A03 A04 A05 A06 A07 A12 A46"
WHAT = "routes without the right"

DISGUISES = (
    HTMX,
    {},
    {"HX-Request": "true", "X-Background": "1"},
    {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"},
)
FLAGS = "show_all=1&debug=1&skip_timeout_reset=1&admin=true"


def cases(arena: Arena) -> Iterator[Case]:
    for policy in arena.routes:
        for who in EVERYBODY:
            right = arena.expected(policy, who, OWN)
            if right != IN and policy.permission is not None:
                yield from _knocks(arena, policy, who, right)


def _knocks(arena: Arena, policy: Policy, who: str, right: str) -> Iterator[Knock]:
    path = address(policy, arena.holder(who, OWN))
    asked = "&".join([f"{name}={value}" for name, value in question(policy, arena.ours).items()] + [FLAGS])
    judge = BY_EXPECTATION[right]
    if policy.name.startswith("views."):
        judge = refused(403, 404)
    if policy.method != "GET":
        # Without the session's cookie a form's token is nobody's, which is refused before anything else.
        judge = not_done if who in {NOBODY, PROGRAM, NARROW} else judge
    disguises = DISGUISES if who == NOBODY else DISGUISES[len(path + who) % 3 :]
    for number, disguise in enumerate(disguises[: 3 if who == NOBODY else 1]):
        yield Knock(
            what="no right",
            path=f"{path}?{asked}" if number or len(path) % 2 else path,
            judge=as_stranger if right == SIGN_IN and policy.method == "GET" else judge,
            who=who,
            method=policy.method,
            form=filled_in(arena.ours) if policy.method == "POST" else None,
            headers=disguise,
        )
