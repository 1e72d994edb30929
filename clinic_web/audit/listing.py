"""The two lists of the audit, who saw and who changed: what an address may ask, and the rows.

Filters by patient, person, action and refusal find rows by the traces that the sealer leaves, and the few
that are not sealed yet by themselves: so nobody who writes a row pays for these questions.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from clinic_web.audit import subjects
from clinic_web.audit.models import ALLOWED, REFUSED
from clinic_web.audit.ports import ports
from clinic_web.audit.rows import CHANGED, REFUSED_SUBJECT, SEEN, Source, action_subject
from clinic_web.kernel import keyset, listing
from clinic_web.kernel.actor import Actor
from clinic_web.kernel.keyset import Page, Table, Where
from clinic_web.kernel.listing import Asked, Grammar, Sort

RESULTS = {"allowed": ALLOWED, "refused": REFUSED}
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
TRACED = """
    a.id IN (SELECT unnest(t.row_ids) FROM audit.traces t
              WHERE t.organization_id = :organization_id AND t.subject = ANY(:{name}_subjects)
                AND t.source = '{source}' AND t.last_at >= :begins AND t.first_at < :ends
              UNION ALL
             SELECT b.id FROM {table} b
              WHERE b.organization_id = :organization_id AND b.{moment} >= COALESCE(
                    (SELECT c.settled_at - interval '10 minutes' FROM audit.chains c
                      WHERE c.organization_id = :organization_id), '-infinity')
                AND ({direct}))
"""
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
    return keyset.page(_table(SEEN), where(actor, asked, SEEN), asked, _seen, states=_state(asked))


def changes_page(actor: Actor, asked: Asked) -> Page[ChangeRow]:
    """Return the asked page of who changed what in the actor's organization."""
    return keyset.page(_table(CHANGED), where(actor, asked, CHANGED), asked, _change)


def all_seen(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[SeenRow]]:
    """Return all that is asked for, or only ``ids`` of it, in pieces."""
    chosen = where(actor, asked, SEEN, ids)
    return keyset.chunks(_table(SEEN), chosen, asked, _seen, states=_state(asked))


def all_changes(actor: Actor, asked: Asked, ids: list[UUID]) -> Iterator[list[ChangeRow]]:
    return keyset.chunks(_table(CHANGED), where(actor, asked, CHANGED, ids), asked, _change)


def _state(asked: Asked) -> tuple[str, ...] | None:
    return (asked.get("state"),) if asked.get("state") else None


def _seen(row: Any) -> SeenRow:
    return SeenRow(**{name: getattr(row, name) for name in SeenRow.__dataclass_fields__})


def _change(row: Any) -> ChangeRow:
    return ChangeRow(**{name: getattr(row, name) for name in ChangeRow.__dataclass_fields__})


# ---- What is asked for -----------------------------------------------------------------------------------


def where(actor: Actor, asked: Asked, source: Source, ids: list[UUID] | None = None) -> Where:
    chosen = Where()
    begins, ends = _moments(asked, ports.timezone(actor))
    chosen.add("a.organization_id = :organization_id", organization_id=actor.organization_id)
    chosen.add(f"a.{source.moment} >= :begins AND a.{source.moment} < :ends", begins=begins, ends=ends)
    if ids:
        chosen.add("a.id = ANY(:ids)", ids=ids)
    if asked.get("person"):
        person = asked.get("person")
        _traced(chosen, source, "person", [person], "b.user_id = :person", person=person)
    if action := asked.get("action"):
        _traced(chosen, source, "action", [action_subject(action)], "b.action = :action", action=action)
    if asked.get("state") == REFUSED:
        _traced(chosen, source, "refused", [REFUSED_SUBJECT], f"b.result = '{REFUSED}'")
    if patient := asked.get("patient"):
        _of_patients(chosen, source, "patient", ports.ids_of(patient))
    if typed := asked.get("q"):
        _typed(chosen, source, actor, typed)
    return chosen


def _typed(chosen: Where, source: Source, actor: Actor, typed: str) -> None:
    """An address from where somebody came, or else patients."""
    try:
        chosen.add("a.ip_address = CAST(:from_where AS inet)", from_where=str(ipaddress.ip_address(typed)))
    except ValueError:
        _of_patients(chosen, source, "typed", ports.found(actor, typed))


def _of_patients(chosen: Where, source: Source, name: str, patients: list[UUID]) -> None:
    theirs = subjects.resources_of(f":{name}_subjects")
    direct = f"b.resource_id = ANY(:{name}_subjects) OR b.resource_id IN ({theirs})"
    if source is SEEN:
        every = f"unnest(CAST(:{name}_subjects AS uuid[]) || ARRAY({theirs}))"
        direct += f" OR jsonb_exists_any(b.metadata -> 'ids', CAST(ARRAY(SELECT {every}) AS text[]))"
    _traced(chosen, source, name, patients, direct)


def _traced(chosen: Where, source: Source, name: str, theirs: list[UUID], direct: str, **values: Any) -> None:
    sql = TRACED.format(
        name=name, source=source.name, table=source.table, moment=source.moment, direct=direct
    )
    chosen.add(sql, **{f"{name}_subjects": theirs}, **values)


def _moments(asked: Asked, timezone: str) -> tuple[datetime, datetime]:
    first, last = asked.period.first, asked.period.last
    begins = _midnight(first, timezone) if first else BEGINS
    return begins, _midnight(last + timedelta(days=1), timezone) if last else ENDS


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
