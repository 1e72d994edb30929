"""What the database keeps encrypted: secrets that must be read again, unlike a password.

AES-256-GCM under a key that is not in the database, so a stolen dump opens nothing. What a secret is about is
sealed in with it: moved to another row it can't be opened. Each sealed value names its key, so a new key may
be put in front while the old ones still open what they sealed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from clinic_web.config import Settings

KEY_BYTES, NONCE_BYTES, ID_BYTES = 32, 12, 4


class SecretLost(RuntimeError):
    """A sealed value can't be opened: its key is not among the settings, or somebody changed it."""


@dataclass(frozen=True)
class Sealed:
    """An encrypted secret; ``key_id`` says which key opens it."""

    key_id: str
    data: bytes


@dataclass(frozen=True)
class _Key:
    id: str
    cipher: AESGCM


_keys: list[_Key] = []


def configure(settings: Settings) -> None:
    """Take the keys of the settings: the first seals, all of them open."""
    _keys[:] = [_derived(each) for each in (settings.secret_store_key, *settings.secret_store_old_keys)]


def _derived(given: str) -> _Key:
    """The setting is text of any length: what encrypts, and what names it, are derived from it apart."""
    derived = HKDF(SHA256(), KEY_BYTES + ID_BYTES, salt=None, info=b"clinic-web secret store").derive(
        given.encode()
    )
    return _Key(derived[KEY_BYTES:].hex(), AESGCM(derived[:KEY_BYTES]))


def seal(secret: bytes, about: str) -> Sealed:
    """Encrypt ``secret`` for the row and purpose that ``about`` names."""
    key, nonce = _keys[0], secrets.token_bytes(NONCE_BYTES)
    return Sealed(key.id, nonce + key.cipher.encrypt(nonce, secret, about.encode()))


def unseal(sealed: Sealed, about: str) -> bytes:
    """Return the secret. Raises SecretLost."""
    nonce, data = sealed.data[:NONCE_BYTES], sealed.data[NONCE_BYTES:]
    for key in _keys:
        if key.id == sealed.key_id:
            try:
                return key.cipher.decrypt(nonce, data, about.encode())
            except InvalidTag as error:
                raise SecretLost(about) from error
    raise SecretLost(f"{about}: no key {sealed.key_id} among SECRET_STORE_KEY and SECRET_STORE_OLD_KEYS")


def newest_key() -> str:
    """Return the id of the key that seals now: what another one sealed is to be sealed again."""
    return _keys[0].id
