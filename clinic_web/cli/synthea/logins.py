"""Logins of the tenant: one person per role of a working day, each with a generated password."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from clinic_web.identity import api as identity
from clinic_web.kernel.actor import Actor

RECEPTIONIST = "synthea.receptionist"

# user name, role, first and last name, the page they start on
PEOPLE = (
    ("synthea.administrator", "administrator", "Alma", "Ames", "/account"),
    (RECEPTIONIST, "receptionist", "Rita", "Rowe", "/desk"),
    ("synthea.cashier", "cashier", "Carl", "Coyne", "/payments"),
)


@dataclass(frozen=True)
class Login:
    role: str
    username: str
    password: str
    start: str


@dataclass(frozen=True)
class Person:
    """Somebody who signs in."""

    username: str
    role: str
    first_name: str
    last_name: str
    start: str
    staff_id: UUID | None = None


def doctors(people: Iterable[tuple[str, str, UUID]]) -> list[Person]:
    """Return doctors, given as first name, last name and staff id; a second of one name is numbered."""
    found: list[Person] = []
    for first, last, staff_id in people:
        name = f"{_plain(first)}.{_plain(last)}".strip(".") or "doctor"
        namesakes = sum(each.username.rstrip("0123456789") == name for each in found)
        username = f"{name}{namesakes + 1}" if namesakes else name
        found.append(Person(username, "doctor", first, last, "/doctor", staff_id))
    return found


def _plain(name: str) -> str:
    """Letters that every keyboard has."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z]", "", folded)


def ensure(actor: Actor, doctors: Sequence[Person]) -> list[Login]:
    """Create those who cannot sign in yet; return their logins, which can't be shown a second time."""
    identity.ensure_permissions()
    known = identity.actors_of(actor.organization_id)
    people = [*(Person(*each) for each in PEOPLE), *doctors]
    return [_create(actor, each) for each in people if each.username not in known]


def _create(actor: Actor, person: Person) -> Login:
    password = identity.generate_password()
    identity.create_user(
        actor,
        username=person.username,
        password=password,
        first_name=person.first_name,
        last_name=person.last_name,
        roles=[person.role],
        facility_id=actor.facility_id,
        staff_id=person.staff_id,
    )
    return Login(person.role, person.username, password, person.start)


def write(logins: Sequence[Login], path: Path) -> None:
    """Write the logins where only their owner can read them, also over a file that others could read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.truncate()
        json.dump([asdict(login) for login in logins], file, indent=2)
