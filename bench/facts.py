"""How one speaks to the floor; and what it is told at its start, because the program knows it without asking
PostgreSQL."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.load import Ask
from bench.world import BROWSER, ZONE, Person, World, plain
from clinic_web.organization import api as organization

# Of this run alone, with tokens in it that open nothing once its database is gone.
FILE = Path(__file__).parents[1] / ".local" / f"bench-floor-{os.getpid()}.json"


def env(world: World, people: Sequence[Person], **more: Any) -> dict[str, str]:
    """Write the facts; return the environment that leads the floor to them."""
    works_in = dict(world.sql("SELECT staff_id, clinic_id FROM organization.staff_clinics"))
    rooms = dict(world.sql("SELECT id, room_id FROM organization.staff"))
    rights = dict(world.sql("SELECT id, rights_stamp FROM identity.users"))
    topic = organization.topic(world.actor.organization_id)
    (house,) = world.sql("SELECT epoch, seq FROM kernel.streams WHERE topic = %s", topic)
    facts = more | {
        "place": {
            "organization_id": world.actor.organization_id,
            "timezone": ZONE,
            "who_topic": topic,
            "who_epoch": house[0],
            "who_seq": house[1],
        },
        "people": {
            person.token: {
                "user_id": person.actor.user_id,
                "who_rights": rights[person.actor.user_id],
                "doctor_id": person.actor.staff_id,
                "room_id": rooms.get(person.actor.staff_id),
                "clinic_id": works_in.get(person.actor.staff_id),
            }
            for person in people
        },
    }
    FILE.write_text(json.dumps(facts, default=str))
    atexit.register(FILE.unlink, missing_ok=True)
    return {"FLOOR_FACTS": str(FILE), "DATABASE_URL": plain(world.settings.database_url)}


def press_next(doctor: Person) -> Ask:
    """A doctor calls the next patient."""
    return Ask("/next", {"idempotency_key": str(uuid4())}, headers(doctor))


def headers(person: Person) -> dict[str, str]:
    """What a browser brings along; the floor's cookie is the bare token."""
    return BROWSER | {"Cookie": f"token={person.token}"}
