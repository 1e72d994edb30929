"""What the shell needs from modules above it. ``app`` and the modules' wirings bind these once, at start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from clinic_web.kernel.actor import Actor


@dataclass(frozen=True)
class Place:
    """Where the person works: the facility's name, IANA time zone, currency and languages."""

    name: str
    timezone: str
    currency: str
    languages: tuple[str, ...] = ("en",)
    name_ar: str | None = None


@dataclass
class Ports:
    """``remember`` takes who asks from memory and says whether it could, ``forget`` drops that again.
    ``first_run`` is the address of the wizard while nothing is set up. ``begin_session`` lets this
    browser be a new token's person. ``is_fresh``: whether who asks proved lately that it is still them.
    ``session_rights`` returns the open ones among some sessions, each with a stamp that changes with its
    person's rights.

    Defaults answer "nobody" and "nowhere", so that the shell works before anybody has signed in.
    """

    actor: Callable[[], Actor | None] = lambda: None
    remember: Callable[[], bool] = lambda: False
    forget: Callable[[], None] = lambda: None
    session_id: Callable[[], UUID | None] = lambda: None
    is_fresh: Callable[[], bool] = lambda: True
    language: Callable[[], str | None] = lambda: None
    theme: Callable[[], str | None] = lambda: None
    place: Callable[[Actor], Place | None] = lambda actor: None
    first_run: Callable[[], str | None] = lambda: None
    begin_session: Callable[[str], object] = lambda token: None
    names_of: Callable[[Actor, Collection[UUID]], Mapping[UUID, str]] = lambda actor, ids: {}
    views_of: Callable[[Actor, str], Sequence[Any]] = lambda actor, list_name: ()
    display_id: Callable[[], UUID | None] = lambda: None
    session_rights: Callable[[Iterable[UUID]], Mapping[UUID, object]] = field(default=dict.fromkeys)
    open_displays: Callable[[Iterable[UUID]], set[UUID]] = field(default=set)


ports = Ports()
