"""The front door of audit: note an access, note a change. Both belong to the current transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from clinic_web.audit.models import ALLOWED, EMERGENCY, REFUSED, Change
from clinic_web.kernel import clock, record, unit_of_work
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.statement import Statement
from clinic_web.kernel.unit_of_work import single_statement, transaction

LONGEST_AGENT = 300

# The witnesses commit with what they witness, in the statement that records the whole unit of work.
record.also(
    "witnesses",
    """
    INSERT INTO audit.access_logs
           (id, organization_id, user_id, action, resource_type, resource_id, result,
            ip_address, user_agent, metadata, accessed_at)
    SELECT w.* FROM jsonb_to_recordset(CAST(:witnesses AS jsonb))
           AS w(id uuid, organization_id uuid, user_id uuid, action text, resource_type text,
                resource_id uuid, result text, ip_address inet, user_agent text, metadata jsonb,
                accessed_at timestamptz)
    """,
)

SAW_LIST = f"""
    INSERT INTO audit.access_logs
           (id, organization_id, user_id, action, resource_type, result, ip_address, user_agent, metadata,
            accessed_at)
    SELECT :access_id, :organization_id, :user_id, CAST(:action AS text), CAST(:resource_type AS text),
           '{ALLOWED}', CAST(:ip_address AS inet), CAST(:user_agent AS text), CAST(:ids AS jsonb), :now
    """
# The same as a CTE, for a view that is one only where ``known`` has a row (see ``kernel.kept``).
SAW_KNOWN_LIST = f"{SAW_LIST} FROM known RETURNING id"
_saw_list = Statement(SAW_LIST)


def saw(
    actor: Actor,
    action: str,
    resource_type: str,
    resource_id: UUID | None = None,
    *,
    ids: Iterable[UUID] = (),
    emergency_id: UUID | None = None,
) -> None:
    """Note that ``actor`` saw or changed patient data; ``ids`` are the rows of a list view.

    ``emergency_id``: they saw it only because they opened the chart in an emergency; the row says so.
    """
    listed = [str(each) for each in ids]
    metadata: dict[str, Any] = {"ids": listed} if listed else {}
    if emergency_id:
        metadata["emergency"] = str(emergency_id)
    result = EMERGENCY if emergency_id else ALLOWED
    _note(actor, action, (resource_type, resource_id), result, metadata=metadata or None)


def list_view(actor: Actor, action: str, resource_type: str, ids: str | None) -> dict[str, Any]:
    """Return the parameters of ``SAW_LIST``; ``ids`` are the rows as a JSON object, ready to be kept."""
    return {
        "access_id": new_id(),
        "organization_id": actor.organization_id,
        "user_id": actor.user_id,
        "action": action,
        "resource_type": resource_type,
        "ip_address": actor.ip_address,
        "user_agent": (actor.user_agent or "")[:LONGEST_AGENT] or None,
        "ids": ids,
        "now": clock.now(),
    }


def saw_list(view: Mapping[str, Any]) -> None:
    """Note a list view in one statement of its own. Showing a list changes nothing else, so it is the whole
    unit of work, or a part of the one that is under way."""
    with single_statement():
        _saw_list.run(view)


def saw_at_once(row: str, action: str, resource_type: str, resource_id: str) -> str:
    """Return the CTE that notes an access together with what was accessed (see ``kernel.at_once``); the
    parameters are ``witness_values``."""
    return f"""
    witness AS (
        INSERT INTO audit.access_logs
               (id, organization_id, user_id, action, resource_type, resource_id, result, ip_address,
                user_agent, accessed_at)
        SELECT :access_id, :organization_id, :user_id, '{action}', '{resource_type}', {resource_id},
               '{ALLOWED}', CAST(:ip_address AS inet), CAST(:user_agent AS text), :now
          FROM {row})"""  # noqa: S608 - constants of the program


def witness_values(actor: Actor) -> dict[str, Any]:
    return {
        "access_id": new_id(),
        "ip_address": actor.ip_address,
        "user_agent": (actor.user_agent or "")[:LONGEST_AGENT] or None,
    }


def refused(actor: Actor, action: str, resource_type: str, resource_id: UUID | None = None) -> None:
    """Note that ``actor`` was refused; in a transaction of its own, because the refused one rolls back."""
    with transaction():
        _note(actor, action, (resource_type, resource_id), REFUSED)


def changed(
    actor: Actor,
    action: str,
    resource_type: str,
    resource_id: UUID,
    *,
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
) -> None:
    """Note old and new values of one row of money, stock, medication or rights."""
    db.session.execute(
        insert(Change),
        {
            "id": new_id(),
            "organization_id": actor.organization_id,
            "user_id": actor.user_id,
            "action": action,
            "resource_type": resource_type,
            "resource_id": resource_id,
            "old_values": _plain(old),
            "new_values": _plain(new),
            "changed_at": clock.now(),
            "ip_address": actor.ip_address,
            "user_agent": (actor.user_agent or "")[:LONGEST_AGENT] or None,
        },
    )


def _note(
    actor: Actor,
    action: str,
    resource: tuple[str, UUID | None],
    result: str,
    *,
    metadata: dict[str, Any] | None = None,
) -> None:
    unit_of_work.current().collected["witnesses"].append(
        {
            "id": str(new_id()),
            "organization_id": str(actor.organization_id),
            "user_id": str(actor.user_id) if actor.user_id else None,
            "action": action,
            "resource_type": resource[0],
            "resource_id": str(resource[1]) if resource[1] else None,
            "result": result,
            "ip_address": actor.ip_address,
            "user_agent": (actor.user_agent or "")[:LONGEST_AGENT] or None,
            "metadata": metadata,
            "accessed_at": clock.now().isoformat(),
        }
    )


def _plain(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the values as JSON keeps them: ids, money and times as text."""
    if values is None:
        return None
    return {
        name: value if isinstance(value, bool | int | None) else str(value) for name, value in values.items()
    }
