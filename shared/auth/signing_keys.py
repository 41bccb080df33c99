"""Keys that the registry signs with: two at a time, so that one can be replaced by the next."""

import asyncio
import base64
import hashlib
import hmac
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, Self

from shared.auth.secrets import Secret
from shared.domain.errors.identity import KeyTrouble, SigningKeyUnavailable
from shared.domain.errors.requests import Busy
from shared.ports import Clock, Randomness

KEY_BYTES = 32  # As long as the digest of HMAC-SHA-256.
KEYS_KEPT = 2  # The one that signs, and the one before it, whose signatures still hold.
SHORTEST_SETTING = 32  # Characters. What people make up by themselves is shorter.

# What Azure leaves in a setting whose reference it could not resolve: anybody knows this text.
KEY_VAULT_REFERENCE = "@microsoft."

REREAD_AFTER = timedelta(minutes=5)  # So that every process knows a new key before it signs.
SIGNS_AFTER = timedelta(minutes=10)  # From when a new key was stored.
RETRY_AFTER = timedelta(seconds=10)  # Where no key was read yet.
REREAD_AFTER_UNKNOWN_KEY = timedelta(
    seconds=30
)  # Between two readings that unknown signatures ask for.

_MOMENT = re.compile(r"[1-9][0-9]{0,15}")  # In ms, as links say it; Python reads no endless number.


class SigningKeys(Protocol):
    """The keys of a registry, wherever they come from."""

    @property
    def ring(self) -> "KeyRing":
        """Return the keys as they are now, or raise `SigningKeyUnavailable`."""
        ...

    async def ready(self) -> None:
        """Read the keys if there are none yet or they are old; raise `SigningKeyUnavailable`."""
        ...

    async def reread(self) -> bool:
        """Read the keys again, unless that was done a moment ago; say whether they changed."""
        ...

    def reread_in_background(self) -> None:
        """Begin to read the keys again, unless that was done a moment ago."""
        ...

    def signer(self, purpose: str) -> "Signer":
        """Return what signs for one purpose; a signature for another one does not fit."""
        ...


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of a registry, newest first: the first signs, all verify."""

    keys: tuple[Secret, ...]

    @classmethod
    def of_setting(cls, text: str) -> Self:
        """Return the keys that a setting holds: one, or the new and the old one with a comma."""
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
        """Return what signs for one purpose; a signature for another one does not fit."""
        return Signer(self, purpose)

    @property
    def ring(self) -> "KeyRing":
        """Return itself: these keys never change."""
        return self

    async def ready(self) -> None:
        """Do nothing: the keys are here."""

    async def reread(self) -> bool:
        """Return False: these keys never change."""
        return False

    def reread_in_background(self) -> None:
        """Do nothing: these keys never change."""


class Signer:
    """Signs texts for one purpose, with the keys as they are at that moment."""

    def __init__(self, keys: SigningKeys, purpose: str) -> None:
        """Sign with the first of the keys, verify with all."""
        self._keys = keys
        self._purpose = purpose
        self._derived: tuple[KeyRing, tuple[bytes, ...]] | None = None

    async def ready(self) -> None:
        """Wait until there are keys; raise `SigningKeyUnavailable` where there are none."""
        await self._keys.ready()

    async def reread(self) -> bool:
        """Read the keys again after a signature that none of them made; say whether it helped."""
        return await self._keys.reread()

    def sign(self, text: str) -> str:
        """Return the signature: letters, digits, `-` and `_`; raise `SigningKeyUnavailable`."""
        return _encoded(_mac(self._own_keys()[0], text))

    def verify(self, text: str, signature: str) -> bool:
        """Say whether one of the keys made this signature, in a time that tells nothing else.

        Raises `SigningKeyUnavailable`.
        """
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
    """Signs paths of this registry, so that whoever has the link may use it until it expires."""

    def __init__(self, keys: SigningKeys) -> None:
        """Sign with `keys`."""
        self._signer = keys.signer("link")

    async def ready(self) -> None:
        """Wait until there are keys; raise `SigningKeyUnavailable` where there are none."""
        await self._signer.ready()

    async def reread(self) -> bool:
        """Read the keys again after a signature that none of them made; say whether it helped."""
        return await self._signer.reread()

    def sign(self, path: str, expires_ms: int) -> str:
        """Return the signature that makes `path` good until then; it holds no slash."""
        return self._signer.sign(_statement(path, expires_ms))

    def verify(self, path: str, expires_ms: str, signature: str, *, now_ms: int) -> bool:
        """Say whether the link, as it was followed, is signed and still good."""
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


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """What a vault holds: the text that `KeyRing.of_setting` takes, and since when."""

    text: Secret
    stored_ms: int


# Returns what the vault holds, or None where it holds nothing; raises `Busy`.
ReadKeys = Callable[[], Awaitable[StoredKeys | None]]


@dataclass(frozen=True, slots=True)
class _Rotation:
    """Keys that were read: the older one signs until `since_ms`; then all processes know both."""

    before: KeyRing
    after: KeyRing
    since_ms: int

    @classmethod
    def of(cls, stored: StoredKeys) -> Self:
        ring = KeyRing.of_setting(stored.text.reveal())
        since_ms = stored.stored_ms + _ms(SIGNS_AFTER)
        return cls(KeyRing(tuple(reversed(ring.keys))), ring, since_ms)

    def at(self, now_ms: int) -> KeyRing:
        return self.before if now_ms < self.since_ms else self.after


class VaultKeys:
    """The keys in a vault, read again every few minutes and after a signature of an unknown key.

    What was read once is kept while the vault does not answer.
    """

    def __init__(
        self, read: ReadKeys, clock: Clock, troubled: Callable[[KeyTrouble], None]
    ) -> None:
        """Read nothing yet; tell `troubled` of each reading that brought no key."""
        self._read = read
        self._troubled = troubled
        self._clock = clock
        self._held: _Rotation | None = None
        self._trouble = KeyTrouble.UNREAD
        self._asked_ms: int | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def ring(self) -> KeyRing:
        """Return the keys as they are now, or raise `SigningKeyUnavailable`."""
        if self._held is None:
            raise SigningKeyUnavailable(self._trouble)
        return self._held.at(self._clock.now_ms())

    async def ready(self) -> None:
        """Read the keys if there are none yet or they are old; raise `SigningKeyUnavailable`."""
        if self._held is None:
            await self._read_after(RETRY_AFTER)
        elif self._is_due(2 * REREAD_AFTER):
            # Nobody asked for long: the key that signs here may be one that no other process has.
            await self._read_after(REREAD_AFTER)
        elif self._is_due(REREAD_AFTER):
            self._begin()
        _ = self.ring

    async def reread(self) -> bool:
        """Read the keys again, unless that was done a moment ago; say whether they changed."""
        before = self._held
        await self._read_after(REREAD_AFTER_UNKNOWN_KEY)
        return self._held != before

    def reread_in_background(self) -> None:
        """Begin to read the keys again, unless that was done a moment ago."""
        if self._is_due(REREAD_AFTER_UNKNOWN_KEY):
            self._begin()

    def signer(self, purpose: str) -> Signer:
        """Return what signs for one purpose; a signature for another one does not fit."""
        return Signer(self, purpose)

    async def _read_after(self, pause: timedelta) -> None:
        """Read, together with whoever reads already, unless the last reading is newer."""
        if self._reading or self._is_due(pause):
            # Whoever waits may go away; the reading is for all.
            await asyncio.shield(self._begin())

    def _is_due(self, pause: timedelta) -> bool:
        if self._asked_ms is None:
            return True
        # A clock that was set back says nothing about how long ago it was.
        return not 0 <= self._clock.now_ms() - self._asked_ms < _ms(pause)

    def _begin(self) -> asyncio.Task[None]:
        if self._reading is None:
            self._asked_ms = self._clock.now_ms()
            self._reading = asyncio.create_task(self._update())
        return self._reading

    async def _update(self) -> None:
        try:
            self._trouble = await self._look()
        finally:
            self._reading = None
        if self._trouble is not KeyTrouble.NONE:
            self._troubled(self._trouble)

    async def _look(self) -> KeyTrouble:
        try:
            stored = await self._read()
        except Busy:
            return KeyTrouble.SILENT
        if stored is None:
            return KeyTrouble.MISSING
        try:
            self._held = _Rotation.of(stored)
        except ValueError:
            return KeyTrouble.UNUSABLE
        return KeyTrouble.NONE


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


class KeyFiles:
    """The keys in files of a folder that only the registry's user may read."""

    def __init__(self, folder: Path, clock: Clock, randomness: Randomness) -> None:
        """Keep the keys in `folder`, named by when they were made."""
        self._folder = folder
        self._clock = clock
        self._randomness = randomness

    def load(self) -> KeyRing:
        """Return the keys; make the first one where there is none.

        One process at a time may make it: the one that prepares the data folder.
        """
        if not self.paths():
            self.rotate()
        return KeyRing(tuple(Secret(path.read_text("ascii").strip()) for path in self.paths()))

    def rotate(self) -> None:
        """Make a new key, keep the one before it, and delete older ones.

        Running processes go on with the keys that they loaded, until they start again.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write(f"{self._clock.now_ms():015}.key")
        for path in self.paths_of_old_keys():
            path.unlink()

    def paths(self) -> list[Path]:
        """Return the files of the keys in use, newest first."""
        return self._all_paths()[:KEYS_KEPT]

    def paths_of_old_keys(self) -> list[Path]:
        """Return the files of keys that no longer count."""
        return self._all_paths()[KEYS_KEPT:]

    def _all_paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.key"), reverse=True)

    def _write(self, name: str) -> None:
        # Complete before it has its name: a crash leaves a file that nobody reads.
        unfinished = self._folder / f"{name}.new"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self._randomness.token_bytes(KEY_BYTES).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._folder / name)
