"""The key of the wizard, and its steps: each is one transaction through the front doors of the modules."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select, text

from clinic_web.identity import api as identity
from clinic_web.kernel import ids
from clinic_web.kernel.actor import Actor, system_actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, RuleBroken, StaleScreen
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.organization import api as organization
from clinic_web.reception import api as reception
from clinic_web.setup.models import SetupKey

# Two who send the first page at once: one makes the organization, the other is told so.
IN_LINE = text("SELECT pg_advisory_xact_lock(hashtextextended('setup', 0))")
GROUPS, GROUP = 5, 4  # 100 random bits that can be read aloud and typed


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The first page: the organization and its first administrator."""

    name: str
    name_ar: str | None
    first_name: str
    last_name: str
    username: str
    password: str
    language: str


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """One doctor's form: texts as typed for the row, and the week that was understood."""

    typed: Mapping[str, str]
    week: organization.Week
    clinic_ids: frozenset[UUID]


def new_key() -> str | None:
    """Return a new key for the wizard's first page, instead of any before; None where that is closed."""
    with transaction():
        db.session.execute(IN_LINE)
        if organization.any_organization():
            return None
        key = "-".join(ids.code(GROUP) for _ in range(GROUPS))
        db.session.execute(delete(SetupKey))
        db.session.add(SetupKey(key_hash=_hash(key)))
    return key


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.strip().upper().encode()).digest()


def opens(key: str | None) -> bool:
    """Return whether ``key`` opens the wizard's first page."""
    known = db.session.scalar(select(SetupKey.key_hash).limit(1))
    return bool(key and known and hmac.compare_digest(known, _hash(key)))


def begin(key: str | None, wanted: Beginning) -> UUID:
    """Make the organization and its administrator; the key is used up. Return the administrator's id.

    Raises StaleScreen (409) where there is an organization already, RuleBroken (422) for a wrong key, a user
    name or a password that can't be.
    """
    with transaction():
        db.session.execute(IN_LINE)
        if organization.any_organization():
            raise StaleScreen(N_("This program is set up already. Please sign in."))
        if not opens(key):
            raise RuleBroken(N_("This is not the key that was printed last."), field="key")
        identity.ensure_permissions()
        actor = system_actor(new_id(), name="set-up")
        organization.create_organization(
            actor, name=wanted.name, name_ar=wanted.name_ar, is_being_set_up=True
        )
        user_id = identity.create_user(
            actor,
            username=wanted.username,
            password=wanted.password,
            first_name=wanted.first_name,
            last_name=wanted.last_name,
            roles=["administrator"],
            facility_id=None,
            language=wanted.language,
        )
        db.session.execute(delete(SetupKey))
    return user_id


def save_facility(
    actor: Actor, typed: Mapping[str, str], *, facility_id: UUID | None, version: int, key: str | None
) -> UUID:
    """Make the first facility, or change it on the way back; the administrator works there."""
    with transaction():
        if facility_id is None:
            facility_id = organization.add_row(actor, "facilities", typed, key=key)
        else:
            organization.change_row(actor, "facilities", facility_id, typed, version=version)
        if actor.user_id:
            identity.place_user(actor, actor.user_id, facility_id)
    return facility_id


def add_clinic(actor: Actor, typed: Mapping[str, str], rooms: list[str], prefix: str, *, key: str) -> UUID:
    """Make a clinic with its queue and its rooms, all or nothing."""
    facility_id = UUID(typed["facility_id"])
    with transaction():
        clinic_id = organization.add_row(actor, "clinics", typed, key=key)
        reception.ensure_queue(actor, clinic_id=clinic_id, facility_id=facility_id, prefix=prefix)
        _add_rooms(actor, typed["facility_id"], clinic_id, rooms, key)
    return clinic_id


def change_clinic(
    actor: Actor, clinic_id: UUID, typed: Mapping[str, str], rooms: list[str], *, version: int, key: str
) -> None:
    """Rename a clinic and let it have these rooms: new ones are made, others taken out of use."""
    with transaction():
        organization.change_row(actor, "clinics", clinic_id, typed, version=version)
        there = [each for each in organization.lines(actor, "rooms") if each.values["clinic_id"] == clinic_id]
        for room in there:
            if room.name not in rooms:
                organization.close_row(actor, "rooms", room.id, version=room.version)
        known = {each.name for each in there}
        facility_id = organization.opened(actor, "clinics", clinic_id).values["facility_id"]
        _add_rooms(actor, facility_id, clinic_id, [each for each in rooms if each not in known], key)


def _add_rooms(actor: Actor, facility_id: str, clinic_id: UUID, rooms: list[str], key: str) -> None:
    for number, name in enumerate(rooms):
        room = {"name": name, "facility_id": facility_id, "clinic_id": str(clinic_id)}
        try:
            organization.add_row(actor, "rooms", room, key=f"{key}-{number}")
        except RuleBroken as error:
            raise RuleBroken(error.sentence, field="rooms", **error.values) from error


def save_doctor(
    actor: Actor, wanted: Doctor, *, staff_id: UUID | None, version: int, key: str | None
) -> UUID:
    """Make or change a doctor with the same week of hours in each of their clinics, all or nothing."""
    with transaction():
        if staff_id is None:
            staff_id = organization.add_row(actor, "staff", wanted.typed, key=key)
        else:
            organization.change_row(actor, "staff", staff_id, wanted.typed, version=version)
        for clinic_id in wanted.clinic_ids:
            before = next(iter(organization.weeks_of(actor, staff_id, clinic_id)), None)
            if before is None or before.spans != wanted.week.spans:
                _save_week(actor, staff_id, clinic_id, wanted.week, before)
    return staff_id


def _save_week(
    actor: Actor, staff_id: UUID, clinic_id: UUID, week: organization.Week, before: organization.Week | None
) -> None:
    """The form has one room for the whole week: what is wrong with one shift's is wrong with that."""
    name, stamp = (before.name, before.stamp) if before else (None, "")
    try:
        organization.save_week(actor, staff_id, clinic_id, week, instead_of=name, stamp=stamp)
    except RuleBroken as error:
        if (error.field or "").startswith("room_"):
            raise RuleBroken(error.sentence, field="room_id", **error.values) from error
        raise
