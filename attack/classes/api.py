"""The JSON API: too few scopes, others' things in addresses and bodies, tokens that are over, sessions there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

from attack import places
from attack.arena import NARROW, NOBODY, PROGRAM, Arena, Case, Knock
from attack.classes.tokens import spoiled
from attack.doors import HIDDEN, OWN, address, whose
from attack.judges import refused
from attack.places import Place
from clinic_web.ui.policies import Policy

IDS = "A01 A03 A04 A13 A14 A26 A32 A61"
WHAT = "the JSON API"

JSON = "application/json"
ROLES = ("administrator", "receptionist", "cashier")
# Whatever a body of the API may name.
NAMES = {"patient_id": "patient", "service_id": "service", "doctor_id": "staff"}


def cases(arena: Arena) -> Iterator[Case]:
    theirs = _bearer(places.issue_token(arena.theirs, sorted(arena.permissions(PROGRAM) or ())))
    over = list(spoiled(arena))
    for policy in (each for each in arena.routes if each.by_token):
        plain = _plain(arena, policy)
        yield replace(plain, what="no scope", judge=refused(403), who=NARROW)
        for role in ROLES:
            yield replace(plain, what="a session", judge=refused(401), who=role)
        for what, token in over:
            yield replace(plain, what=what, judge=refused(401), headers={**plain.headers, **_bearer(token)})
        for of_whom in whose(policy):
            if arena.expected(policy, PROGRAM, of_whom) == HIDDEN:
                path = address(policy, arena.holder(PROGRAM, of_whom))
                yield replace(plain, what=f"a thing of: {of_whom}", path=path, who=PROGRAM)
        if policy.things:
            stranger = {**plain.headers, **theirs}
            yield replace(plain, what="another tenant's token", judge=refused(403, 404), headers=stranger)
        elif policy.method == "POST":
            yield from _bodies(arena, plain)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _plain(arena: Arena, policy: Policy) -> Knock:
    """Return a request about our own things, by nobody, with whatever headers the API asks for."""
    path = address(policy, arena.holder(PROGRAM, OWN))
    if policy.method == "GET":
        return Knock("", path, refused(404))
    headers = {"Content-Type": JSON, "Idempotency-Key": str(uuid4()), "If-Match": "*"}
    body = json.dumps(_body(arena.ours)).encode()
    return Knock("", path, refused(404), NOBODY, policy.method, body=body, headers=headers, csrf=False)


def _body(place: Place) -> dict[str, str]:
    return {name: str(place.thing(kind)) for name, kind in NAMES.items()}


def _bodies(arena: Arena, plain: Knock) -> Iterator[Knock]:
    """Our own token with others' things in the body: refused, or not there."""
    others = replace(plain, what="others' things in a body", judge=refused(403, 404, 422), who=PROGRAM)
    ours, when = _body(arena.ours), {"start_time": places.soon()}
    for place in (arena.theirs, arena.beside):
        body = _body(place)
        anybody = {name: value for name, value in body.items() if name != "doctor_id"}
        for shape in (body, body | when, anybody, body | {"patient_id": ours["patient_id"]} | when):
            yield replace(others, body=json.dumps(shape).encode())
    for shape in (ours | when, {name: ours[name] for name in ("patient_id", "service_id")}):
        foreign = shape | {"patient_id": str(arena.theirs.thing("patient"))}
        yield replace(others, body=json.dumps(foreign).encode())
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    yield replace(others, what="a form", judge=refused(415), body=b"a=b", headers=form)
    asked = f"{plain.path}?organization_id={arena.theirs.organization_id}"
    yield replace(others, what="a tenant in the address", path=asked, judge=refused(422))
