"""Why money goes back or a claim is given up: a sentence, always."""

from __future__ import annotations

from clinic_web.kernel.errors import N_, RuleBroken

LONGEST = 300


def check_reason(reason: str) -> str:
    """Return the reason without needless blanks; raise RuleBroken (422) when it is missing or too long."""
    short = " ".join(reason.split())
    if not short:
        raise RuleBroken(N_("Give a reason."), field="reason")
    if len(short) > LONGEST:
        raise RuleBroken(N_("A reason has %(most)s letters at most."), field="reason", most=LONGEST)
    return short
