"""Identity's tests: a clock that can be moved, and an administrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from clinic_web.identity import api
from clinic_web.identity.queries import SignedIn
from clinic_web.kernel import clock
from clinic_web.kernel.actor import Actor
from tests.cast import Cast


@pytest.fixture
def later() -> Iterator[Callable[[timedelta], None]]:
    """``later(timedelta(hours=2))`` moves the clock of this process on."""

    def move(by: timedelta) -> None:
        clock.shift(clock.offset() + by)

    yield move
    clock.shift(timedelta(0))


@pytest.fixture
def boss(cast: Cast) -> Actor:
    """North Garden's administrator, who manages people."""
    user_id = api.create_user(
        cast.system,
        username="huda",
        password="seven-quiet-herons",
        first_name="Huda",
        last_name="Sabry",
        roles=["administrator"],
        facility_id=cast.facility_id,
    )
    return signed_in(user_id).actor


def signed_in(user_id: object) -> SignedIn:
    user = api.actor_of_token(api.open_session(user_id))
    assert user is not None
    return user
