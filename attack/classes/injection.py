"""SQL, template and other code in every question an address can ask: filters, orders, cursors, searches."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from attack.arena import HTMX, Answer, Arena, Case, Knock
from attack.classes.foreign import allowed
from attack.doors import OWN, address, question
from attack.judges import SLOW
from attack.payloads import CALCULATED, SQL, TEMPLATES

IDS = "A13 A51 A53 A57"
WHAT = "injection into questions"

NAMES = (
    "q", "sort", "order", "after", "before", "state", "status", "from", "to", "day", "clinic", "doctor", "staff",
    "service", "method", "page", "limit", "id", "list", "tab", "patient", "ask", "like", "pays", "copy", "queue",
    "start", "person", "kind", "action", "name", "facility", "period", "lang", "columns", "week", "view",
)  # fmt: skip
LISTS = ("/patients", "/visits", "/appointments/list", "/payments", "/audit", "/audit/changes", "/admin/sign-ins",
         "/patients/find", "/patients.csv", "/visits.csv", "/appointments.csv", "/payments/list.csv", "/admin/users",
         "/reports", "/appointments", "/appointments/waiting/rows")  # fmt: skip
STATUSES = {200, 302, 303, 400, 404, 409, 422}


def harmless(answer: Answer) -> str | None:
    """An answer to what was asked, or a refusal: soon, nothing calculated, nothing of the database's own words."""
    if answer.status not in STATUSES:
        return f"answered {answer.status}"
    if answer.seconds > SLOW:
        return f"took {answer.seconds:.1f} s"
    told = next(
        (each for each in (CALCULATED, "psycopg", "syntax error", "SQLSTATE") if each in answer.text), None
    )
    return f"{told} in the answer" if told else None


def cases(arena: Arena) -> Iterator[Case]:
    payloads = (*SQL, *TEMPLATES)
    for number, (policy, who) in enumerate(allowed(arena, "GET")):
        path = address(policy, arena.holder(who, OWN))
        asked = "&".join(f"{name}={value}" for name, value in question(policy, arena.ours).items())
        for at, name in enumerate(NAMES[number % 3 :: 3]):
            payload = payloads[(number * 7 + at) % len(payloads)]
            yield Knock("injected", f"{path}?{asked}&{name}={quote(payload)}", harmless, who, headers=HTMX)
    for path in LISTS:
        for name in ("q", "sort", "after", "clinic", "from"):
            for payload in payloads:
                asked = f"{path}?{name}={quote(payload)}"
                yield Knock("injected into a list", asked, harmless, "administrator", headers=HTMX)
    for payload in (*SQL, *TEMPLATES):
        path = f"/{quote(payload, safe='')}"
        for begin in ("/visits", "/patients", "/payments", "/link", "/reports", "/board/logo"):
            yield Knock("injected into a path", begin + path, harmless, "administrator")
