"""The end of a run: everything comes to rest, every row is looked at, every word is compared with what is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from chaos.asking import Asking
from chaos.clients import Log
from clinic_web.cli.invariants import running
from clinic_web.cli.invariants.running import Asked
from clinic_web.kernel import clock

DUE = "SELECT count(*) FROM kernel.deliveries WHERE state = 'DUE'"
UNDER_WAY = """
    SELECT count(*) FROM orders.orders WHERE status IN ('CREATED', 'FULFILLING', 'BILLED', 'COMPENSATING')
"""
# A mail server that is away is asked again later; what is due now is in nobody's way to be sent.
UNSENT = """
    SELECT count(*) FROM notifications.notifications
     WHERE status = 'PENDING' AND due_at < now() - interval '45 seconds'
       AND COALESCE(claimed_until, '-infinity') < now()
"""
BY_STATE = "SELECT status, count(*) FROM orders.orders GROUP BY status ORDER BY status"
LASTED = """
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY took), percentile_cont(0.99) WITHIN GROUP (ORDER BY took),
           max(took)
      FROM (SELECT extract(epoch FROM ended_at - created_at) AS took FROM orders.orders WHERE ended_at IS NOT NULL) t
"""
# Longer than all its steps may wait for an answer, or called for a person.
STUCK = """
    SELECT order_number, status, ended_at - created_at FROM orders.orders
     WHERE status NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') OR ended_at - created_at > interval '15 minutes'
     LIMIT 20
"""
HURRY = "UPDATE kernel.deliveries SET due_at = now() WHERE state = 'DUE' AND due_at > now()"
KEYS = "SELECT user_id::text, key FROM kernel.idempotency_keys WHERE answer IS NOT NULL"
STILL_ON = """
    SELECT order_number, status FROM orders.orders
     WHERE id = ANY(%s) AND status NOT IN ('COMPENSATING', 'CANCELLED')
"""
WHY = """
    SELECT consumer || ' ' || state || ', tried ' || attempts || ': ' || COALESCE(last_error, 'no error')
      FROM kernel.deliveries WHERE state <> 'DONE' ORDER BY due_at LIMIT 10
"""


def come_to_rest(
    asking: Asking, mend: Callable[[], None], *, patience: float, hurry: bool
) -> datetime | None:
    """Wait until nothing is due and no order is under way; return since when, None if that never came.

    A run without ``hurry`` waits for the messages, too, that pile up while their sender is killed all the time.
    Without them more may become due later: each message tells how it fared.
    """
    began, rested_at = time.monotonic(), clock.now()
    still = 0
    while time.monotonic() - began < patience:
        mend()
        if hurry:
            asking.all(HURRY)
        waiting = asking.number(DUE) + asking.number(UNDER_WAY)
        if not (waiting or hurry):
            waiting = asking.number(UNSENT)
        still = still + 1 if waiting == 0 else 0
        if still == 0:
            rested_at = clock.now()
        if still >= 3:
            return rested_at
        time.sleep(0.25)
    return None


def figures_of_orders(asking: Asking) -> list[str]:
    """Return how orders ended and how long they took, in words."""
    ended = ", ".join(f"{status} {number}" for status, number in asking.all(BY_STATE))
    row = asking.one(LASTED)
    if not ended or row is None or row[0] is None:
        return []
    return [
        f"orders: {ended}",
        f"they took {row[0]:.2f} s in the middle, {row[1]:.1f} s at 99 %, {row[2]:.1f} s at most",
    ]


def stuck(asking: Asking) -> list[str]:
    return [f"stuck: {row[0]} is {row[1]}: {row[2]}" for row in asking.all(STUCK)]


def what_is_left(asking: Asking) -> list[str]:
    return [str(row[0]) for row in asking.all(WHY)]


def breaches(owner_url: str, rested_at: datetime | None) -> tuple[list[str], int]:
    """Return what breaks an invariant, in words, and how many rows were looked at."""
    found, looked = [], 0
    asked = Asked(is_settled=True, rested_at=rested_at)
    with running.moment(owner_url) as connection:
        for proof in running.prove(connection, running.all_of_them(), asked):
            looked += proof.counted
            if not proof.holds:
                first = "; ".join(f"{each.id} {each.says}" for each in proof.first[:5])
                found.append(f"{proof.name}: {proof.number} ({first})")
    return found, looked


def lost(asking: Asking, log: Log) -> list[str]:
    """Return what people were told is done, and is not there."""
    kept = {(row[0], row[1]) for row in asking.all(KEYS)}
    gone = [
        f"{each.what} {each.key}"
        for each in log.told
        if each.is_done and each.is_kept and (str(each.user_id), each.key) not in kept
    ]
    off = {row_id for what, row_id in log.promised if what == "off"}
    still_on = asking.all(STILL_ON, list(off)) if off else []
    return gone + [f"cancelled, and is {row[1]}: {row[0]}" for row in still_on]
