"""Who may do what to what, read from the program itself: routes, live topics, jobs, periodic work, events.

Nothing is written down twice. A route says its right with ``needs``, a topic with ``topic_rule``, a job with
``acts_for``; what is said here is only what an address names: ``address_names`` tells for each variable part
of a rule which kind of thing it is and how far it can be reached. ``require`` stops the start when something
of this is missing, so the matrix is complete or there is no program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from flask import Flask
from werkzeug.routing import AnyConverter, Rule

from clinic_web.config import ConfigError
from clinic_web.kernel import bus, jobs, schedule
from clinic_web.ui import sockets

# How far a thing can be reached; for who is beyond, it is not there (404).
PERSON = "person"  # by the one whose it is
FACILITY = "facility"  # by people of its facility, and by those of none, who work for all of the tenant
TENANT = "tenant"  # by people of its tenant
PROGRAM = "program"  # by who runs the program: of no tenant
WORD = "word"  # not a thing: one of a few words
SECRET = "secret"  # a token: knowing it is the right  # noqa: S105 - a word
EVERYBODY = "everybody"  # by anybody
REACHES = (PERSON, FACILITY, TENANT, PROGRAM, WORD, SECRET, EVERYBODY)

PLAIN = {"HEAD", "OPTIONS"}  # every address answers them, with no more than a GET does
ROUTE, TOPIC, JOB, PERIODIC, EVENT = "route", "topic", "job", "periodic", "event"


@dataclass(frozen=True)
class Thing:
    """What a variable part of an address names, and how far it reaches; ``beyond`` is the right by which
    people reach it wherever it is in their tenant."""

    kind: str
    within: str
    beyond: str | None = None
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One row of the matrix. ``actor`` is who may come: ``people`` with ``permission`` (and
    the right ``also``, where it takes two), or what it says else.

    ``things`` are the parts of its address (or topic) by name. ``is_fresh``: only after a proof of the last
    half hour. ``by_token``: programs alone, by their token; nobody's session counts. ``reason`` says what
    protects it where it needs no permission.
    """

    kind: str
    name: str
    action: str
    actor: str
    permission: str | None = None
    also: str | None = None
    is_fresh: bool = False
    by_token: bool = False
    things: tuple[tuple[str, Thing], ...] = ()
    reason: str = ""

    @property
    def rights(self) -> frozenset[str]:
        return frozenset(filter(None, (self.permission, self.also)))

    @property
    def method(self) -> str:
        return self.action.partition(" ")[0]

    @property
    def rule(self) -> str:
        return self.action.partition(" ")[2]

    def as_data(self) -> dict[str, Any]:
        data = asdict(self)
        return data | {"things": {part: asdict(thing) for part, thing in self.things}}


_things: dict[tuple[str, str], Thing] = {}


def address_names(
    part: str,
    kind: str,
    within: str,
    *,
    at: str = "",
    beyond: str | None = None,
    strangers: tuple[str, ...] = (),
) -> None:
    """Say what ``<part>`` names in addresses: a ``kind`` of thing that reaches as far as ``within``.

    ``beyond``: the right that reaches everything of the kind in one's tenant. ``strangers``: without any of
    these rights, those that one has nothing to do with are closed (403). ``at``: only in views whose endpoint
    begins so; the longest that fits counts.
    """
    if within not in REACHES:
        raise ConfigError(f"{part}: {within} is not one of {', '.join(REACHES)}.")
    _things[part, at] = Thing(kind, within, beyond, strangers)


def matrix(app: Flask) -> list[Policy]:
    """Return all of it, routes first. Raises ConfigError when something was left unsaid."""
    return [*_routes(app), *_topics(), *_work()]


def require(app: Flask) -> None:
    """Stop the start when a route, topic, job or part of an address says less than the matrix needs."""
    matrix(app)


def _routes(app: Flask) -> Iterator[Policy]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: (each.rule, sorted(each.methods or ()))):
        for method in sorted((rule.methods or set()) - PLAIN):
            yield _route(app, rule, method)


def _route(app: Flask, rule: Rule, method: str) -> Policy:
    view = app.view_functions[rule.endpoint]
    permission = getattr(view, "permission", None)
    reason = "a file that everybody may have" if rule.endpoint == "static" else ""
    reason = reason or str(getattr(view, "open_to_all", ""))
    if permission is None and not reason:
        raise ConfigError(
            f"{rule.endpoint} ({rule.rule}) names no permission: use needs(...) or open_to_all(...)."
        )
    return Policy(
        kind=ROUTE,
        name=rule.endpoint,
        action=f"{method} {rule.rule}",
        actor=_who(view, permission),
        permission=permission,
        also=getattr(view, "also", None),
        is_fresh=_is_fresh(view),
        by_token=bool(getattr(view, "by_token", False)),
        things=tuple((part, _thing(rule, part)) for part in sorted(rule.arguments)),
        reason=reason,
    )


def _who(view: Any, permission: str | None) -> str:
    if permission is None:
        return "everybody"
    return "programs" if getattr(view, "by_token", False) else "people"


def _is_fresh(view: Any) -> bool:
    """``needs`` wraps the question for a proof: look through the wrappers, as functools leaves them."""
    while view is not None:
        if getattr(view, "needs_proof", False):
            return True
        view = getattr(view, "__wrapped__", None)
    return False


def _thing(rule: Rule, part: str) -> Thing:
    if isinstance(rule._converters.get(part), AnyConverter):
        return Thing(part, WORD)
    places = [at for named, at in _things if named == part and rule.endpoint.startswith(at)]
    if not places:
        raise ConfigError(
            f"{rule.endpoint} ({rule.rule}): nobody says what <{part}> names. In the module's wiring.py:"
            f' policies.address_names("{part}", "<kind of thing>", policies.FACILITY or TENANT or PERSON).'
        )
    return _things[part, max(places, key=len)]


def _topics() -> Iterator[Policy]:
    for prefix, rule in sorted(sockets.rules().items()):
        yield Policy(
            kind=TOPIC,
            name=prefix,
            action=f"join {prefix}",
            actor="people" if rule.permission else "screens",
            permission=rule.permission,
            things=((prefix.rstrip(":"), Thing(rule.names, rule.within, rule.beyond)),),
            reason=rule.screens,
        )


def _work() -> Iterator[Policy]:
    for job in sorted(jobs.registered(), key=lambda each: each.name):
        yield Policy(kind=JOB, name=job.name, action="run", actor="the program", reason=job.acts_for)
    for periodic in sorted(schedule.registered(), key=lambda each: each.name):
        yield Policy(
            kind=PERIODIC, name=periodic.name, action="run", actor="the program", reason=periodic.acts_for
        )
    for heard in sorted(bus.subscriptions(), key=lambda each: each.consumer):
        yield Policy(
            kind=EVENT, name=heard.consumer, action="hear", actor="the program", reason=bus.acts_for(heard)
        )
