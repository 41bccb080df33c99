"""The encryption of secrets of webhooks: AES-256-GCM with keys of their own, which the keys of the
registry encrypt.

The registry's keys change by rotations and outlive no two of them, so the keys of webhooks are kept
encrypted with each key of the registry that was known lately, and the secrets stay as they are.
What a ciphertext belongs to is authenticated with it: moved to another webhook, it is refused.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from itertools import pairwise

from shared.auth.encryption import Undecryptable, decrypt, encrypt
from shared.auth.signing_keys import KeyRing
from shared.domain.entities import Place
from shared.domain.webhooks import EncryptedSecret, WrappedKey
from shared.ports.system import Randomness

# Two rotations are possible while processes run that know only the earlier keys.
REGISTRY_KEYS_KEPT = 4

# Bytes of a key's digest that are its id: enough to distinguish a few keys, too few to guess one.
_ID_BYTES = 8
_PURPOSE = b"webhook-keys"
_PURPOSE_OF_IDS = b"webhook-keys-id"


def wrapping_keys(ring: KeyRing) -> dict[str, bytes]:
    """Return what encrypts keys of webhooks, by id: one for each key of the registry."""
    keys = [each.reveal().encode() for each in ring.keys]
    return {_mac(each, _PURPOSE_OF_IDS)[:_ID_BYTES].hex(): _mac(each, _PURPOSE) for each in keys}


def wrap(
    key: bytes, key_id: str, wrapping: Mapping[str, bytes], randomness: Randomness
) -> dict[str, str]:
    """Return the key of webhooks, encrypted with each of the others."""
    about = f"key\n{key_id}"
    return {name: encrypt(each, key, about, randomness) for name, each in wrapping.items()}


def unwrap(stored: WrappedKey, wrapping: Mapping[str, bytes]) -> bytes | None:
    """Return the key of webhooks; None if no key of the registry that is known encrypted it."""
    for name, each in wrapping.items():
        if name in stored.wrapped:
            try:
                return decrypt(each, stored.wrapped[name], f"key\n{stored.id}")
            except Undecryptable:
                continue
    return None


def rewrapped(
    stored: WrappedKey, wrapping: Mapping[str, bytes], randomness: Randomness
) -> WrappedKey:
    """Return the key encrypted also with the keys of the registry that it lacks; the same if it
    lacks none, or cannot be decrypted."""
    missing = {name: each for name, each in wrapping.items() if name not in stored.wrapped}
    key = unwrap(stored, wrapping) if missing else None
    if key is None:
        return stored
    added = wrap(key, stored.id, missing, randomness) | stored.wrapped
    kept = dict(list(added.items())[:REGISTRY_KEYS_KEPT])
    return stored.model_copy(update={"wrapped": kept})


def encrypt_secret(
    secret: str, place: Place, key_id: str, key: bytes, randomness: Randomness
) -> EncryptedSecret:
    """Encrypt the secret of the webhook at the place."""
    text = encrypt(key, secret.encode(), _about_webhook(place), randomness)
    return EncryptedSecret(key=key_id, text=text)


def decrypt_secret(encrypted: EncryptedSecret, place: Place, key: bytes) -> str:
    """Return the secret of the webhook at the place, or raise `Undecryptable`."""
    return decrypt(key, encrypted.text, _about_webhook(place)).decode()


def unused_keys(keys: Iterable[WrappedKey], used: Iterable[str], before_ms: int) -> set[str]:
    """Return the ids of keys that encrypt nothing and were replaced by another one, the newest
    first, before that time. A write that was begun before that may still store a secret."""
    replaced = {each.id for newer, each in pairwise(keys) if newer.made_ms < before_ms}
    return replaced - {*used}


def _about_webhook(place: Place) -> str:
    return f"webhook\n{place.owner}\n{place.key}"


def _mac(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose, hashlib.sha256)
