"""A tick ends the sockets of closed sessions, and no others: people come while it is asking PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

import pytest

from clinic_web.identity import api as identity
from clinic_web.kernel.actor import Actor
from clinic_web.ui import sockets
from clinic_web.ui.ports import ports
from clinic_web.ui.sockets import Hub, Joiner
from tests.cast import Cast


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(sockets, "hub", Hub())
    yield sockets.hub
    for sid in list(sockets.hub.joiners):
        sockets.hub.forget(sid)


def comes(sid: str, person: Actor) -> UUID:
    """Somebody's socket, open to the end of its handshake; returns the session it came with."""
    user = identity.actor_of_token(identity.open_session(person.user_id))
    assert user is not None
    stamp = ports.session_rights([user.session_id])[user.session_id]
    sockets.hub.remember(sid, Joiner(user.actor, None, user.session_id), stamp)
    return user.session_id


def test_a_closed_session_ends_its_socket(cast: Cast, hub: Hub) -> None:
    amina = cast.people["amina"].actor
    closed = comes("one", amina)
    comes("two", amina)
    identity.revoke_session(amina, closed)
    sockets.tick()
    assert list(hub.joiners) == ["two"]


def test_who_comes_while_the_tick_is_asking_stays(
    cast: Cast, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    comes("amina", cast.people["amina"].actor)
    ask = ports.session_rights

    def meanwhile(sessions: Iterable[UUID]) -> Mapping[UUID, object]:
        answer = ask(sessions)
        monkeypatch.setattr(ports, "session_rights", ask)
        comes("mona", cast.people["mona"].actor)
        return answer

    monkeypatch.setattr(ports, "session_rights", meanwhile)
    sockets.tick()
    assert list(hub.joiners) == ["amina", "mona"]
