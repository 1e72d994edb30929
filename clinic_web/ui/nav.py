"""The band's menu: modules register their entries, each under the permission that its page needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import request, url_for

from clinic_web.kernel.actor import Actor
from clinic_web.ui.texts import say


@dataclass(frozen=True, kw_only=True)
class Entry:
    order: int
    label: str
    endpoint: str
    permission: str
    is_start: bool
    stands_in: str | None
    is_for: Callable[[Actor], bool]


@dataclass(frozen=True)
class Link:
    """An entry as one person sees it."""

    label: str
    url: str
    is_current: bool


_entries: dict[str, Entry] = {}


def entry(  # noqa: PLR0913 - an entry is that many facts, all by keyword
    *,
    order: int,
    label: str,
    endpoint: str,
    permission: str,
    is_start: bool = True,
    stands_in: str | None = None,
    is_for: Callable[[Actor], bool] = lambda _: True,
) -> None:
    """Register a menu entry; ``label`` is marked for translation. ``is_start``: a day begins here. Who has
    the right ``stands_in`` finds the page inside the one which that opens, and needs no entry; nor has
    whoever it is not ``is_for``, whatever their rights."""
    _entries[endpoint] = Entry(
        order=order,
        label=label,
        endpoint=endpoint,
        permission=permission,
        is_start=is_start,
        stands_in=stands_in,
        is_for=is_for,
    )


def for_actor(actor: Actor | None) -> list[Link]:
    """Return the entries that ``actor`` may open, in order."""
    if actor is None:
        return []
    path = request.path
    return [
        Link(say(each.label), url, path == url or path.startswith(url + "/"))
        for each in _allowed(actor)
        if (url := url_for(each.endpoint))
    ]


def first_for(actor: Actor) -> str:
    """Return the page a person starts with: the first entry they may open that a day begins with."""
    starts = [each for each in _allowed(actor) if each.is_start]
    return url_for(starts[0].endpoint if starts else "identity.account")


def _allowed(actor: Actor) -> list[Entry]:
    """A doctor's own line comes before the desk's, whoever else they may be."""
    may_open = [
        each
        for each in _entries.values()
        if actor.can(each.permission)
        and not (each.stands_in and actor.can(each.stands_in))
        and each.is_for(actor)
    ]
    return sorted(may_open, key=lambda each: (each.order, each.endpoint))
