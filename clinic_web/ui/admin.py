"""The list of things that can be set up: modules register their pages, each under the right that it needs.

It stands beside every page below ``/admin``, and with how much there is and what is missing on the first one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, request, url_for

from clinic_web.kernel.actor import Actor
from clinic_web.ui.texts import say


@dataclass(frozen=True)
class State:
    """How much of a thing there is; ``missing`` are translated sentences about what is still needed."""

    count: int | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    order: int
    label: str
    why: str
    icon: str
    endpoint: str
    values: dict[str, str]
    permission: str
    state: Callable[[Actor], State] | None


@dataclass(frozen=True)
class Shown:
    """A section as one person sees it."""

    label: str
    why: str
    icon: str
    url: str
    is_current: bool
    state: State


_sections: dict[tuple[str, str], Section] = {}


def section(  # noqa: PLR0913 - a line of the list is that many facts, all by keyword
    *,
    order: int,
    label: str,
    why: str,
    icon: str,
    endpoint: str,
    permission: str,
    state: Callable[[Actor], State] | None = None,
    **values: str,
) -> None:
    """Register a page; ``label`` and ``why`` are marked for translation, ``values`` complete its address.

    A page that this program does not have is not listed.
    """
    _sections[endpoint, str(values)] = Section(
        order=order,
        label=label,
        why=why,
        icon=icon,
        endpoint=endpoint,
        values=values,
        permission=permission,
        state=state,
    )


def for_actor(actor: Actor, *, with_state: bool = False) -> list[Shown]:
    """Return the sections that ``actor`` may open, in order."""
    path = request.path
    there = current_app.view_functions
    allowed = sorted(
        (each for each in _sections.values() if each.endpoint in there and actor.can(each.permission)),
        key=lambda each: each.order,
    )
    return [
        Shown(
            say(each.label),
            say(each.why),
            each.icon,
            url,
            path == url or path.startswith(url + "/"),
            each.state(actor) if with_state and each.state else State(),
        )
        for each in allowed
        if (url := url_for(each.endpoint, **each.values))  # type: ignore[arg-type]
    ]


def first_for(actor: Actor) -> str | None:
    """Return the address of the first section that ``actor`` may open."""
    shown = for_actor(actor)
    return shown[0].url if shown else None
