"""The two lists of the audit, who saw and who changed: what an address may ask, and the rows.

Filters by patient, person, action and refusal find rows by the traces that the sealer leaves, and the few
that are not sealed yet by themselves: so nobody who writes a row pays for these questions.
"""

from __future__ import annotations

import ipaddress
import re
import time as stopwatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic_web.audit import subjects
from clinic_web.audit.models import ALLOWED, EMERGENCY, REFUSED
from clinic_web.audit.ports import ports
from clinic_web.audit.rows import (
    CHANGED,
    EMERGENCY_SUBJECT,
    REFUSED_SUBJECT,
    SEEN,
    Source,
    action_subject,
)
from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort
from clinic_web.kernel.statement import Statement

RESULTS = {"allowed": ALLOWED, "refused": REFUSED, "emergency": EMERGENCY}
RARE = {REFUSED: ("refused", REFUSED_SUBJECT), EMERGENCY: ("emergency", EMERGENCY_SUBJECT)}
ACTION = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?")
DONE = "DONE"  # the one state of changes


def an_action(text: str) -> str:
    if not ACTION.fullmatch(text):
        raise ValueError(text)
    return text


FILTERS: dict[str, Callable[[str], Any]] = {
    "q": listing.a_text,
    "patient": UUID,
    "person": UUID,
    "action": an_action,
}
SEEN_GRAMMAR = Grammar(
    filters=FILTERS | {"state": listing.one_of(RESULTS)},
    sorts={"when": Sort(("a.accessed_at",), (listing.a_moment,))},
    order="-when",
    when="week",
)
CHANGES_GRAMMAR = Grammar(
    filters=FILTERS,
    sorts={"when": Sort(("a.changed_at",), (listing.a_moment,))},
    order="-when",
    when="month",
)
# Rows of a subject from which a first page is made: more than are counted, so the rest can't be missed.
NEWEST = 2 * keyset.MOST_COUNTED
TRACED = """
    a.id IN ((SELECT unnest(t.row_ids) FROM (
                     SELECT t.row_ids FROM audit.traces t
                      WHERE t.organization_id = :organization_id AND t.subject {subjects}
                        AND t.source = '{source}' AND t.last_at >= :begins AND t.first_at < :ends {order}) t
               {limit})
              UNION ALL
             SELECT b.id FROM {table} b
              WHERE b.organization_id = :organization_id AND b.{moment} >= :unsealed_from AND {direct})
"""
SETTLED = Statement("SELECT settled_at FROM audit.chains WHERE organization_id = :organization_id")
MARGIN = timedelta(minutes=10)  # between a row's own time and when it could be sealed
KNOWN_FOR = 60.0  # seconds; settled_at only moves on, so an old one is right, and finds some rows twice
BEGINS, ENDS = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class SeenRow:
    """One view or change of patients' data; ``listed`` is how many rows a list showed."""

    id: UUID
    at: datetime
    user_id: UUID | None
    action: str
    resource_type: str
    resource_id: UUID | None
    patient_id: UUID | None
    result: str
    listed: int
    ip_address: str | None
    user_agent: str | None

    @property
    def is_refused(self) -> bool:
        return self.result == REFUSED

    @property
    def is_emergency(self) -> bool:
        return self.result == EMERGENCY


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One change of money, stock, medication or rights, with the values before and after."""

    id: UUID
    at: datetime
    user_id: UUID | None
    action: str
    resource_type: str
    resource_id: UUID
    patient_id: UUID | None
    old_values: dict[str, Any] | None
    new_values: dict[str, Any] | None
    ip_address: str | None
    user_agent: str | None


@cache
def _table(source: Source) -> Table:
    patient = subjects.patient_of("a.resource_id", "a.organization_id")
    own = {
        SEEN: "a.result, COALESCE(jsonb_array_length(a.metadata -> 'ids'), 0) AS listed",
        CHANGED: "a.old_values, a.new_values",
    }
    return Table(
        columns=f"""a.id, a.{source.moment} AS at, a.user_id, a.action, a.resource_type, a.resource_id,
            host(a.ip_address) AS ip_address, a.user_agent, {own[source]},
            CASE WHEN a.resource_type = 'patient' THEN a.resource_id
                 WHEN a.resource_id IS NOT NULL THEN {patient} END AS patient_id""",
        source=f"{source.table} a",
        id="a.id",
        state="a.result" if source is SEEN else f"'{DONE}'",
    )


def seen_page(actor: Actor, asked: Asked) -> Page[SeenRow]:
    """Return the asked page of who saw what in the actor's organization."""
    chosen = where(actor, asked, SEEN, is_first=_is_first(asked))
    return keyset.page(_table(SEEN), chosen, asked, _seen, states=_state(asked))


def changes_page(actor: Actor, asked: Asked) -> Page[ChangeRow]:
    """Return the asked page of who changed what in the actor's organization."""
    chosen = where(actor, asked, CHANGED, is_first=_is_first(asked))
    return keyset.page(_table(CHANGED), chosen, asked, _change)


def all_seen(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[SeenRow]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    chosen = where(actor, asked, SEEN, ids)
    return keyset.chunks(_table(SEEN), chosen, asked, _seen, states=_state(asked))


def all_changes(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[ChangeRow]]:
    return keyset.chunks(_table(CHANGED), where(actor, asked, CHANGED, ids), asked, _change)


def _is_first(asked: Asked) -> bool:
    """Whether it is the first page of the newest: what people look at, also where there are millions."""
    return asked.cursor is None and asked.is_descending


def _state(asked: Asked) -> tuple[str, ...] | None:
    return (asked.get("state"),) if asked.get("state") else None


def _seen(row: Any) -> SeenRow:
    return SeenRow(**{name: getattr(row, name) for name in SeenRow.__dataclass_fields__})


def _change(row: Any) -> ChangeRow:
    return ChangeRow(**{name: getattr(row, name) for name in ChangeRow.__dataclass_fields__})


# ---- What is asked for -----------------------------------------------------------------------------------


def where(
    actor: Actor, asked: Asked, source: Source, ids: list[UUID] | None = None, *, is_first: bool = False
) -> Where:
    """What decides which rows stand in a list. ``is_first``: only the newest of them are looked at.

    One filter finds the rows, by traces: the narrowest. The others look at the rows that it found.
    """
    chosen = Where()
    begins, ends = _moments(asked, ports.timezone(actor))
    chosen.add("a.organization_id = :organization_id", organization_id=actor.organization_id)
    chosen.add(f"a.{source.moment} >= :begins AND a.{source.moment} < :ends", begins=begins, ends=ends)
    if ids:
        chosen.add("a.id = ANY(:ids)", ids=ids)
    is_found = _by_patients(chosen, source, actor, asked)
    plain = _plain(asked)
    for each in plain:
        if is_found:
            chosen.add(f"a.{each.condition}", **each.values)
        else:
            _traced(chosen, source, each, newest=NEWEST if is_first and len(plain) == 1 else None)
            is_found = True
    return chosen


@dataclass(frozen=True)
class _Filter:
    """A condition on a row's columns, and the subjects under which such rows are traced."""

    name: str
    subjects: list[UUID]
    condition: str
    values: dict[str, Any]


def _plain(asked: Asked) -> list[_Filter]:
    """The filters that one column answers, the narrowest first."""
    found = []
    if rare := RARE.get(asked.get("state")):
        found.append(_Filter(rare[0], [rare[1]], f"result = '{asked.get('state')}'", {}))
    if person := asked.get("person"):
        found.append(_Filter("person", [person], "user_id = :person", {"person": person}))
    if action := asked.get("action"):
        found.append(_Filter("action", [action_subject(action)], "action = :action", {"action": action}))
    return found


def _by_patients(chosen: Where, source: Source, actor: Actor, asked: Asked) -> bool:
    """Ask for the rows of patients, or for an address from where somebody came; return if of patients."""
    patient, typed = asked.get("patient"), asked.get("q")
    if patient:
        _traced(chosen, source, _of_patients(source, "patient", ports.ids_of(patient)))
    if not typed:
        return bool(patient)
    try:
        chosen.add("a.ip_address = CAST(:from_where AS inet)", from_where=str(ipaddress.ip_address(typed)))
    except ValueError:
        _traced(chosen, source, _of_patients(source, "typed", ports.found(actor, typed)))
        return True
    return bool(patient)


def _of_patients(source: Source, name: str, patients: list[UUID]) -> _Filter:
    theirs = subjects.resources_of(f":{name}_subjects")
    direct = f"(b.resource_id = ANY(:{name}_subjects) OR b.resource_id IN ({theirs})"
    if source is SEEN:
        every = f"unnest(CAST(:{name}_subjects AS uuid[]) || ARRAY({theirs}))"
        direct += f" OR jsonb_exists_any(b.metadata -> 'ids', CAST(ARRAY(SELECT {every}) AS text[]))"
    return _Filter(name, patients, f"{direct})", {})


def _traced(chosen: Where, source: Source, by: _Filter, newest: int | None = None) -> None:
    """Ask for the rows that are traced under the filter's subjects, and for those that no seal holds yet."""
    direct = by.condition if by.condition.startswith("(") else f"b.{by.condition}"
    sql = TRACED.format(
        subjects=f"= :{by.name}_subject" if newest else f"= ANY(:{by.name}_subjects)",
        order="ORDER BY t.sequence DESC" if newest else "",
        limit=f"LIMIT {newest}" if newest else "",
        source=source.name,
        table=source.table,
        moment=source.moment,
        direct=direct,
    )
    told = {f"{by.name}_subject": by.subjects[0]} if newest else {f"{by.name}_subjects": by.subjects}
    chosen.add(sql, **told, **by.values, unsealed_from=_unsealed_from(chosen.values["organization_id"]))


_settled: dict[UUID, tuple[float, datetime]] = {}


def _unsealed_from(organization_id: UUID) -> datetime:
    """Return a moment after which rows may be unsealed: as a value, so that PostgreSQL knows how few."""
    asked, settled_at = _settled.get(organization_id, (float("-inf"), BEGINS))
    if stopwatch.monotonic() - asked < KNOWN_FOR:
        return settled_at
    row = SETTLED.first({"organization_id": organization_id})
    settled_at = row.settled_at - MARGIN if row and row.settled_at else BEGINS
    _settled[organization_id] = (stopwatch.monotonic(), settled_at)
    return settled_at


def _moments(asked: Asked, timezone: str) -> tuple[datetime, datetime]:
    first, last = asked.period.first, asked.period.last
    begins = _midnight(first, timezone) if first else BEGINS
    return begins, _midnight(last + timedelta(days=1), timezone) if last else ENDS


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
