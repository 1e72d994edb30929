"""Redirects to elsewhere, spoofed hosts and proxies, other origins, parts of pages asked for by tricks."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from attack.arena import HTMX, NOBODY, VISITOR, Arena, Case, Knock
from attack.classes.foreign import allowed
from attack.doors import OWN, address, question
from attack.judges import EVIL, names_nobody_else, stays_here
from tests.cast import PASSWORD

IDS = "A33 A44 A46 A47 A48 A75"
WHAT = "redirects, hosts, origins"

ELSEWHERE = (
    f"https://{EVIL}/",
    f"//{EVIL}/",
    f"/\\{EVIL}/",
    f"\\\\{EVIL}/",
    f"/%09/{EVIL}/",
    f"///{EVIL}",
    f"https:{EVIL}",
    f"https:/{EVIL}",
    f"javascript:alert('{EVIL}')",
    f"data:text/html,{EVIL}",
    f"http://localhost@{EVIL}/",
    f"/\t/{EVIL}",
    f"/%5c{EVIL}",
    f"/.{EVIL}",
    f"/account%0d%0aLocation:https://{EVIL}/",
    f"/account\r\nLocation: https://{EVIL}/",
    f"/％2F{EVIL}",
    f" //{EVIL}",
)
NAMES = ("next", "url", "back", "return_to", "redirect")
SPOOFED = (
    {"X-Forwarded-Host": EVIL},
    {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https"},
    {"Forwarded": f"host={EVIL};proto=https"},
    {"X-Host": EVIL, "X-Forwarded-Server": EVIL},
    {"X-Original-URL": "/admin/users", "X-Rewrite-URL": "/admin/users"},
    {"Host": EVIL},
    {"Origin": f"https://{EVIL}", "Access-Control-Request-Method": "POST"},
    {"Origin": "null"},
    {"HX-Current-URL": f"https://{EVIL}/desk", **HTMX},
    {"HX-Boosted": "true", "HX-History-Restore-Request": "true", **HTMX},
    {"Referer": f"https://{EVIL}/"},
)


def cases(arena: Arena) -> Iterator[Case]:
    for target in ELSEWHERE:
        for name in NAMES:
            path = f"/login?{name}={quote(target)}"
            yield Knock("sign-in page leads elsewhere", path, stays_here)
            yield Knock("start leads elsewhere", f"/?{name}={quote(target)}", stays_here, "receptionist")
        form = {"username": arena.ours.people["nurse"].username, "password": PASSWORD, "next": target}
        yield Knock(
            "signed in, and led elsewhere",
            f"/login?next={quote(target)}",
            stays_here,
            VISITOR,
            "POST",
            form,
        )
        form = {"language": "ar", "next": target}
        referer = {"Referer": target.split("\r")[0].strip()}
        yield Knock(
            "language leads elsewhere", "/language", stays_here, VISITOR, "POST", form, headers=referer
        )
    for number, (policy, who) in enumerate(allowed(arena, "GET")):
        path = address(policy, arena.holder(who, OWN))
        asked = "&".join(f"{name}={value}" for name, value in question(policy, arena.ours).items())
        for spoofed in SPOOFED[number % 3 :: 3]:
            yield Knock("a spoofed header", f"{path}?{asked}", names_nobody_else, who, headers=spoofed)
    for spoofed in SPOOFED:
        for path in ("/login", "/login/forgotten", "/", "/board", "/link/abc", "/desk"):
            yield Knock("a spoofed header", path, names_nobody_else, NOBODY, headers=spoofed)
