"""Things of others, in the address and in the form: another facility's, another tenant's, a colleague's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from attack.arena import HTMX, IN_THE_HOUSE, PROGRAM, Arena, Case, Knock
from attack.doors import FORBIDDEN, HIDDEN, IN, OWN, address, filled_in, question, whose
from attack.judges import BY_EXPECTATION, no_fault, refused
from attack.places import Place
from clinic_web.ui.policies import Policy

IDS = "A01 A02 A06 A13 A14 A63"
WHAT = "things of others (IDOR)"

ROLES = ("administrator", "manager", "receptionist", "cashier", "doctor", "nurse")
REFUSED = ("nurse", "auditor", "patient")  # who tries others' things without the right to one's own
NAMES = ("service", "clinic", "doctor", "staff", "room", "queue", "patient", "station", "merged_id")
KINDS = {"doctor": "staff", "merged_id": "patient"}


def cases(arena: Arena) -> Iterator[Case]:
    yield from in_addresses(arena)
    yield from in_forms(arena)
    yield from in_questions(arena)


def in_addresses(arena: Arena) -> Iterator[Case]:
    for policy in arena.routes:
        for who in (*IN_THE_HOUSE, PROGRAM):
            if who == PROGRAM and policy.method != "GET" and not policy.by_token:
                continue
            for of_whom in whose(policy):
                right = arena.expected(policy, who, of_whom)
                if right == FORBIDDEN and who not in REFUSED:
                    continue
                if of_whom == OWN or right not in {HIDDEN, FORBIDDEN} or policy.permission is None:
                    continue
                path = address(policy, arena.holder(who, of_whom))
                form = filled_in(arena.ours) if policy.method == "POST" else None
                yield Knock(
                    what=f"a thing of: {of_whom}",
                    path=path,
                    judge=refused(403, 404) if policy.name.startswith("views.") else BY_EXPECTATION[right],
                    who=who,
                    method=policy.method,
                    form=form,
                    headers=HTMX,
                )


def in_forms(arena: Arena) -> Iterator[Case]:
    """A thing of one's own in the address, others' in the form (CVE-2026-25744). See also the evidence."""
    for policy, who in allowed(arena, "POST"):
        plain = Knock(
            what="others' things in a form",
            path=address(policy, arena.holder(who, OWN)),
            judge=no_fault,
            who=who,
            method="POST",
            headers=HTMX,
        )
        for place in (arena.theirs, arena.beside):
            for name in NAMES:
                yield replace(plain, form=filled_in(arena.ours, **{name: _theirs(place, name)}))


def allowed(arena: Arena, method: str) -> Iterator[tuple[Policy, str]]:
    """Return the routes of a method, each with the first role that may use it; none that locks us out."""
    for policy in arena.routes:
        leaves = method == "POST" and policy.name.startswith(LEAVES_THE_HOUSE)
        if policy.method != method or policy.permission is None or leaves:
            continue
        for who in ROLES:
            if arena.expected(policy, who, OWN) == IN:
                yield policy, who
                break


# These end the session that they come with, or take away the rights of who tries the next ones.
LEAVES_THE_HOUSE = (
    "identity.sign_out",
    "identity.end_session",
    "identity.end_others",
    "identity.change_password",
    "security.",
    "passkeys.",
    "proof.",
    "attempts.",
    "users.",
    "roles.",
    "tokens.",
)


def in_questions(arena: Arena) -> Iterator[Case]:
    """Others' things asked for: lists and parts of pages show nothing of them."""
    for policy, who in allowed(arena, "GET"):
        path = address(policy, arena.holder(who, OWN))
        asked = question(policy, arena.ours) | {"organization_id": str(arena.theirs.organization_id)}
        for name in ("clinic", "doctor", "patient", "facility"):
            query = urlencode(asked | {name: _theirs(arena.theirs, name)})
            yield Knock("others' things in a question", f"{path}?{query}", no_fault, who, headers=HTMX)


def _theirs(place: Place, name: str) -> str:
    return str(place.thing(KINDS.get(name, name)))
