"""Passwords: argon2id, at most two hashings at once, and the same work whether the person exists or not."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret_raw
from gevent.monkey import is_module_patched
from gevent.threadpool import ThreadPool
from zxcvbn import zxcvbn

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

# zxcvbn's scale: below this a password falls within a million guesses, which begin with the 30,000 most used
# ones, with names, words and rows of keys, in any dress (Passw0rd, passwordpassword, password1234).
HARDER_THAN = 2
LOOKED_AT = 64  # characters; the work grows with the square
# Words of the house: whoever guesses here begins with them, see docs/security/decisions.md.
OF_THE_HOUSE = (
    "clinic", "clinicweb", "hospital", "medical", "center", "centre", "health", "patient", "doctor", "nurse",
    "reception", "receptionist", "cashier", "pharmacy", "laboratory", "dental", "admin", "administrator",
    "manager", "welcome", "password", "changeme", "عيادة", "مستشفى", "مركز", "طبي", "دكتور",
)  # fmt: skip
SHORTEST_NAME = 3  # shorter words of a name are in every other word
FEWEST_OF_ONES_OWN = 6  # letters and digits, once the words of the house are taken out


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


def require_good(password: str, username: str, house: Iterable[str] = ()) -> None:
    """Raise RuleBroken (422, field ``password``) unless ``password`` may be used.

    Length is what helps; composition rules only annoy. What everybody guesses first is refused, and what is
    little more than the names of the ``house``.
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
    if plain(username).casefold() in normal or _is_guessed(normal, house):
        raise RuleBroken(N_("This password is easy to guess. Please choose another."), field="password")


def _is_guessed(normal: str, house: Iterable[str]) -> bool:
    if len(set(normal)) < FEWEST_DIFFERENT:
        return True
    words = {
        *OF_THE_HOUSE,
        *(word for name in house for word in name.casefold().split() if len(word) >= SHORTEST_NAME),
    }
    rest = normal
    for word in sorted(words, key=len, reverse=True):
        rest = rest.replace(word, " ")
    if sum(letter.isalnum() for letter in rest) < FEWEST_OF_ONES_OWN:
        return True
    return int(zxcvbn(normal[:LOOKED_AT], user_inputs=sorted(words))["score"]) < HARDER_THAN


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
