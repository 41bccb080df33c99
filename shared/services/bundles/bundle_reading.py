"""Reading of bundles: everything is verified before anything is used.

The signature comes first: what is not signed by a trusted key is not parsed. Then the size of the
file has to be what the manifest says, each header has its one possible form, and each file its
digest.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.domain.bundles import (
    END,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MAX_SIGNATURE_BYTES,
    SIGNATURE,
    BundleContents,
    BundledRelease,
    BundleFile,
    bundle_unusable,
    entry_bytes,
    padding,
    read_contents,
    read_header,
    read_manifest,
    tar_header,
)

PIECE_BYTES = 1024 * 1024  # Read and hashed at once.

_HEADER = len(tar_header(MANIFEST, 0))


class BundleSource(Protocol):
    """The file of a bundle."""

    size_bytes: int

    async def read(self, start: int, count: int) -> bytes:
        """Return `count` bytes from `start`, fewer at the end of the file."""
        ...


class TrustedKeys(Protocol):
    """The keys whose bundles are imported."""

    def require(self, content: bytes, signature: bytes) -> None:
        """Raise `bundle-unusable` unless one of the keys signed the content."""
        ...


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle that was verified, and where its archives are."""

    source: BundleSource
    contents: BundleContents
    starts: Sequence[int]  # Of the archives, in the order of the releases.

    async def archives(self) -> AsyncGenerator[tuple[BundledRelease, "BundledArchive"]]:
        """Yield the releases, each with its archive, which is read when it is asked for."""
        for release, start in zip(self.contents.releases, self.starts, strict=True):
            yield release, BundledArchive(self.source, start, release.size_bytes)


@dataclass(frozen=True)
class BundledArchive:
    """An archive in a bundle. The file may have changed since it was verified."""

    source: BundleSource
    start: int
    size_bytes: int

    async def read(self) -> bytes:
        return await self.source.read(self.start, self.size_bytes)


async def open_bundle(source: BundleSource, trusted: TrustedKeys) -> OpenedBundle:
    """Verify the whole bundle; raise `bundle-unusable`."""
    at, manifest = await _first_file(source, 0, MANIFEST, MAX_MANIFEST_BYTES)
    at, signature = await _first_file(source, at, SIGNATURE, MAX_SIGNATURE_BYTES)
    trusted.require(manifest, signature)
    described = read_manifest(manifest)
    _require_size(source, at, described.files)
    starts, texts = list[int](), list[bytes]()
    for listed in described.files:
        starts.append(at + _HEADER)
        if len(texts) < len(described.lists):
            texts.append(b"".join([piece async for piece in _verified(source, at, listed)]))
        else:
            async for _ in _verified(source, at, listed):
                pass
        at += entry_bytes(listed.size_bytes)
    if await source.read(at, len(END)) != END:
        raise bundle_unusable(reason="it does not end where a bundle ends")
    return OpenedBundle(source, read_contents(described, *texts), starts[len(texts) :])


async def _first_file(source: BundleSource, at: int, name: str, most: int) -> tuple[int, bytes]:
    """Return where the next file begins, and the content of this one, which is not verified."""
    size = read_header(name, await source.read(at, _HEADER), most)
    content = await source.read(at + _HEADER, size)
    if len(content) != size:
        raise bundle_unusable(reason=f"it ends within {name}")
    return at + entry_bytes(size), content


def _require_size(source: BundleSource, at: int, files: Sequence[BundleFile]) -> None:
    wanted = at + sum(entry_bytes(each.size_bytes) for each in files) + len(END)
    if source.size_bytes < wanted:
        raise bundle_unusable(reason=f"{wanted - source.size_bytes:,} bytes are missing at its end")
    if source.size_bytes > wanted:
        raise bundle_unusable(
            reason=f"it has {source.size_bytes - wanted:,} bytes that its manifest does not list"
        )


async def _verified(source: BundleSource, at: int, listed: BundleFile) -> AsyncIterator[bytes]:
    """Yield the content of a file in pieces; raise `bundle-unusable` at its end if it differs."""
    if await source.read(at, _HEADER) != tar_header(listed.name, listed.size_bytes):
        raise bundle_unusable(reason=f"the entry at the place of {listed.name} is another one")
    start, digest = at + _HEADER, hashlib.sha256()
    for offset in range(0, listed.size_bytes, PIECE_BYTES):
        piece = await source.read(start + offset, min(PIECE_BYTES, listed.size_bytes - offset))
        digest.update(piece)
        yield piece
    zeros = padding(listed.size_bytes)
    rest = await source.read(start + listed.size_bytes, len(zeros))
    if digest.hexdigest() != listed.sha256 or rest != zeros:
        raise bundle_unusable(reason=f"{listed.name} has another digest than its manifest says")
