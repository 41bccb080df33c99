"""What is stored in place of a secret: enough to know it again, and nothing to use."""

import hashlib


def stored_hash(secret: str) -> str:
    """Return SHA-256, hexadecimal. One round is enough for what is long and made by chance."""
    return hashlib.sha256(secret.encode()).hexdigest()
