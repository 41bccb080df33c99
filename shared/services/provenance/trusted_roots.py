"""Trusted roots of Sigstore: which authorities and logs may vouch for a bundle."""

import asyncio
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from shared.domain.errors.base import Unavailable
from shared.domain.provenance.trusted_roots import PUBLIC_GOOD_ROOT_PLACE, PublicGoodRoot
from shared.ports.conflicts import AlreadyThere
from shared.ports.directory import DirectoryStore
from shared.ports.system import Clock

# The size of one file; the output of `gh attestation trusted-root` has 20 KB.
MAX_ROOTS_BYTES = 1024 * 1024


class TrustedRoots(Struct, frozen=True):
    """Knows the trusted roots: that of the public good instance, which a task renews, and those in
    files of the operator, with which nothing is fetched."""

    directory: DirectoryStore
    clock: Clock
    files: tuple[Path, ...]

    @property
    def is_renewed(self) -> bool:
        """Whether the root of the public good instance is fetched; otherwise files have it."""
        return not self.files

    async def write(self, folder: Path) -> bool:
        """Write the roots into a folder, in the order in which they are tried; return whether the
        first one is that of the library, which is not written.

        Called for a bundle that came, after which the root is renewed. Raises `Unavailable` for a
        file that cannot be read.
        """
        stored = await self.stored()
        if stored is None and self.is_renewed:
            with suppress(AlreadyThere):
                await self.directory.add(PublicGoodRoot(wanted_ms=self.clock.now_ms()))
        root = stored.root if stored else ""
        await asyncio.to_thread(self._write, folder, root)
        return not root

    async def stored(self) -> PublicGoodRoot | None:
        """Return the root of the public good instance; None before the first bundle came."""
        return await self.directory.get(PublicGoodRoot, PUBLIC_GOOD_ROOT_PLACE)

    async def trouble(self) -> str:
        """Return why a file of the operator cannot be used, in a sentence; empty if all can."""
        for file in self.files:
            try:
                await asyncio.to_thread(_read, file)
            except Unavailable:
                return f"The trusted roots of Sigstore in {file} cannot be read."
        return ""

    def _write(self, folder: Path, root: str) -> None:
        folder.mkdir(exist_ok=True)
        if root:
            (folder / "00").write_text(root, "utf-8")
        for number, file in enumerate(self.files, 1):
            (folder / f"{number:02}").write_bytes(_read(file))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_ROOTS_BYTES + 1)
    except OSError:
        content = b""
    if not content or len(content) > MAX_ROOTS_BYTES:
        raise roots_unreadable()
    return content


def roots_unreadable() -> Unavailable:
    return Unavailable(
        "sigstore-roots-unreadable",
        "This registry cannot read a file with trusted roots of Sigstore, so it verifies no "
        "bundle. Ask the operator to look at BALLROOM_SIGSTORE_ROOTS.",
    )
