"""A list of patients that another program wrote, by the hundred thousand: staged by COPY, added as sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import islice
from typing import Any

import psycopg
from sqlalchemy import text

from clinic_web.kernel import clock, push
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.ids import new_id
from clinic_web.kernel.unit_of_work import transaction
from clinic_web.patients.live import patients_topic
from clinic_web.patients.numbers import draw

CHUNK = 2000  # rows in one transaction: desks register between two of them


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedPatient:
    """One line of a list, understood. ``external_id`` is the same whenever the same line is read again."""

    line: int
    external_id: str
    first_name: str
    middle_name: str | None
    last_name: str | None
    search_name: str
    gender: str
    date_of_birth: date | None
    date_of_birth_estimated: bool
    phone_primary: str | None
    phone_digits: str | None
    phone_secondary: str | None
    email: str | None
    address_line1: str | None
    city: str | None
    state: str | None
    zip_code: str | None
    country: str | None
    language_preference: str | None
    medical_history: str | None


@dataclass
class Outcome:
    """How many lines were new, known before, and reached by a telephone that somebody else has."""

    new: int = 0
    known: int = 0
    sharing: int = 0


COLUMNS = tuple(each.name for each in fields(ListedPatient))
STAGE = text(
    """
    CREATE TEMP TABLE staged (
        id uuid, line int, external_id text, first_name text, middle_name text, last_name text,
        search_name text, gender text, date_of_birth date, date_of_birth_estimated boolean,
        phone_primary text, phone_digits text, phone_secondary text, email text, address_line1 text,
        city text, state text, zip_code text, country text, language_preference text, medical_history text
    ) ON COMMIT DROP
    """
)
# Two lines of one patient: the first is taken. A line is known by its number in the other program.
TWICE = text(
    """
    DELETE FROM staged s USING staged earlier
     WHERE earlier.external_id = s.external_id AND earlier.line < s.line RETURNING s.line
    """
)
KNOWN = text(
    """
    DELETE FROM staged s USING patients.patients p
     WHERE p.organization_id = :organization_id AND p.external_id = s.external_id
    RETURNING s.line, p.created_at >= :began AS is_of_this_run
    """
)
# Who was registered by hand meanwhile has no such number, but the same name and telephone.
REGISTERED = text(
    """
    DELETE FROM staged s USING patients.patients p
     WHERE p.organization_id = :organization_id AND p.deleted_at IS NULL
       AND p.phone_digits = s.phone_digits AND p.search_name = s.search_name
    RETURNING s.line, p.created_at >= :began AS is_of_this_run
    """
)
# A telephone belongs to the first who has it; the others are reached through that one.
INSERT = text(
    """
    WITH placed AS (
        SELECT s.*, row_number() OVER (ORDER BY s.line) AS place,
               first_value(s.id) OVER (PARTITION BY s.phone_digits ORDER BY s.line) AS first_id,
               holder.id AS holder_id
          FROM staged s
          LEFT JOIN patients.patients holder
            ON holder.organization_id = :organization_id AND holder.phone_digits = s.phone_digits
           AND holder.deleted_at IS NULL
    ), reached AS (
        SELECT placed.*, CASE WHEN phone_digits IS NULL THEN NULL
                              WHEN holder_id IS NOT NULL THEN holder_id
                              WHEN first_id <> id THEN first_id END AS phone_of
          FROM placed
    ), added AS (
        INSERT INTO patients.patients
               (id, organization_id, patient_number, external_id, first_name, middle_name, last_name,
                search_name, gender, date_of_birth, date_of_birth_estimated, phone_primary, phone_digits,
                phone_of_id, phone_secondary, email, address_line1, city, state, zip_code, country,
                language_preference, medical_history, created_at, created_by, updated_by)
        SELECT id, :organization_id, 'P-' || lpad(n, greatest(6, length(n)), '0'), external_id, first_name,
               middle_name, last_name, search_name, gender, date_of_birth, date_of_birth_estimated,
               CASE WHEN phone_of IS NULL THEN phone_primary END,
               CASE WHEN phone_of IS NULL THEN phone_digits END,
               phone_of, phone_secondary, email, address_line1, city, state, zip_code, country,
               language_preference, medical_history, :now, :user_id, :user_id
          FROM reached CROSS JOIN LATERAL (SELECT (:first + place - 1)::text AS n) AS number
        RETURNING phone_of_id
    )
    SELECT count(*) AS new, count(phone_of_id) AS sharing FROM added
    """
)

Repeated = Callable[[int], None]


def import_list(actor: Actor, rows: Iterable[ListedPatient], repeated: Repeated) -> Outcome:
    """Add whom we do not know yet; again with the same rows this changes nothing.

    ``repeated`` is told the line of each row that says again what an earlier line said. Every ``CHUNK`` rows
    are a transaction of their own, so that a run that was stopped is completed by the next. No events are
    published: consumers of an import read the tables.
    """
    outcome, began, waiting = Outcome(), clock.now(), iter(rows)
    while chunk := list(islice(waiting, CHUNK)):
        with transaction():
            _add(actor, chunk, began, outcome, repeated)
    return outcome


def _add(
    actor: Actor, chunk: list[ListedPatient], began: datetime, outcome: Outcome, repeated: Repeated
) -> None:
    _stage(chunk)
    where = {"organization_id": actor.organization_id, "began": began}
    for line in db.session.scalars(TWICE):
        repeated(line)
    for statement in (KNOWN, REGISTERED):
        for line, is_of_this_run in db.session.execute(statement, where):
            if is_of_this_run:
                repeated(line)
            else:
                outcome.known += 1
    count: int = db.session.execute(text("SELECT count(*) FROM staged")).scalar_one()
    if not count:
        return
    values = {"now": clock.now(), "user_id": actor.user_id, "first": draw(actor, count)[0]}
    added = db.session.execute(INSERT, {"organization_id": actor.organization_id} | values).one()
    push.changed(patients_topic(actor.organization_id))
    outcome.new += added.new
    outcome.sharing += added.sharing


def _stage(chunk: list[ListedPatient]) -> None:
    db.session.execute(text("DROP TABLE IF EXISTS pg_temp.staged"))  # where several share a transaction
    db.session.execute(STAGE)
    driver: psycopg.Connection[Any] = db.session.connection().connection.driver_connection  # type: ignore[assignment]
    listed = ", ".join(COLUMNS)
    with driver.cursor().copy(f"COPY staged (id, {listed}) FROM STDIN".encode()) as copy:
        for row in chunk:
            copy.write_row((new_id(), *(getattr(row, name) for name in COLUMNS)))
