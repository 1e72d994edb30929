"""Who asks, from this process's memory, until PostgreSQL has said that it is still so.

The busiest presses are one statement each (see ``kernel.at_once``). To ask first whose session it is would
be a second one. So such a press takes the person as this process last read them, and its own statement proves
them: it does nothing unless the session is open at this moment, the rights are those that were read, and the
house stands where it stood. Whatever else PostgreSQL is asked for, it is first asked who it is
(``tenant.Pool``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from clinic_web.identity.doors import hash_of
from clinic_web.identity.ports import ports
from clinic_web.identity.queries import IDLE_LIMIT, SignedIn
from clinic_web.kernel import clock, tenant
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.tenant import Unproved
from clinic_web.kernel.unit_of_work import StreamMoved

# True where the person is proved already, or is proved by this; a condition of whatever the statement does.
IS_WHO_ASKS = """(CAST(:who_token AS bytea) IS NULL OR EXISTS (
    SELECT FROM identity.session_of(:who_token, :who_now, :who_idle_since) AS who
     WHERE who.rights_stamp = :who_rights AND who.topic = :who_topic
       AND who.epoch = CAST(:who_epoch AS uuid) AND who.seq = :who_seq))"""


class ProvingStatement(Statement):
    """A statement that proves who asks where that is only remembered: a row means that it is so."""

    def __init__(self, sql: str) -> None:
        if IS_WHO_ASKS not in sql:
            raise TypeError("a statement that proves who asks has IS_WHO_ASKS among its conditions")
        super().__init__(sql)

    def first(self, values: Mapping[str, Any]) -> Any:
        with tenant.proving() as proof:
            row = super().first({**proof, **values})
        if row is not None:
            tenant.proved()
        return row


def unproved(user: SignedIn, house: StreamMoved, prove: Callable[[], None]) -> Unproved:
    """Return the tenant of somebody remembered in their ``house`` as it stood, for a ``ProvingStatement`` to
    prove or else ``prove``."""
    now = clock.now()
    values = {
        "who_token": hash_of(user.token),
        "who_now": now,
        "who_idle_since": now - IDLE_LIMIT,
        "who_rights": user.rights_stamp,
        "who_topic": house.topic,
        "who_epoch": house.epoch,
        "who_seq": house.seq,
    }
    return Unproved(user.actor.organization_id, values, prove)


def house_of(user: SignedIn) -> StreamMoved | None:
    """Return where the person's house stood when this process read of it what it has at hand; None where
    that is nothing."""
    return ports.house_at_hand(user.actor.organization_id)
