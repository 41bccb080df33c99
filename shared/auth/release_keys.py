"""Keys that sign releases: ECDSA over P-256, which everybody can verify.

One key signs, and all that ever signed stay listed, so nothing is signed again after a rotation.
A line of their text is the time since when a key is used, `private` or `public`, and the key: PKCS
8 or SubjectPublicKeyInfo, in DER and Base64.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from shared.auth.key_texts import KeyFile, decoded_key, key_lines, time_of_key
from shared.auth.reread_secrets import SIGNS_AFTER, ReadKeys, RereadSecret, StoredKeys
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.evidence import HEAD
from shared.domain.packages import Release
from shared.domain.provenance.dsse import IN_TOTO, Envelope, envelopes_json, pae
from shared.domain.provenance.registry_statements import (
    statements_id,
    statements_name,
    statements_of,
)
from shared.domain.signatures import Signature, signed_text
from shared.domain.times import MS
from shared.ports.system import Clock

if TYPE_CHECKING:
    from shared.auth.p256 import PrivateKey

KEY_TYPE = "ecdsa-sha2-nistp256"
# The name of the file in the folder of keys, and of the secret in the vault.
FILE_NAME = "release-keys"

# How long a key is used after the next one was stored. A process whose vault does not answer
# continues with the key that it knows.
EXPIRES_AFTER = timedelta(days=1)

_SIGNED = "releases"
_PRIVATE = "private"
_PUBLIC = "public"
_WORDS = 3  # Words in a line.


class ReleaseKey(Struct, frozen=True):
    """A key of the registry; `expires_ms` is None for the newest one.

    A release that was published after the key expired has no valid signature of it.
    """

    keyid: str
    public: str  # SubjectPublicKeyInfo, in Base64.
    since_ms: int
    expires_ms: int | None
    private: "PrivateKey | None" = None


class ReleaseKeyRing(Struct, frozen=True):
    """All keys of a registry, newest first."""

    keys: tuple[ReleaseKey, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of the keys; raise `ValueError`, which shows no key."""
        keys = list[ReleaseKey]()
        for words in key_lines(text):
            keys.append(_parsed(words, newer=keys[-1] if keys else None))
        if not any(key.private for key in keys):
            message = "it has no private key"
            raise ValueError(message)
        return cls(tuple(keys))

    @classmethod
    def of_secret(cls, stored: StoredKeys) -> Self:
        return cls.parse(stored.text.reveal())

    def signing(self, now_ms: int) -> ReleaseKey:
        """Return the newest key that signs: all processes know it ten minutes after it was made."""
        able = [key for key in self.keys if key.private]
        known = [key for key in able if now_ms >= key.since_ms + SIGNS_AFTER // MS]
        return known[0] if known else able[-1]


class AttestedRelease(Struct, frozen=True):
    """A signed release, and the document of the statements that it names."""

    release: Release
    statements: bytes

    @property
    def name(self) -> str:
        """The name of the document among the attestations of the archive."""
        return statements_name(self.release.statements)


class ReleaseSigner:
    """Signs releases, and lists the keys that did."""

    def __init__(
        self, read: ReadKeys, clock: Clock, on_trouble: Callable[[KeyTrouble], None]
    ) -> None:
        """Call `on_trouble` for each read that returned no key."""
        self._clock = clock
        self._secret = RereadSecret(
            read, ReleaseKeyRing.of_secret, clock, on_trouble=on_trouble, signed=_SIGNED
        )

    async def ready(self) -> None:
        """Wait until there is a key to sign with; raise `SigningKeyUnavailable`."""
        await self._secret.ready()

    async def keys(self) -> tuple[ReleaseKey, ...]:
        """Return all keys, newest first; raise `SigningKeyUnavailable`."""
        await self._secret.ready()
        return self._secret.current.keys

    def sign(self, coordinate: Coordinate, digest: Digest) -> Signature:
        """Sign a release; raise `SigningKeyUnavailable`, which callers avoid by `ready`.

        The same release gets the same signature, as long as the key signs.
        """
        return self._sign(signed_text(coordinate, digest).encode())

    def _sign(self, content: bytes) -> Signature:
        key = self._secret.current.signing(self._clock.now_ms())
        if key.private is None:
            raise SigningKeyUnavailable(KeyTrouble.UNUSABLE, _SIGNED)
        signature = key.private.sign(content)
        return Signature(keyid=key.keyid, sig=base64.b64encode(signature).decode())

    def sign_evidence(self, digests: bytes) -> Signature:
        """Sign the list of digests of evidence, whose first line no signed text of a release has;
        raise what `sign` raises, and `ValueError` for anything else."""
        if not digests.startswith(HEAD.encode()):
            message = "it is no list of digests of evidence"
            raise ValueError(message)
        return self._sign(digests)

    def attested(self, release: Release, *, later: bool = False) -> AttestedRelease:
        """Return the release with its signature and its statements; raise what `sign` raises.
        `later` says of the statements that they were not made by its push."""
        envelopes = [self._envelope(each) for each in statements_of(release, later=later)]
        content = envelopes_json(envelopes)
        signatures = release.signatures or (self.sign(release.coordinate, release.archive_digest),)
        update = {"signatures": signatures, "statements": statements_id(content)}
        return AttestedRelease(release.model_copy(update=update), content)

    def _envelope(self, payload: bytes) -> Envelope:
        return Envelope(IN_TOTO, payload, (self._sign(pae(IN_TOTO, payload)),))


def release_key_file(folder: Path, clock: Clock) -> KeyFile:
    """Return the file of the keys on one machine."""
    return KeyFile(folder / FILE_NAME, clock, new_line, _earlier_lines)


def new_line(since: str) -> str:
    """Return the line of a new key."""
    from shared.auth.p256 import new_private_key  # noqa: PLC0415 - it takes 30 ms at start.

    return f"{since} {_PRIVATE} {base64.b64encode(new_private_key()).decode()}"


def _earlier_lines(earlier: Sequence[Sequence[str]], _until: str) -> list[str]:
    """Return the lines of the keys beside a new one: the last one signs until all processes know
    the new one, and of the others the public part is kept."""
    kept = list[str]()
    for words in earlier:
        key = _parsed(words, newer=None)
        line = f"{words[0]} {_PUBLIC} {key.public}" if kept else " ".join(words)
        kept.append(line)
    return kept


def _parsed(words: Sequence[str], newer: ReleaseKey | None) -> ReleaseKey:
    """Parse a line; `newer` is the key that followed. Raises `ValueError`."""
    from shared.auth.p256 import PrivateKey, public_key  # noqa: PLC0415 - it takes 30 ms at start.

    if len(words) != _WORDS or words[1] not in (_PRIVATE, _PUBLIC):
        message = "a line is a time, private or public, and a key"
        raise ValueError(message)
    since, kind, text = words
    content = decoded_key(text)
    private = PrivateKey(content) if kind == _PRIVATE else None
    public = private.public if private else public_key(content)
    return ReleaseKey(
        keyid=key_id(public),
        public=base64.b64encode(public).decode(),
        since_ms=time_of_key(since),
        expires_ms=newer.since_ms + EXPIRES_AFTER // MS if newer else None,
        private=private,
    )


def key_id(public: bytes) -> str:
    """Return the name of a public key, in the form of npm and of OpenSSH."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")
