"""For whom the program works when nobody asks: each job and each periodic piece of work says it."""

from __future__ import annotations

from clinic_web.config import ConfigError

ROWS_TENANT = "the tenant of the row whose id it is given"
EVENTS_TENANT = "the tenant that the event names"
EACH_TENANT = "every tenant, each row for its own"
NO_TENANT = "no tenant: rows of the program itself"


def known(name: str, acts_for: str) -> str:
    """Return ``acts_for``. Raises ConfigError when a piece of work does not say for whom it works."""
    if acts_for not in {ROWS_TENANT, EVENTS_TENANT, EACH_TENANT, NO_TENANT}:
        raise ConfigError(
            f"{name} does not say for whom it works: acts_for=acting.ROWS_TENANT, EACH_TENANT or NO_TENANT."
        )
    return acts_for
