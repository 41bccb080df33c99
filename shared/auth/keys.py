"""Keys that signatures are made with: two at a time, so that one can be replaced by the next."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shared.auth.secret import Secret
from shared.ports import Clock, Randomness

KEY_BYTES = 32  # As long as the digest of HMAC-SHA-256.
KEYS_KEPT = 2  # The one that signs, and the one before it, whose signatures still hold.
SHORTEST_SETTING = 32  # Characters. What people make up by themselves is shorter.


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of a registry, newest first: the first signs, all verify."""

    keys: tuple[Secret, ...]

    @classmethod
    def of_setting(cls, text: str) -> Self:
        """Return the keys that a setting holds: one, or the new and the old one with a comma."""
        keys = tuple(key.strip() for key in text.split(","))
        if len(keys) > KEYS_KEPT or any(len(key) < SHORTEST_SETTING for key in keys):
            message = (
                f"it takes {SHORTEST_SETTING} random characters or more, or a new and an old key "
                "with a comma between them"
            )
            raise ValueError(message)
        return cls(tuple(Secret(key) for key in keys))

    def signer(self, purpose: str) -> "Signer":
        """Return what signs for one purpose; a signature for another one does not fit."""
        return Signer(tuple(_mac(key.reveal().encode(), purpose) for key in self.keys))


class Signer:
    """Signs texts for one purpose."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        """Sign with the first of `keys`, verify with all."""
        self._keys = keys

    def sign(self, text: str) -> str:
        """Return the signature: letters, digits, `-` and `_`."""
        return _encoded(_mac(self._keys[0], text))

    def verify(self, text: str, signature: str) -> bool:
        """Say whether one of the keys made this signature, in a time that tells nothing else."""
        given = signature.encode()
        matches = [
            hmac.compare_digest(_encoded(_mac(key, text)).encode(), given) for key in self._keys
        ]
        return any(matches)


class LinkSigner:
    """Signs paths of this registry, so that whoever has the link may use it until it expires."""

    def __init__(self, keys: KeyRing) -> None:
        """Sign with `keys`."""
        self._signer = keys.signer("link")

    def sign(self, path: str, expires_ms: int) -> str:
        """Return the signature that makes `path` good until then; it holds no slash."""
        return self._signer.sign(_statement(path, expires_ms))

    def verify(self, path: str, expires_ms: str, signature: str, *, now_ms: int) -> bool:
        """Say whether the link, as it was followed, is signed and still good."""
        if not (expires_ms.isascii() and expires_ms.isdigit()):
            return False
        signed = self._signer.verify(_statement(path, int(expires_ms)), signature)
        return signed and now_ms < int(expires_ms)


def _statement(path: str, expires_ms: int) -> str:
    return f"{expires_ms}\n{path}"


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), hashlib.sha256)


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


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
