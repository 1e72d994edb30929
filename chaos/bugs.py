"""The deliberate bugs: where, what instead, what it would do, and what must see it."""

from __future__ import annotations

from typing import NamedTuple

KERNEL = "clinic_web/kernel"
EVENTS = "tests/kernel/test_events.py"


class Bug(NamedTuple):
    name: str
    file: str
    old: str
    new: str
    harm: str
    seen_by: str


ALL = (
    Bug(
        "dedupe dropped",
        f"{KERNEL}/delivery.py",
        '    return note.first({"event_id": event_id, "consumer": subscription.consumer}) is not None',
        '    note.first({"event_id": event_id, "consumer": subscription.consumer})\n    return True',
        "an event that comes twice has its effect twice",
        f"{EVENTS} -k second_delivery",
    ),
    Bug(
        "dedupe without its unique key",
        f"{KERNEL}/delivery.py",
        '            ON CONFLICT DO NOTHING\n        RETURNING true\n        """  # noqa: S608 - a module\'s name',
        "            ON CONFLICT (event_id, consumer) DO UPDATE SET processed_at = now()\n        RETURNING true\n"
        '        """  # noqa: S608 - a module\'s name',
        "the same, by the note itself",
        f"{EVENTS} -k second_delivery",
    ),
    Bug(
        "done before its effect",
        f"{KERNEL}/delivery.py",
        "        if is_first_time(subscription, row.event_id):\n            subscription.handler(",
        '        work.collected["finished"].append({"id": str(row.id)})\n'
        "        if False and is_first_time(subscription, row.event_id):\n            subscription.handler(",
        "a delivery is done and nobody has heard it",
        EVENTS,
    ),
    Bug(
        "failure taken for success",
        f"{KERNEL}/delivery.py",
        "           state = CASE WHEN :park THEN 'PARKED' ELSE 'DUE' END,",
        "           state = 'DONE', done_at = CAST(:now AS timestamptz),",
        "what a handler could not do is forgotten",
        f"{EVENTS} -k failure",
    ),
    Bug(
        "two workers, one delivery",
        f"{KERNEL}/delivery.py",
        "           FOR UPDATE OF d SKIP LOCKED\n    )",
        "    )",
        "two workers apply one delivery at the same time",
        "tests/invariants/test_bugs.py -k one_worker",
    ),
    Bug(
        "cursor in the relay",
        f"{KERNEL}/delivery.py",
        "         WHERE d.state = 'DUE' AND d.queue = :queue AND (d.attempts = 0 OR d.due_at <= :now)",
        "         WHERE d.state = 'DUE' AND d.queue = :queue AND d.event_id > COALESCE((SELECT max(x.event_id)"
        " FROM kernel.deliveries x WHERE x.queue = :queue AND x.state = 'DONE'), '"
        "00000000-0000-0000-0000-000000000000')",
        "what commits late, behind a younger event, is never heard",
        "tests/invariants/test_bugs.py -k late",
    ),
    Bug(
        "the relay never sweeps",
        f"{KERNEL}/relay.py",
        "    for queue in queues:\n        jobs.wake(queue)\n    return queues",
        "    return []",
        "what Redis lost waits for ever",
        f"{EVENTS} -k relay",
    ),
    Bug(
        "told before the commit",
        f"{KERNEL}/push.py",
        "    unit_of_work.current().topics.add(topic)",
        "    unit_of_work.current().topics.add(topic)\n"
        '    _emit("changed", {"topic": topic, "version": 0}, topic)',
        "screens show what never happened",
        "tests/kernel/test_live_topics.py",
    ),
    Bug(
        "event outside the transaction",
        f"{KERNEL}/unit_of_work.py",
        "        yield work\n        session.flush()\n        work.record()",
        "        try:\n            yield work\n        except Exception:\n            session.rollback()\n"
        "            work.record()\n            session.commit()\n            raise\n"
        "        session.flush()\n        work.record()",
        "others hear of what was rolled back",
        f"{EVENTS} -k rolled_back",
    ),
    Bug(
        "SET instead of SET LOCAL",
        f"{KERNEL}/tenant.py",
        "        _tell(driver, _current.get(), is_local=True)",
        "        _tell(driver, _current.get(), is_local=False)",
        "the next borrower of a connection works for another tenant",
        "tests/invariants/test_bugs.py -k borrower",
    ),
    Bug(
        "key forgotten",
        f"{KERNEL}/idempotency.py",
        "    if CLAIM.first(vars(pressed)):\n        return Claim(scope, None)\n    return _repetition(scope, pressed.fingerprint)",
        "    CLAIM.first(vars(pressed))\n    return Claim(scope, None)",
        "a double click acts twice",
        "tests/kernel/test_one_press.py",
    ),
    Bug(
        "key without its body",
        f"{KERNEL}/idempotency.py",
        "    if row.fingerprint != fingerprint:",
        "    if False:",
        "another form gets the first one's answer",
        "tests/kernel/test_one_press.py -k another_body",
    ),
    Bug(
        "payment read without a lock",
        "clinic_web/payments/access.py",
        "        found = found.with_for_update().execution_options(populate_existing=True)",
        "        found = found.execution_options(populate_existing=True)",
        "two part payments at once: one is lost, or more is taken than is owed",
        "tests/payments/test_pressing_at_once.py",
    ),
    Bug(
        "a shop without a witness",
        "clinic_web/payments/service/taking.py",
        '    audit.changed(actor, ACTION, "payment", payment.id, old=old, new=movements.audited(payment, movement))\n',
        "",
        "money moves and no row of the audit says so",
        "tests/invariants/test_invariants.py -k well",
    ),
    Bug(
        "version not asked for",
        "clinic_web/orders/service/keeping.py",
        "         WHERE id = :order_id AND version = :version\n",
        "         WHERE id = :order_id AND :version > 0\n",
        "two answers at once: the later one overwrites the earlier one's step",
        "tests/invariants/test_bugs.py -k two_answers",
    ),
    Bug(
        "never asked again",
        "clinic_web/orders/deciding.py",
        "        work.ask(step.step)\n\n\ndef _look_back",
        "        pass\n\n\ndef _look_back",
        "an order whose request was lost waits for ever",
        "tests/orders",
    ),
    Bug(
        "undone once or never",
        "clinic_web/orders/deciding.py",
        "        work.notes.append(Note(what=UNDO_TOLD_AGAIN, step=step.step))\n        work.ask_to_undo(step.step)",
        "        pass",
        "a compensation that was lost is never told again",
        "tests/orders",
    ),
    Bug(
        "a failed message undoes care",
        "clinic_web/orders/deciding.py",
        "        _give_up_notifying(work, news.reason)\n    elif asked:",
        "        work.turn_back(FAILED, news.step, news.reason)\n    elif asked:",
        "a patient without a telephone gets no medicine",
        "tests/orders",
    ),
    Bug(
        "undone in the wrong order",
        "clinic_web/orders/saga.py",
        "UNDONE_IN_REVERSE = (BILL, RESERVE)",
        "UNDONE_IN_REVERSE = (RESERVE,)",
        "what failed later keeps its bill",
        "tests/orders",
    ),
    Bug(
        "tombstone ignored (laboratory)",
        "clinic_web/lab/service/holding.py",
        "        if heard.answer != ASKED:",
        "        if heard.answer not in (ASKED, RELEASED):",
        "a late request holds places of an order that was called off",
        "tests/lab",
    ),
    Bug(
        "one place too many",
        "clinic_web/lab/service/statements.py",
        "        SELECT true AS yes WHERE (SELECT count(*) FROM held) = (SELECT count(*) FROM places)",
        "        SELECT true AS yes",
        "an order is held in part",
        "tests/lab",
    ),
    Bug(
        "tombstone ignored (bills)",
        "clinic_web/billing/service/statements.py",
        "         WHERE r.status = 'PENDING'\n        RETURNING order_id, served",
        "        RETURNING order_id, served",
        "an order that was called off is billed all the same",
        "tests/billing",
    ),
    Bug(
        "last in, first out",
        "clinic_web/inventory/service/holding.py",
        "        WINDOW tape AS (PARTITION BY b.inventory_item_id ORDER BY b.expiration_date, b.id)",
        "        WINDOW tape AS (PARTITION BY b.inventory_item_id ORDER BY b.expiration_date DESC, b.id)",
        "medicine expires on the shelf",
        "tests/inventory",
    ),
    Bug(
        "released without a look",
        "clinic_web/inventory/service/giving.py",
        '    RELEASE: _moving(RELEASE, shelf=0, reserved=-1, fits="b.quantity_reserved >= a.quantity"),',
        '    RELEASE: _moving(RELEASE, shelf=0, reserved=-1, fits="true"),',
        "what is not reserved is released: stock out of nothing",
        "tests/inventory",
    ),
    Bug(
        "held without a lock",
        "clinic_web/inventory/service/holding.py",
        "     ORDER BY id FOR NO KEY UPDATE\n",
        "     ORDER BY id\n",
        "the last box is promised to two",
        "tests/inventory",
    ),
)
