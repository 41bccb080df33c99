"""Signing keys of the registry: a current and a previous one, so that keys can be rotated."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

from msgspec import Struct

from shared.auth.reread_secrets import SIGNS_AFTER, ReadKeys, RereadSecret, StoredKeys
from shared.auth.secrets import Secret
from shared.domain.errors.identity import KeyTrouble
from shared.domain.times import MS
from shared.ports.system import Clock, Randomness
from shared.runtime.private_files import make_private_folder, replace_private

KEY_BYTES = 32  # As long as the digest of HMAC-SHA-256.
KEYS_KEPT = 2  # The current one, and the previous one, whose signatures stay valid.
SHORTEST_SETTING = 32  # Characters; texts that people make up are shorter.

# The value of a setting whose reference Azure could not resolve: anybody knows this text.
KEY_VAULT_REFERENCE = "@microsoft."

_MOMENT = re.compile(r"[1-9][0-9]{0,15}")  # A time in milliseconds, as links contain it.


class SigningKeys(Protocol):
    """The signing keys of a registry, from any source."""

    @property
    def ring(self) -> "KeyRing":
        """The keys as they are now; raises `SigningKeyUnavailable`."""
        ...

    async def ready(self) -> None:
        """Read the keys if there are none yet or they are old; raise `SigningKeyUnavailable`."""
        ...

    async def reread(self) -> bool:
        """Read the keys again, unless they were just read; say whether they changed."""
        ...

    def reread_in_background(self) -> None:
        """Start reading the keys again, unless they were just read."""
        ...

    def signer(self, purpose: str) -> "Signer":
        """Return the signer of one purpose; signatures of another purpose are not valid."""
        ...


class KeyRing(Struct, frozen=True):
    """The signing keys, newest first: the first one signs, all verify."""

    keys: tuple[Secret, ...]
    made_ms: int | None = None  # When the newest one was made, if its source says so.

    @classmethod
    def of_setting(cls, text: str) -> Self:
        """Read a setting: one key, or the new and the old one separated by a comma."""
        keys = tuple(key.strip() for key in text.split(","))
        if any(key.lower().startswith(KEY_VAULT_REFERENCE) for key in keys):
            message = "it is an unresolved reference to a key vault, which everybody knows"
            raise ValueError(message)
        if len(keys) > KEYS_KEPT or any(len(key) < SHORTEST_SETTING for key in keys):
            message = (
                f"it takes {SHORTEST_SETTING} random characters or more, or a new and an old key "
                "with a comma between them"
            )
            raise ValueError(message)
        return cls(tuple(Secret(key) for key in keys))

    def signer(self, purpose: str) -> "Signer":
        return Signer(self, purpose)

    @property
    def ring(self) -> "KeyRing":
        return self

    async def ready(self) -> None:
        """Do nothing: the keys are known."""

    async def reread(self) -> bool:
        return False

    def reread_in_background(self) -> None:
        """Do nothing: these keys never change."""


class Signer:
    """Signs texts for one purpose, with the current keys."""

    def __init__(self, keys: SigningKeys, purpose: str) -> None:
        self._keys = keys
        self._purpose = purpose
        self._derived: tuple[KeyRing, tuple[bytes, ...]] | None = None

    async def ready(self) -> None:
        """Wait until there are keys; raise `SigningKeyUnavailable` where there are none."""
        await self._keys.ready()

    async def reread(self) -> bool:
        """Read the keys again after an unknown signature; say whether they changed."""
        return await self._keys.reread()

    def sign(self, text: str) -> str:
        """Return the signature: letters, digits, `-` and `_`; raise `SigningKeyUnavailable`."""
        return _encoded(_mac(self._own_keys()[0], text))

    def verify(self, text: str, signature: str) -> bool:
        """Check whether one of the keys made this signature; raise `SigningKeyUnavailable`."""
        given = signature.encode()
        matches = [
            hmac.compare_digest(_encoded(_mac(key, text)).encode(), given)
            for key in self._own_keys()
        ]
        if not any(matches):
            self._keys.reread_in_background()
        return any(matches)

    def _own_keys(self) -> tuple[bytes, ...]:
        ring = self._keys.ring
        if self._derived is None or self._derived[0] is not ring:
            own = tuple(_mac(key.reveal().encode(), self._purpose) for key in ring.keys)
            self._derived = (ring, own)
        return self._derived[1]


class ArchiveLinkSigner:
    """Signs paths of archives; anybody who has the link can use it until it expires."""

    def __init__(self, keys: SigningKeys) -> None:
        """Sign with `keys`."""
        self._signer = keys.signer("link")

    async def ready(self) -> None:
        """Wait until there are keys; raise `SigningKeyUnavailable` where there are none."""
        await self._signer.ready()

    async def reread(self) -> bool:
        """Read the keys again after an unknown signature; say whether they changed."""
        return await self._signer.reread()

    def sign(self, path: str, expires_ms: int) -> str:
        """Return the signature of `path` and its time of expiry, without a slash."""
        return self._signer.sign(_statement(path, expires_ms))

    def verify(self, path: str, expires_ms: str, signature: str, *, now_ms: int) -> bool:
        """Check whether the link has a valid signature and is not expired."""
        if not _MOMENT.fullmatch(expires_ms):
            return False
        signed = self._signer.verify(_statement(path, int(expires_ms)), signature)
        return signed and now_ms < int(expires_ms)


def _statement(path: str, expires_ms: int) -> str:
    return f"{expires_ms}\n{path}"


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class _Rotation(Struct, frozen=True):
    """Keys of a vault: the previous one signs until `since_ms`, when all processes know both."""

    before: KeyRing
    after: KeyRing
    since_ms: int

    @classmethod
    def of(cls, stored: StoredKeys) -> Self:
        keys = KeyRing.of_setting(stored.text.reveal()).keys
        since_ms = stored.stored_ms + SIGNS_AFTER // MS
        before = KeyRing(tuple(reversed(keys)), made_ms=stored.stored_ms)
        return cls(before, KeyRing(keys, made_ms=stored.stored_ms), since_ms)

    def at(self, now_ms: int) -> KeyRing:
        return self.before if now_ms < self.since_ms else self.after


class VaultKeys:
    """The keys in a vault, read again every five minutes and after an unknown signature.

    The last keys stay valid while the vault does not respond.
    """

    def __init__(
        self, read: ReadKeys, clock: Clock, on_trouble: Callable[[KeyTrouble], None]
    ) -> None:
        """Call `on_trouble` for each read that returned no key."""
        self._clock = clock
        self._secret = RereadSecret(
            read, _Rotation.of, clock, on_trouble=on_trouble, signed="links and sessions"
        )

    @property
    def ring(self) -> KeyRing:
        return self._secret.current.at(self._clock.now_ms())

    async def ready(self) -> None:
        await self._secret.ready()

    async def reread(self) -> bool:
        return await self._secret.reread()

    def reread_in_background(self) -> None:
        self._secret.reread_in_background()

    def signer(self, purpose: str) -> Signer:
        return Signer(self, purpose)


class SigningKeyFolder:
    """The keys in files of a folder, which only the registry's user may read."""

    def __init__(self, folder: Path, clock: Clock, randomness: Randomness) -> None:
        self._folder = folder
        self._clock = clock
        self._randomness = randomness

    def load(self) -> KeyRing:
        """Return the keys; create one where there is none.

        Only the process that prepares the data folder may create it.
        """
        if not self.paths():
            self.rotate()
        paths = self.paths()
        keys = tuple(Secret(path.read_text("ascii").strip()) for path in paths)
        return KeyRing(keys, made_ms=int(paths[0].stem))

    def rotate(self) -> None:
        """Create a new key, keep the previous one, and delete older ones.

        Running processes use the keys that they loaded until they restart.
        """
        make_private_folder(self._folder)
        key = self._randomness.token_bytes(KEY_BYTES).hex()
        # The names have the order of the keys, also after the clock was set back.
        after_ms = max((int(path.stem) + 1 for path in self.paths()), default=0)
        made_ms = max(self._clock.now_ms(), after_ms)
        replace_private(self._folder / f"{made_ms:015}.key", f"{key}\n".encode())
        for path in self.paths_of_old_keys():
            path.unlink()

    def paths(self) -> list[Path]:
        """Return the files of the keys in use, newest first."""
        return self._all_paths()[:KEYS_KEPT]

    def paths_of_old_keys(self) -> list[Path]:
        """Return the files of keys that are no longer valid."""
        return self._all_paths()[KEYS_KEPT:]

    def _all_paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.key"), reverse=True)
