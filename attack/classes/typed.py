"""Numbers, dates, ids and cursors that are something else; fields twice; versions and amounts tampered with."""

from __future__ import annotations

import random
from collections.abc import Iterator

from attack.arena import HTMX, Arena, Case, Deed, Knock
from attack.classes.foreign import allowed
from attack.doors import OWN, address, filled_in
from attack.evidence import count_as_owner
from attack.judges import refused
from attack.payloads import ODD

IDS = "A58 A59 A66 A68 A69 A70"
WHAT = "types, twice, versions, amounts"

ANSWERS = refused(200, 201, 204, 302, 303, 400, 403, 404, 409, 413, 422, 429)
SOME = (
    "amount", "handed_over", "count", "version", "day", "start", "from", "to", "service", "clinic", "doctor",
    "priority", "method", "idempotency_key", "queue", "station", "room", "name", "code", "patient", "days", "limit",
    "survivor_version", "first", "last", "starts", "ends", "price", "duration_minutes", "date_of_birth", "phone",
)  # fmt: skip
NEVER = {
    "a movement of nothing or less": "SELECT count(*) FROM payments.payment_transactions WHERE amount <= 0",
    "more taken than owed": "SELECT count(*) FROM payments.payments WHERE amount_paid > total_amount",
    "a price below nothing": "SELECT count(*) FROM organization.services WHERE price < 0",
    "a payment below nothing": "SELECT count(*) FROM payments.payments WHERE total_amount < 0 OR balance_due < 0",
    "a number below one": "SELECT count(*) FROM reception.queue_numbers WHERE number < 1",
}


def cases(arena: Arena) -> Iterator[Case]:
    chance = random.Random(7)
    for policy, who in allowed(arena, "POST"):
        path = address(policy, arena.holder(who, OWN))
        for name in SOME[len(path) % 2 :: 2]:
            form = filled_in(arena.ours, **{name: chance.choice(ODD)})
            yield Knock(f"{name} is something else", path, ANSWERS, who, "POST", form, headers=HTMX)
        whole = filled_in(arena.ours)
        for odd in chance.sample(ODD, 4):
            yield Knock(
                "all is something else", path, ANSWERS, who, "POST", dict.fromkeys(whole, odd), headers=HTMX
            )
        twice = [*whole.items(), *filled_in(arena.theirs).items()]
        yield Knock("each field twice", path, ANSWERS, who, "POST", twice, headers=HTMX)
        yield Knock("each field twice, otherwise", path, ANSWERS, who, "POST", twice[::-1], headers=HTMX)
        yield Knock("lists", path, ANSWERS, who, "POST", {f"{name}[]": "1" for name in whole}, headers=HTMX)
        for version in ("0", "-1", "2147483648", "999999", "", "1.5", "x"):
            form = whole | {"version": version, "amount": "-5.00"}
            yield Knock("another version", path, ANSWERS, who, "POST", form, headers=HTMX)
    for what, question in NEVER.items():
        yield Deed(what, lambda asked=question: count_as_owner(arena.app, arena.ours.organization_id, asked))  # type: ignore[misc]
