"""The end of a run: everything comes to rest, every row is looked at, every word is compared with what is there."""

from __future__ import annotations

import time
from collections.abc import Callable

from chaos.asking import Asking
from chaos.clients import Log
from clinic_web.cli.invariants import running
from clinic_web.cli.invariants.running import Asked

DUE = "SELECT count(*) FROM kernel.deliveries WHERE state = 'DUE'"
UNDER_WAY = "SELECT 0"
HURRY = "UPDATE kernel.deliveries SET due_at = now() WHERE state = 'DUE' AND due_at > now()"
KEYS = "SELECT user_id::text, key FROM kernel.idempotency_keys WHERE answer IS NOT NULL"
WHY = """
    SELECT consumer || ' ' || state || ', tried ' || attempts || ': ' || COALESCE(last_error, 'no error')
      FROM kernel.deliveries WHERE state <> 'DONE' ORDER BY due_at LIMIT 10
"""


def come_to_rest(asking: Asking, mend: Callable[[], None], *, patience: float, hurry: bool) -> float | None:
    """Wait until nothing is due and no order is under way; return how long that took, None if it never came."""
    began = time.monotonic()
    still = 0
    while time.monotonic() - began < patience:
        mend()
        if hurry:
            asking.all(HURRY)
        waiting = asking.number(DUE) + asking.number(UNDER_WAY)
        still = still + 1 if waiting == 0 else 0
        if still >= 3:
            return time.monotonic() - began
        time.sleep(0.25)
    return None


def what_is_left(asking: Asking) -> list[str]:
    return [str(row[0]) for row in asking.all(WHY)]


def breaches(owner_url: str) -> tuple[list[str], int]:
    """Return what breaks an invariant, in words, and how many rows were looked at."""
    found, looked = [], 0
    with running.moment(owner_url) as connection:
        for proof in running.prove(connection, running.all_of_them(), Asked(is_settled=True)):
            looked += proof.counted
            if not proof.holds:
                first = "; ".join(f"{each.id} {each.says}" for each in proof.first[:5])
                found.append(f"{proof.name}: {proof.number} ({first})")
    return found, looked


def lost(asking: Asking, log: Log) -> list[str]:
    """Return what people were told is done, and is not there."""
    kept = {(row[0], row[1]) for row in asking.all(KEYS)}
    return [
        f"{each.what} {each.key}"
        for each in log.told
        if each.is_done and (str(each.user_id), each.key) not in kept
    ]
