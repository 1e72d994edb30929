"""Two kinds of people sign in, each by a door of their own: who works here, and patients.

They meet nowhere. A patient's user name is kept behind a mark that nobody can type at the other door, so the
same address may be a colleague's and a patient's, and a stranger's guessing at one door delays nobody at the
other.
"""

from __future__ import annotations

from collections.abc import Collection

STAFF, PATIENT = "STAFF", "PATIENT"
ROLE_OF_PATIENTS = "patient"
MARK = "patient:"


def kind_of(roles: Collection[str]) -> str:
    """Return which kind somebody with these roles is; nobody is both."""
    return PATIENT if set(roles) == {ROLE_OF_PATIENTS} else STAFF


def kept(name: str, kind: str) -> str:
    """Return a (normal) user name as it is kept and looked up."""
    return MARK + plain(name) if kind == PATIENT else plain(name)


def plain(username: str) -> str:
    """Return a user name as its person types and reads it."""
    while username.startswith(MARK):
        username = username.removeprefix(MARK)
    return username
