"""Passwords: argon2id, at most two hashings at once, and the same work whether the person exists or not."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret_raw
from gevent.monkey import is_module_patched
from gevent.threadpool import ThreadPool

from clinic_web.identity.kinds import plain
from clinic_web.kernel import ids
from clinic_web.kernel.errors import N_, Busy, RuleBroken

T = TypeVar("T")

SHORTEST = 12
LONGEST = 256
FEWEST_DIFFERENT = 5

# OWASP's minimum: about 22 ms and 19 MiB each. Two at once bound what a flood of sign-ins can take.
AT_ONCE = 2
LONGEST_WAIT = 2.0
_hasher = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)
_turns = threading.BoundedSemaphore(AT_ONCE)

# The hash of a password that was thrown away: checking it takes as long as checking a person's.
NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$bA8zmTfQbrXqv7hifh4a/g$DAYJPYtQJXsLlCLJcht9uWE+wfRgjZPtKLnClV2G1Vo"

# What guessing begins with, among those that are long enough.
COMMON = frozenset(
    {
        "123456789012",
        "1234567890123",
        "qwertyuiop12",
        "qwertyuiop123",
        "qwertyuiopas",
        "passwordpassword",
        "password1234",
        "password12345",
        "password123456",
        "administrator",
        "administrator1",
        "iloveyouiloveyou",
        "letmeinletmein",
        "welcome12345",
        "changemechangeme",
        "clinicclinic",
        "hospital1234",
        "qwerty123456",
        "1q2w3e4r5t6y",
        "abcdefghijkl",
        "abc123456789",
    }
)


def hashed(password: str) -> str:
    """Return the hash to keep. Raises Busy (503) when too many others are being hashed."""
    return _in_turn(lambda: _hasher.hash(_normal(password)))


def matches(password_hash: str | None, typed: str) -> bool:
    """Return whether ``typed`` is the password; without a hash do the same work, say no. Raises Busy."""
    return _in_turn(lambda: _verify(password_hash or NOBODYS, typed)) and password_hash is not None


def digest(code: str, salt: bytes) -> bytes:
    """Return what to keep of a short random code, as slow to try as a password. Raises Busy (503)."""
    return _in_turn(
        lambda: hash_secret_raw(
            code.encode(),
            salt,
            time_cost=_hasher.time_cost,
            memory_cost=_hasher.memory_cost,
            parallelism=_hasher.parallelism,
            hash_len=_hasher.hash_len,
            type=Type.ID,
        )
    )


def is_outdated(password_hash: str) -> bool:
    """Return whether the hash was made with weaker settings than today's."""
    return _hasher.check_needs_rehash(password_hash)


def generate() -> str:
    """Return a password of 80 random bits that can be read aloud: four groups of four."""
    return "-".join(ids.code(4) for _ in range(4))


def require_good(password: str, username: str) -> None:
    """Raise RuleBroken (422, field ``password``) unless ``password`` may be used.

    Length is what helps; composition rules only annoy. What everybody guesses first is refused.
    """
    normal = _normal(password).casefold()
    if len(normal) < SHORTEST:
        raise RuleBroken(
            N_("At least %(count)s characters, please; a short sentence is good."),
            field="password",
            count=SHORTEST,
        )
    if len(normal) > LONGEST:
        raise RuleBroken(N_("At most %(count)s characters, please."), field="password", count=LONGEST)
    if normal in COMMON or len(set(normal)) < FEWEST_DIFFERENT or plain(username).casefold() in normal:
        raise RuleBroken(N_("This password is easy to guess. Please choose another."), field="password")


def _verify(password_hash: str, typed: str) -> bool:
    try:
        return _hasher.verify(password_hash, _normal(typed))
    except (VerificationError, InvalidHashError):
        return False


def _normal(password: str) -> str:
    """One person's keyboards may compose the same letter differently."""
    return unicodedata.normalize("NFKC", password)


def _in_turn(work: Callable[[], T]) -> T:
    if not _turns.acquire(timeout=LONGEST_WAIT):
        raise Busy
    try:
        return _in_a_real_thread(work)
    finally:
        _turns.release()


def _in_a_real_thread(work: Callable[[], T]) -> T:
    """Under gevent a hashing would stop every other request of the process for its 22 ms; argon2 lets go of
    the interpreter's lock, so a thread of its own keeps them running."""
    if not is_module_patched("threading"):
        return work()
    result: T = _threads().apply(work)
    return result


@cache
def _threads() -> ThreadPool:
    return ThreadPool(AT_ONCE)
