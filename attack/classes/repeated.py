"""Keys of others, keys that are none, one form sent by two people: nobody gets another's answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from uuid import uuid4

from attack.arena import HTMX, Answer, Arena, Case, Deed, Knock, Line
from attack.classes.foreign import allowed
from attack.doors import OWN, address, filled_in
from attack.evidence import count_as_owner
from attack.judges import no_fault, refused

IDS = "A65 A67 F06 F07 F09"
WHAT = "keys of forms"

TWO = ("receptionist", "administrator")


def cases(arena: Arena) -> Iterator[Case]:
    for policy, who in allowed(arena, "POST"):
        path = address(policy, arena.holder(who, OWN))
        for key in (
            "",
            " ",
            "k" * 10_000,
            "\x00",
            "'; DROP TABLE kernel.idempotency_keys --",
            "../x",
            "☃" * 50,
        ):
            form = filled_in(arena.ours, idempotency_key=key)
            judge = refused(200, 303, 400, 403, 404, 409, 413, 422)
            yield Knock(
                "odd key",
                path,
                judge,
                who,
                "POST",
                form,
                headers=HTMX | {"Idempotency-Key": key[:200].strip("\x00☃")},
            )
    patient = arena.ours.thing("patient")
    for number in range(40):
        path = f"/desk/hand/patient/{patient}/walk-in" if number % 2 else "/patients"
        yield Deed("another person's key", partial(_same_key, arena, path))
    for _ in range(20):
        yield Deed("one key, twenty times", partial(_once, arena))


def _form(arena: Arena, key: str, name: str) -> dict[str, str]:
    return filled_in(
        arena.ours, idempotency_key=key, first_name=name, last_name=name, gender="FEMALE", date_of_birth="1990-01-02",
        birth="1990-01-02", phone="", beware="0", anyway="1",
    )  # fmt: skip


def _same_key(arena: Arena, path: str) -> str | None:
    """Two people send one key: the second is told of their own act, or refused, and never of the first's."""
    key, name = str(uuid4()), f"Only{uuid4().hex[:8]}"
    knock = Knock("", path, no_fault, TWO[0], "POST", _form(arena, key, name), headers=HTMX)
    first = Line(arena).send(knock)
    second = Line(arena).send(replace(knock, who=TWO[1], form=_form(arena, key, "Another")))
    if name in second.text:
        return "the answer to somebody else's form"
    return _fault(first) or _fault(second)


def _once(arena: Arena) -> str | None:
    name = f"Once{uuid4().hex[:8]}"
    knock = Knock("", "/patients", no_fault, TWO[0], "POST", _form(arena, str(uuid4()), name), headers=HTMX)
    for _ in range(5):
        if problem := _fault(Line(arena).send(knock)):
            return problem
    asked = (
        f"SELECT 1 FROM patients.patients WHERE first_name = '{name}' GROUP BY first_name HAVING count(*) > 1"  # noqa: S608
    )
    return count_as_owner(arena.app, arena.ours.organization_id, asked)


def _fault(answer: Answer) -> str | None:
    return f"answered {answer.status}" if answer.status >= 500 else None
