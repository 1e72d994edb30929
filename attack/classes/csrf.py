"""Forms that another site sends in somebody's name, and GETs that would change something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlencode

from attack.arena import FORM, HTMX, NOBODY, VISITOR, Arena, Case, Deed, Knock, Line, try_all
from attack.doors import IN, OWN, address, filled_in, question
from attack.evidence import changed, rows_as_owner
from attack.judges import EVIL, no_fault, refused
from clinic_web.ui.policies import Policy

IDS = "A39 A40"
WHAT = "cross-site requests (CSRF)"
ROLES = ("administrator", "receptionist", "doctor", "operator")
NO = refused(400, 403, 404, 405)


def cases(arena: Arena) -> Iterator[Case]:
    for policy in arena.routes:
        if policy.method == "POST" and not policy.by_token:  # no cookie is heard there, see `api`
            who = next((each for each in ROLES if _may(arena, policy, each)), NOBODY)
            yield from _tricks(arena, policy, who)
    for method, path in (
        ("POST", "/nowhere"),
        ("PUT", "/language"),
        ("DELETE", "/healthz"),
        ("PATCH", "/static/x"),
    ):
        yield Deed(f"after {method} {path}", partial(_unchecked, arena, method, path))
    yield Deed("a GET changes something", lambda: gets_change_nothing(arena))


def _may(arena: Arena, policy: Policy, who: str) -> bool:
    return policy.permission is not None and arena.expected(policy, who, OWN) == IN


def _tricks(arena: Arena, policy: Policy, who: str) -> Iterator[Knock]:
    path = address(policy, arena.holder(who, OWN))
    form = filled_in(arena.ours)
    other = arena.csrf["cashier"]
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": f"https://{EVIL}", "Referer": f"https://{EVIL}/"}

    def knock(what: str, **more: object) -> Knock:
        return Knock(**({"what": what, "path": path, "judge": NO, "who": who, "method": "POST", "csrf": False}
                        | more))  # type: ignore[arg-type]  # fmt: skip

    yield knock("no token", form=form)
    yield knock("no token, as htmx", form=form, headers=HTMX)
    yield knock("empty token", form=form | {"csrf_token": ""})
    yield knock("made-up token", form=form | {"csrf_token": "IjEyMyI.aaaa.bbbb"})
    yield knock(
        "somebody else's token", form=form | {"csrf_token": other}, who=who if who != "cashier" else "doctor"
    )
    yield knock("token in the address", form=form, path=f"{path}?csrf_token={arena.csrf.get(who, other)}")
    yield knock("cross-site with the right token", form=form, csrf=True, headers=cross)
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x", "", "image/png"):
        yield knock(f"as {kind or 'nothing'}", body=_body(kind, form), headers={"Content-Type": kind})
    for override in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        yield knock(
            "method override",
            method="GET",
            path=f"{path}?_method=POST&{urlencode(form)}",
            headers={override: "POST", "Content-Type": FORM},
            judge=no_fault,
        )


def _body(kind: str, form: dict[str, str]) -> bytes:
    if kind == "application/json":
        return json.dumps(form).encode()
    if kind.startswith("multipart"):
        part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        return ("".join(part.format(*each) for each in form.items()) + "--x--\r\n").encode()
    return urlencode(form).encode()


def _unchecked(arena: Arena, method: str, path: str) -> str | None:
    """What is not checked, because it is not there, must not be remembered as checked."""
    for who in (VISITOR, "receptionist"):
        line = Line(arena)
        for _ in range(8):  # each of the program's processes remembers for itself
            line.send(Knock("", path, NO, who, method, {}, csrf=False))
            answer = line.send(Knock("", "/language", NO, who, "POST", {"language": "en"}, csrf=False))
            if problem := NO(answer):
                return f"a form without a token {problem}"
    return None


def gets_change_nothing(arena: Arena) -> str | None:
    """Open every page as everybody who may: nothing of the tenant's business is another afterwards."""
    before = rows_as_owner(arena.app, arena.ours.organization_id)
    knocks = []
    for policy in arena.routes:
        who = next((each for each in ROLES if _may(arena, policy, each)), None)
        if policy.method == "GET" and who:
            asked = urlencode(question(policy, arena.ours) | {"action": "delete", "do": "1"})
            knocks.append(Knock("GET", f"{address(policy, arena.holder(who, OWN))}?{asked}", no_fault, who))
    wrong = [each.what for each in try_all(arena, knocks) if each.problem]
    after = rows_as_owner(arena.app, arena.ours.organization_id)
    moved = [each for each in changed(before, after) if each not in READING_LEAVES]
    return f"changed {', '.join(moved)}" if moved else wrong[0] if wrong else None


# What looking at something may leave: that it was looked at, and by which session.
READING_LEAVES = {"audit.access_logs", "identity.api_tokens", "identity.devices", "audit.changes",
                  "identity.challenges", "reception.displays", "notifications.notifications"}  # fmt: skip
