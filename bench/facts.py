"""What the floor is told at its start, because the program knows it without asking PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.world import ZONE, Person, World, plain

FILE = Path(__file__).parents[1] / ".local" / "bench-floor.json"


def env(world: World, people: Sequence[Person], clinics: Sequence[UUID] = (), **more: Any) -> dict[str, str]:
    """Write the facts; return the environment that leads the floor to them."""
    rooms = dict(world.sql("SELECT id, room_id FROM organization.staff"))
    facts = more | {
        "place": {
            "organization_id": world.actor.organization_id,
            "timezone": ZONE,
            "clinic_ids": [str(clinic) for clinic in clinics],
        },
        "people": {
            person.token: {
                "user_id": person.actor.user_id,
                "doctor_id": person.actor.staff_id,
                "room_id": rooms.get(person.actor.staff_id),
            }
            for person in people
        },
    }
    FILE.write_text(json.dumps(facts, default=str))
    return {"FLOOR_FACTS": str(FILE), "DATABASE_URL": plain(world.settings.database_url)}
