"""One press, one effect. A key is claimed by the first statement of the transaction that it protects.

The same key and the same body give the first answer again; another body is refused. While the first is still
running, the second waits on its row (up to ``lock_timeout``) and then gets its answer; of ``claim_at_once``
it is told so at once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_web.kernel import unit_of_work
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, BadRequest, RuleBroken, StaleScreen
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.tables import IdempotencyKey

LONGEST_KEY = 100

CLAIM = Statement(
    """
    INSERT INTO kernel.idempotency_keys (organization_id, user_id, action, key, fingerprint)
    VALUES (:organization_id, :user_id, :action, :key, :fingerprint)
        ON CONFLICT DO NOTHING
    RETURNING true
    """
)


# Of a program that asks the same many times at once only one may hold a connection for as long as it takes.
CLAIM_AT_ONCE = Statement(
    """
    WITH held AS MATERIALIZED (
        SELECT pg_try_advisory_xact_lock(hashtextextended(:lock, 20261121)) AS is_mine),
    claimed AS (
        INSERT INTO kernel.idempotency_keys (organization_id, user_id, action, key, fingerprint)
        SELECT :organization_id, :user_id, CAST(:action AS text), CAST(:key AS text),
               CAST(:fingerprint AS bytea)
          FROM held WHERE held.is_mine
            ON CONFLICT DO NOTHING
        RETURNING true)
    SELECT held.is_mine, EXISTS (SELECT FROM claimed) AS is_first FROM held
    """
)

# The key of two presses at one instant: the later one finds the first one's answer when it tries again.
ALREADY_PRESSED = "pk_idempotency_keys"


@dataclass(frozen=True)
class Press:
    """One press of one person: what makes two presses the same."""

    organization_id: UUID
    user_id: UUID
    action: str
    key: str
    fingerprint: bytes


@dataclass(frozen=True)
class Claim:
    """The right to do a thing once. ``answer`` is the first run's when this is a repetition."""

    scope: dict[str, str]
    answer: dict[str, Any] | None

    @property
    def is_repetition(self) -> bool:
        return self.answer is not None

    def keep(self, answer: dict[str, Any]) -> None:
        """Keep the answer (ids and numbers, nothing personal) for repetitions; written with the commit."""
        unit_of_work.current().collected["answers"].append({**self.scope, "answer": answer})


def press(actor: Actor, action: str, key: str | None, body: dict[str, Any]) -> Press:
    """Return what makes this press the same as another. Raises BadRequest (400) without a key."""
    if not key or len(key) > LONGEST_KEY or actor.user_id is None:
        raise BadRequest(N_("This form came without its key. Please open it again."))
    fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).digest()
    return Press(actor.organization_id, actor.user_id, action, key, fingerprint)


def claim(actor: Actor, action: str, key: str | None, body: dict[str, Any]) -> Claim:
    """Claim ``key`` for one ``action`` of one person inside the current transaction.

    Raises BadRequest (400) when the key is missing, RuleBroken (422) when it was used with another body.
    """
    pressed = press(actor, action, key, body)
    scope = {
        "organization_id": str(pressed.organization_id),
        "user_id": str(pressed.user_id),
        "action": action,
        "key": pressed.key,
    }
    if CLAIM.first(vars(pressed)):
        return Claim(scope, None)
    return _repetition(scope, pressed.fingerprint)


class OtherBody(RuleBroken):
    """The key was used for something else before (422)."""


class StillRunning(StaleScreen):
    """The first of two that say the same is not done yet (409): ask again in a moment."""


def claim_at_once(actor: Actor, action: str, key: str | None, body: dict[str, Any]) -> Claim:
    """The same for programs: whoever comes while the first is still running is told so, and waits for nobody.

    Raises StillRunning (409); BadRequest and RuleBroken as ``claim``.
    """
    pressed = press(actor, action, key, body)
    scope = {
        "organization_id": str(pressed.organization_id),
        "user_id": str(pressed.user_id),
        "action": action,
        "key": pressed.key,
    }
    row = CLAIM_AT_ONCE.first(vars(pressed) | {"lock": json.dumps(scope, sort_keys=True)})
    if not row.is_mine:
        raise StillRunning(
            N_("The first request with this key is still running. Please ask again in a moment.")
        )
    if row.is_first:
        return Claim(scope, None)
    return _repetition(scope, pressed.fingerprint)


def _repetition(scope: dict[str, str], fingerprint: bytes) -> Claim:
    row = db.session.execute(
        select(IdempotencyKey.fingerprint, IdempotencyKey.answer).filter_by(**scope)
    ).one()
    if row.fingerprint != fingerprint:
        raise OtherBody(N_("This form was already sent with other values. Please open it again."))
    return Claim(scope, row.answer or {})
