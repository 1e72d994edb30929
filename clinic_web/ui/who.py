"""Who is asking, and where they work; found once per request and only when somebody wants to know."""

from __future__ import annotations

from typing import cast

from flask import g
from sqlalchemy.exc import DBAPIError

from clinic_web.kernel.actor import Actor
from clinic_web.kernel.db import db
from clinic_web.kernel.errors import N_, DomainError
from clinic_web.ui.ports import Place, ports

NOT_ASKED = object()


class SignInNeeded(Exception):
    """Nobody is signed in: the shell answers 401 or leads to the sign-in page."""


class ProofNeeded(DomainError):
    """A dangerous act, and nobody has proved for half an hour that it is still them (403)."""

    status = 403

    def __init__(self) -> None:
        super().__init__(N_("Please show that it is still you; then this goes on."))


def require_fresh() -> None:
    """Raise ProofNeeded (403) unless the person proved within the last half hour who they are."""
    if not ports.is_fresh():
        raise ProofNeeded


def actor() -> Actor:
    """Return who is asking; raise SignInNeeded (401) when nobody is signed in."""
    who = actor_or_none()
    if who is None:
        raise SignInNeeded
    return who


def actor_or_none() -> Actor | None:
    who = g.get("actor", NOT_ASKED)
    if who is NOT_ASKED:
        who = g.actor = _load_actor()
    return cast("Actor | None", who)


def _load_actor() -> Actor | None:
    """Ask who is signed in. It is the first statement of a request, so a connection that PostgreSQL closed
    meanwhile (a restart) shows here, where asking again is harmless."""
    try:
        return ports.actor()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        db.session.rollback()
        return ports.actor()


def place() -> Place | None:
    """Return where the person works, or None before anybody has signed in."""
    if "place" not in g:
        who = actor_or_none()
        g.place = ports.place(who) if who else None
    return cast("Place | None", g.place)
