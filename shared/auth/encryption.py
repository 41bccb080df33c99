"""Authenticated encryption of what is stored: AES-256-GCM, with what a text is about beside it."""

import base64
import hashlib

from shared.ports.system import Randomness

KEY_BYTES = 32  # The key length of AES-256.

_NONCE_BYTES = 12  # As NIST SP 800-38D recommends; random, which holds for 2^32 texts of a key.


class Undecryptable(Exception):
    """A text was not encrypted with this key, or is about something else."""


def encrypt(key: bytes, content: bytes, about: str, randomness: Randomness) -> str:
    """Return nonce and ciphertext in Base64; only a call with the same `about` decrypts them."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as p256.py.

    nonce = randomness.token_bytes(_NONCE_BYTES)
    ciphertext = AESGCM(key).encrypt(nonce, content, about.encode())
    return base64.b64encode(nonce + ciphertext).decode()


def decrypt(key: bytes, text: str, about: str) -> bytes:
    """Return the content, or raise `Undecryptable`."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as p256.py.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - the same.

    try:
        stored = base64.b64decode(text, validate=True)
        return AESGCM(key).decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], about.encode())
    except (ValueError, InvalidTag):
        raise Undecryptable from None


def key_of(secret: str, purpose: str) -> bytes:
    """Derive a key from a long random secret. The hash of the secret does not tell the key."""
    return hashlib.sha256(f"{purpose}\n{secret}".encode()).digest()
