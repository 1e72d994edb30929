"""The people and places that are measured: made by the program's own services, in a database of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import count
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
from argon2 import PasswordHasher
from flask import Flask, g, session
from flask_wtf.csrf import generate_csrf

from bench.load import Ask
from clinic_web.app import create_app
from clinic_web.config import Settings, read_settings
from clinic_web.identity import api as identity
from clinic_web.identity import passwords
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.organization import api as organization
from clinic_web.patients import api as patients
from clinic_web.patients.api import ImportedPatient
from clinic_web.reception import api as reception
from clinic_web.reception.service import walking_in
from clinic_web.reception.service.walking_in import WalkIn
from tests import databases

WORLDS = count(1)
SECRET = "bench-only-bench-only-bench-only-bench"  # noqa: S105 - signs cookies of a database that is dropped
ZONE = "Africa/Cairo"
PASSWORD = "correct-horse-battery-staple"  # noqa: S105 - nobody signs in with it
REDIS_DATABASE = 7  # beside the tests' own

# What every press in a browser brings along.
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0",
    "Accept": "*/*",
    "Accept-Language": "en-US,en;q=0.9",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}
HTMX = {"HX-Request": "true", "HX-Target": "last-act"}


@dataclass(frozen=True)
class Person:
    """Somebody signed in: their browser's cookie and CSRF token, and the actor that services receive."""

    actor: Actor
    token: str
    cookie: str
    csrf: str

    def asks(self, path: str) -> Ask:
        return Ask(path, headers=BROWSER | {"Cookie": self.cookie})

    def presses(self, path: str, fields: dict[str, str], *, htmx: bool = True) -> Ask:
        """A POST as the program's pages send it, with a fresh idempotency key."""
        form = {"csrf_token": self.csrf, "idempotency_key": str(uuid4())} | fields
        return Ask(path, form, BROWSER | {"Cookie": self.cookie} | (HTMX if htmx else {}))


@dataclass(frozen=True)
class Line:
    """A clinic with its queue, its one service of twenty minutes, and its doctors."""

    clinic_id: UUID
    queue_id: UUID
    service_id: UUID
    doctors: list[Person]

    def slots(self, first_day: date, count: int) -> list[tuple[UUID, datetime]]:
        """The doctors' first ``count`` times from ``first_day`` on."""
        found: list[tuple[UUID, datetime]] = []
        day = datetime.combine(first_day, time(), ZoneInfo(ZONE))
        while len(found) < count:
            starts = [day + timedelta(minutes=20 * slot) for slot in range(70)]
            found += [(_staff_id(doctor), start) for start in starts for doctor in self.doctors]
            day += timedelta(days=1)
        return found[:count]


def _staff_id(doctor: Person) -> UUID:
    assert doctor.actor.staff_id is not None
    return doctor.actor.staff_id


@dataclass
class World:
    """One organization with one facility. Its services run in this process, its pages in other processes."""

    app: Flask
    settings: Settings
    actor: Actor
    facility_id: UUID
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def env(self) -> dict[str, str]:
        """What a process of the program is started with to be in this world."""
        return {
            "APP_ENV": self.settings.environment,
            "SECRET_KEY": SECRET,
            "SECRET_STORE_KEY": SECRET,
            "DATABASE_URL": self.settings.database_url,
            "DATABASE_OWNER_URL": self.settings.database_owner_url,
            "REDIS_URL": self.settings.redis_url,
        }

    @cached_property
    def owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of the tables' owner, outside any transaction."""
        return psycopg.connect(plain(self.settings.database_owner_url), autocommit=True)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement as the owner; return its rows."""
        cursor = self.owner.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def settle(self) -> None:
        """Let PostgreSQL know its tables, as autovacuum does within a minute, before anything is measured."""
        self.sql("VACUUM ANALYZE")

    def today(self) -> date:
        return datetime.now(ZoneInfo(ZONE)).date()

    def line(self, *, doctors: int, hours: bool = True) -> Line:
        """Open a clinic. ``hours``: its doctors see patients around the clock, or else have no shifts."""
        number = next(self._numbers)
        clinic = organization.create_clinic(
            self.actor, facility_id=self.facility_id, code=f"C{number}", name=f"Clinic {number}"
        )
        service = organization.create_service(
            self.actor,
            clinic_id=clinic,
            code=f"S{number}",
            name="Visit",
            price=Decimal(300),
            duration_minutes=20,
        )
        queue = reception.ensure_queue(
            self.actor, clinic_id=clinic, facility_id=self.facility_id, prefix=f"Q{number}"
        )
        hired = [self._doctor(clinic, hours=hours) for _ in range(doctors)]
        return Line(clinic, queue, service, hired)

    def _doctor(self, clinic: UUID, *, hours: bool) -> Person:
        name = f"Doctor {next(self._numbers)}"
        room = organization.create_room(
            self.actor, facility_id=self.facility_id, clinic_id=clinic, name=name.removeprefix("Doctor ")
        )
        staff = organization.create_staff(
            self.actor, facility_id=self.facility_id, profession="DOCTOR", clinic_ids=[clinic], room_id=room,
            first_name=name, last_name="Measured", share_percent=Decimal(60),
        )  # fmt: skip
        for weekday in range(7) if hours else ():
            organization.create_working_hours(
                self.actor, staff_id=staff, clinic_id=clinic, room_id=room, weekday=weekday,
                starts_at=time(0), ends_at=time(23, 59),
            )  # fmt: skip
        return self.person("doctor", staff_id=staff)

    def person(self, role: str, *, staff_id: UUID | None = None) -> Person:
        """Hire somebody and sign them in."""
        name = f"{role}-{next(self._numbers)}"
        user_id = identity.create_user(
            self.actor, username=name, password=PASSWORD, first_name=role, last_name=name, roles=[role],
            facility_id=self.facility_id, staff_id=staff_id,
        )  # fmt: skip
        token = identity.open_session(user_id)
        signed_in = identity.actor_of_token(token)
        db.session.rollback()  # nothing is held open while servers are measured
        assert signed_in is not None
        return Person(signed_in.actor, token, *self._cookie(token))

    def _cookie(self, token: str) -> tuple[str, str]:
        """The cookie that a browser has after signing in, and the token that its forms carry."""
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        with self.app.test_request_context():
            g.pop("csrf_token", None)  # of the person before: the context around us is shared
            session["_user_id"], session["_fresh"] = token, True
            csrf = generate_csrf()
            value = serializer.dumps(dict(session))
        return f"{self.app.config['SESSION_COOKIE_NAME']}={value}", csrf

    def patients(self, number: int) -> list[UUID]:
        ids = [new_id() for _ in range(number)]
        born = date(1990, 3, 12)
        rows = (
            ImportedPatient(
                id=each, external_id=str(each), first_name="Maryam", gender="FEMALE", date_of_birth=born,
                last_name=f"Tahhan {next(self._numbers)}",
            )
            for each in ids
        )  # fmt: skip
        patients.import_patients(self.actor, rows)
        return ids

    def waiting(self, line: Line, number: int) -> list[UUID]:
        """Let ``number`` new patients walk in; return their visits."""
        desk = self.person("receptionist")
        return [
            walking_in.open_walk_in(
                desk.actor, WalkIn(patient_id=patient, service_id=line.service_id), key=str(patient)
            ).visit_id
            for patient in self.patients(number)
        ]


@contextmanager
def new_world(environment: str = "production") -> Iterator[World]:
    """Make a migrated database with one organization in it; drop it at the end."""
    name = f"clinic_bench_{os.getpid()}_{next(WORLDS)}"
    databases.create_copy(name)
    try:
        settings = read_settings(
            {
                "APP_ENV": environment,
                "SECRET_KEY": SECRET,
                "SECRET_STORE_KEY": SECRET,
                "DATABASE_URL": databases.app_url(name),
                "DATABASE_OWNER_URL": databases.owner_url(name),
                "REDIS_URL": _own_redis(os.environ["TEST_REDIS_URL"]),
                "LOG_LEVEL": "WARNING",
            }
        )
        yield from _populated(settings)
    finally:
        databases.drop(name)


def _populated(settings: Settings) -> Iterator[World]:
    app = create_app(settings, is_worker=True)
    # A hundred people are hired in a second; none of them ever types a password.
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with app.app_context():
        identity.ensure_permissions()
        here = organization.create_organization(system_actor(new_id()), name="Measured")
        actor = system_actor(here, name="bench")
        facility = organization.create_facility(
            actor, code="MAIN", name="Measured", timezone=ZONE, currency="EGP", languages=["en", "ar"]
        )
        world = World(app, settings, system_actor(here, facility_id=facility, name="bench"), facility)
        try:
            yield world
        finally:
            world.owner.close()
            db.session.remove()
            db.engine.dispose()


def _own_redis(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{REDIS_DATABASE}"))


def plain(url: str) -> str:
    """The URL as psycopg itself takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
