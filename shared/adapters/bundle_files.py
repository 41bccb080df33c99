"""Files of bundles and of their keys, which are Ed25519.

A public key is a line, `ballroom-bundle-ed25519` and the key in base64; a file of trusted keys has
one on each line. The signature of a bundle is such a line, with the signature behind the key.
"""

import asyncio
import base64
import binascii
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared.adapters.disk_errors import translate_disk_errors
from shared.domain.bundles import bundle_unusable
from shared.domain.errors.base import Invalid
from shared.runtime.file_replacement import Durability, replacing
from shared.runtime.private_files import new_private_file, open_private

_KIND = "ballroom-bundle-ed25519"
_KEY_BYTES = 32


class BundleKey:
    """The private key that signs bundles."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the key of a file; raise `bundle-key-unusable`."""
        try:
            key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise _key_unusable(file, "holds no key of `ballroom bundle new-key`")
        return cls(key)

    @classmethod
    def create(cls, file: Path) -> Self:
        """Write a new key to a new file, for its owner alone, and the public one beside it. If one
        of them cannot be written, there is no new file, so that it can be tried again."""
        key = cls(Ed25519PrivateKey.generate())
        private = key._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            with new_private_file(file) as opened:
                opened.write(private)
                opened.flush()
                os.fsync(opened.fileno())
                with replacing(public_file(file), Durability.SYNCED) as partial:
                    partial.write_text(f"{key.line}\n", "ascii")
        except OSError as error:
            raise _key_unusable(file, f"cannot be written: {error.strerror}") from None
        return key

    @property
    def line(self) -> str:
        """The public key, as a file of trusted keys has it."""
        public = self._key.public_key().public_bytes_raw()
        return f"{_KIND} {base64.b64encode(public).decode()}"

    def sign(self, content: bytes) -> bytes:
        signature = base64.b64encode(self._key.sign(content)).decode()
        return f"{self.line} {signature}\n".encode()


def public_file(file: Path) -> Path:
    """Return where the public key of a private one is written."""
    return file.with_name(f"{file.name}.pub")


class KeysOfFile:
    """The trusted keys of a file."""

    def __init__(self, name: str, keys: frozenset[bytes]) -> None:
        self._name = name
        self._keys = keys

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the keys of a file, one a line, `#` before comments; raise
        `bundle-key-unusable`."""
        try:
            lines = file.read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError):
            lines = []
        texts = [each for line in lines if (each := line.partition("#")[0].strip())]
        keys = frozenset(_decoded(each.split(maxsplit=1)) for each in texts)
        if not keys or b"" in keys:
            raise _key_unusable(
                file, "lists no public keys of `ballroom bundle new-key`, one a line"
            )
        return cls(str(file), keys)

    def require(self, content: bytes, signature: bytes) -> None:
        *words, text = signature.decode("ascii", "replace").strip().split(" ") or [""]
        key = _decoded(words)
        if key not in self._keys:
            raise bundle_unusable(reason=f"it is signed with a key that {self._name} does not list")
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(
                base64.b64decode(text, validate=True), content
            )
        except (InvalidSignature, binascii.Error, ValueError):
            raise bundle_unusable(
                reason="its signature is wrong: its manifest is not the one that was signed"
            ) from None


def _decoded(words: list[str]) -> bytes:
    """Return the public key of the two words of a line; empty if it is none."""
    with suppress(binascii.Error, ValueError):
        kind, text = words
        key = base64.b64decode(text, validate=True)
        if kind == _KIND and len(key) == _KEY_BYTES:
            return key
    return b""


class BundleFileSource:
    """A bundle on the disk."""

    def __init__(self, file: Path) -> None:
        """Open the file; raise `bundle-unusable` if there is none."""
        try:
            self._file = file.open("rb", buffering=0)
            self.size_bytes = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise bundle_unusable(reason=f"{file} cannot be read ({error.strerror})") from None

    async def read(self, start: int, count: int) -> bytes:
        return await asyncio.to_thread(self._read, start, count)

    def _read(self, start: int, count: int) -> bytes:
        with translate_disk_errors():
            self._file.seek(start)
            found = bytearray()
            while count > len(found) and (piece := self._file.read(count - len(found))):
                found += piece
            return bytes(found)

    def close(self) -> None:
        self._file.close()


async def write_bundle(file: Path, pieces: AsyncIterator[bytes]) -> int:
    """Write a bundle in place of an earlier one, at once; return its size in bytes.

    Only its owner can read it, since it may have private packages.
    """
    size = 0
    with (
        translate_disk_errors(),
        replacing(file, Durability.SYNCED) as partial,
        open_private(partial, "xb") as opened,
    ):
        async for piece in pieces:
            size += await asyncio.to_thread(opened.write, piece)
    return size


def _key_unusable(file: Path, reason: str) -> Invalid:
    return Invalid("bundle-key-unusable", f"The file of keys cannot be used: {file} {reason}.")
