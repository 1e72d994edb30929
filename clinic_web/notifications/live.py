"""The live topic of messages, ``messages:<organization>``, and who may hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from clinic_web.ui.sockets import Joiner

MESSAGES = "messages:"


def messages_topic(organization_id: UUID) -> str:
    """Return the topic that a message bumps when it was sent or given up; not when it is written, for a
    hundred handlers write at once."""
    return f"{MESSAGES}{organization_id}"


def may_join(joiner: Joiner, topic: str) -> bool:
    """People who may see messages hear those of their organization."""
    actor = joiner.actor
    return bool(
        actor and actor.can("message.view") and actor.organization_id == UUID(topic.removeprefix(MESSAGES))
    )
