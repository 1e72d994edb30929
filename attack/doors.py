"""What to knock at: the addresses of the matrix with things put in, and what ought to be answered."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from attack.places import Place, words_of
from clinic_web.kernel import clock
from clinic_web.ui import policies
from clinic_web.ui.policies import FACILITY, PERSON, TENANT, Policy, Thing

PART = re.compile(r"<(?:[a-z]+(?:\([^)]*\))?:)?(\w+)>")

OWN, COLLEAGUE, OTHER_FACILITY, OTHER_TENANT = "own", "colleague", "other facility", "other tenant"
SIGN_IN, FORBIDDEN, HIDDEN, IN = "sign in", "403", "404", "in"


@dataclass(frozen=True)
class Holder:
    """Whose things are put into an address: a place's, and beside them those of one of its people."""

    place: Place
    person: Mapping[str, UUID]

    def thing(self, named: Thing) -> UUID:
        return self.person[named.kind] if named.within == PERSON else self.place.thing(named.kind)


def address(policy: Policy, holder: Holder) -> str:
    """Return the address of a route with the holder's things in it. KeyError names the missing maker."""
    named = dict(policy.things)

    def part(found: re.Match[str]) -> str:
        thing = named[found[1]]
        if thing.within in {FACILITY, TENANT, PERSON, policies.PROGRAM}:
            return str(holder.thing(thing))
        return str(words_of(found[1], policy.name))

    return PART.sub(part, policy.rule)


def filled_in(place: Place, **fields: str) -> dict[str, str]:
    """Return a form with whatever some form of the program asks for, of this place and likely to be taken."""
    soon = (clock.now() + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    thing = {
        kind: str(place.thing(kind)) for kind in ("service", "clinic", "staff", "room", "patient", "queue")
    }
    return {
        "idempotency_key": str(uuid4()), "version": "1", "reason": "because", "note": "a note",
        "service": thing["service"], "clinic": thing["clinic"], "doctor": thing["staff"],
        "staff": thing["staff"], "room": thing["room"], "queue": thing["queue"], "patient": thing["patient"],
        "start": soon.isoformat(), "day": soon.date().isoformat(), "at": soon.isoformat(), "pays": "later",
        "amount": "10.00", "method": "CASH", "name": "Somebody", "name_ar": "", "code": "Z9", "count": "2",
        "priority": "EMERGENCY", "priority_reason": "because", "station": str(place.thing("station")),
        "version_before": "1", "move": str(uuid4()), "until": soon.date().isoformat(), "required": "0",
        "from": soon.date().isoformat(), "to": soon.date().isoformat(), "list": "visits", "query": "",
        "merged_id": str(place.thing("other patient")), "facility_id": str(place.thing("facility")),
        "survivor_version": "1", "merged_version": "1",
    } | fields  # fmt: skip


# Rights that depend on what is asked: a kept view is of a list, and takes the right to see that list. The
# questions below and the kept views of ``places`` are of visits.
BY_WHAT_IS_ASKED = {f"views.{each}": {"visit.view"} for each in ("line", "keep", "rename", "delete")}
# Nobody finds these any more once a first facility is set up; nor a view to take back that was not deleted, nor
# an invitation to the portal that was not proved before.
OVER = ("setup.", "views.take_back", "portal.add_to_mine")

# What the address of a part of a page asks, without which it shows nothing.
QUESTIONS = {
    "reception.desk_line": ("clinic",),
    "reception.desk_expected": ("clinic",),
    "reception.desk_rooms": ("clinic",),
    "reception.open_offers": ("clinic",),
    "reception.waiting_rows": ("clinic",),
    "views.line": ("list",),
}


def question(policy: Policy, place: Place) -> dict[str, str]:
    """Return what a GET must ask to be shown something of ``place``."""
    asks = QUESTIONS.get(policy.name, ())
    return {name: "visits" if name == "list" else str(place.thing(name)) for name in asks}


def whose(policy: Policy) -> Iterator[str]:
    """Return whose things are worth trying in an address."""
    yield OWN
    within = {thing.within for _part, thing in policy.things}
    if PERSON in within:
        yield COLLEAGUE
    if within & {FACILITY, TENANT}:
        yield OTHER_FACILITY
    if within & {FACILITY, TENANT, PERSON}:
        yield OTHER_TENANT


def expected(policy: Policy, permissions: Collection[str] | None, of_whom: str) -> str:
    """Return how a route must answer who has ``permissions`` (None: nobody is signed in) about a thing."""
    if policy.permission is not None:
        if permissions is None:
            return SIGN_IN
        if not policy.rights | BY_WHAT_IS_ASKED.get(policy.name, set()) <= set(permissions):
            return FORBIDDEN
    if policy.permission and policy.name.startswith(OVER):
        return HIDDEN
    is_reached = all(_reaches(thing, permissions or (), of_whom) for _part, thing in policy.things)
    if not is_reached:
        return HIDDEN
    # The patients of the places are strangers to all of their people.
    is_closed = any(_is_closed(thing, permissions or ()) for _part, thing in policy.things)
    return FORBIDDEN if is_closed else IN


def _is_closed(thing: Thing, permissions: Collection[str]) -> bool:
    return bool(thing.strangers) and not set(thing.strangers) & set(permissions)


def _reaches(thing: Thing, permissions: Collection[str], of_whom: str) -> bool:
    if of_whom == OWN:
        return True
    is_beyond = thing.beyond is not None and thing.beyond in permissions and of_whom != OTHER_TENANT
    if thing.within == PERSON:
        return is_beyond
    if thing.within == FACILITY:
        return of_whom == COLLEAGUE or is_beyond
    return thing.within != TENANT or of_whom != OTHER_TENANT
