"""When an attack has succeeded, as a sentence; None when it has not. A fault (5xx) is judged by the arena."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from attack.arena import Answer, Judge
from attack.doors import FORBIDDEN, HIDDEN, SIGN_IN

LEADS_TO_SIGN_IN = re.compile(r"^(https?://[^/]+)?(/portal)?/login(\?|$)")
LEADS_TO_THE_DOOR = re.compile(r"^(https?://[^/]+)?/patients/[0-9a-f-]{36}/emergency$")
SEE_OTHER = 303
STRIPPED = re.compile(r"[\t\r\n]")  # browsers take these out of an address
EVIL = "evil.example"
SLOW = 4.0  # seconds; what is injected to wait waits longer


def no_fault(answer: Answer) -> str | None:
    """Whatever is answered is right, if it is an answer."""
    return None


def refused(*right: int) -> Judge:
    """Only these answers are right."""

    def judge(answer: Answer) -> str | None:
        return None if answer.status in right else f"answered {answer.status}"

    return judge


def as_stranger(answer: Answer) -> str | None:
    """Who is not signed in is led to the sign-in page."""
    is_led = answer.status == 302 and LEADS_TO_SIGN_IN.match(answer.headers.get("location", ""))
    return None if answer.status == 401 or is_led else f"answered {answer.status}"


def not_done(answer: Answer) -> str | None:
    """A form of somebody without a session is refused, or leads to the sign-in page."""
    return None if answer.status in {400, 401, 403, 404, 405} else as_stranger(answer)


def refused_or_at_the_door(answer: Answer) -> str | None:
    """A page of a stranger's chart leads to the door at which an emergency is stated."""
    is_led = LEADS_TO_THE_DOOR.match(answer.headers.get("location", ""))
    return None if answer.status == SEE_OTHER and is_led else refused(403)(answer)


BY_EXPECTATION: dict[str, Judge] = {
    SIGN_IN: as_stranger,
    FORBIDDEN: refused_or_at_the_door,
    HIDDEN: refused(404),
}


def stays_here(answer: Answer) -> str | None:
    """No redirect, link or header leads to the attacker's site, as a browser reads them."""
    for name in ("location", "hx-redirect", "hx-push-url", "hx-location", "refresh", "link"):
        target = answer.headers.get(name, "")
        read = STRIPPED.sub("", target).strip().replace("\\", "/")
        address = urlsplit(urljoin("http://here.example/", read))
        if EVIL in address.netloc or address.scheme not in {"http", "https"}:
            return f"{name}: {target}"
    allowed = answer.headers.get("access-control-allow-origin")
    return f"access-control-allow-origin: {allowed}" if allowed else None


def names_nobody_else(answer: Answer) -> str | None:
    """The attacker's host is nowhere in the answer, either: not in a link, not in a form's address."""
    wrong = stays_here(answer)
    return wrong or ("the attacker's host in the page" if f"//{EVIL}".encode() in answer.body else None)


def in_time(answer: Answer) -> str | None:
    return f"took {answer.seconds:.1f} s" if answer.seconds > SLOW else None


def without(*raw: str) -> Judge:
    """None of these stands in a page as it was sent."""

    def judge(answer: Answer) -> str | None:
        if "html" not in answer.headers.get("content-type", ""):
            return None
        return next((f"{each!r} stands in the page" for each in raw if each.encode() in answer.body), None)

    return judge
