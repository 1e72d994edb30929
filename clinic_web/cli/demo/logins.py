"""Demo logins: one person per role, each with a generated password that exists nowhere else."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from clinic_web.identity import api as identity
from clinic_web.kernel.actor import Actor

# role, user name, first and last name, the page they start on
PEOPLE = (
    ("administrator", "nabila", "Nabila", "Aziz", "/admin"),
    ("manager", "mounir", "Mounir", "Halabi", "/payments"),
    ("receptionist", "amina", "Amina", "Hegazi", "/desk"),
    ("cashier", "farida", "Farida", "Rostom", "/payments"),
    ("nurse", "ewelina", "Ewelina", "Nowak", "/desk"),
    ("pharmacist", "tawfik", "Tawfik", "Sabri", "/pharmacy"),
    ("pharmacy_technician", "lamia", "Lamia", "Gad", "/stations"),
    ("lab_technician", "hatem", "Hatem", "Diab", "/lab"),
    ("auditor", "iman", "Iman", "Fathy", "/audit"),
    ("operator", "yusuf", "Yusuf", "Amin", "/operations"),
)


@dataclass(frozen=True)
class Login:
    role: str
    username: str
    password: str
    start: str


def create(actor: Actor, doctors: dict[UUID, tuple[str, str]]) -> list[Login]:
    """Create everybody who signs in; ``doctors`` are the names of the centre's, by staff id."""
    logins = []
    for role, username, first, last, start in PEOPLE:
        password = identity.generate_password()
        identity.create_user(
            actor,
            username=username,
            password=password,
            first_name=first,
            last_name=last,
            roles=[role],
            facility_id=actor.facility_id,
        )
        logins.append(Login(role, username, password, start))
    for staff_id, (first, last) in doctors.items():
        password = identity.generate_password()
        identity.create_user(
            actor,
            username=first.lower(),
            password=password,
            first_name=first,
            last_name=last,
            roles=["doctor"],
            facility_id=actor.facility_id,
            staff_id=staff_id,
        )
        logins.append(Login("doctor", first.lower(), password, "/doctor"))
    return logins


def add(login: Login, path: str | None) -> None:
    """Write one login more, in place of an older one of the same name."""
    if not path:
        return
    try:
        known = [Login(**each) for each in json.loads(Path(path).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        known = []
    write([each for each in known if each.username != login.username] + [login], path)


def write(logins: list[Login], path: str | None) -> None:
    """Write the logins where only their owner can read them; ``path`` is what DEMO_LOGINS_FILE names."""
    if not path:
        return
    descriptor = os.open(Path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)  # also where the file is an older one
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([asdict(login) for login in logins], file, indent=2)
