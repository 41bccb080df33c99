"""Packages, releases and their entries."""

from collections.abc import Collection, Sequence
from typing import Protocol

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.packages import FoundRelease, Head, Release, ReleaseEntry, Survey
from shared.ports.conflicts import AlreadyThere


class VersionDiffersInCase(AlreadyThere):
    """A version that differs only in upper and lower case exists; nothing was written."""

    def __init__(self, existing: str) -> None:
        super().__init__(existing)
        self.existing = existing


class ReadCheck(Protocol):
    """Decides which packages a caller may read; `Authorization.read_check` returns one."""

    async def __call__(
        self, requested: Sequence[tuple[Package, Head | None]], /
    ) -> Collection[str]:
        """Return the keys of the packages that the caller may read; the head of one that does not
        exist is None."""
        ...


class PackageReader(Protocol):
    """Reads packages, releases and their entries.

    With a `check`, a package that the caller may not read does not exist. It is asked once the
    heads are known, and before anything else is decoded, so that the time of an answer does not
    tell a hidden package from a missing one.

    A read with a check answers somebody who reads: what it finds may be as old as what the edition
    of the process knows (`CHANGES_KNOWN_WITHIN`), but what it does not find is not there. A read
    without one is the newest, for whoever decides on a write or derives data.
    """

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        """Return the package and the release, each None if it does not exist."""
        ...

    async def by_digest(self, digest: Digest, /, *, check: ReadCheck | None = None) -> FoundRelease:
        """Return the release whose archive has this digest, and its package, each None if it does
        not exist. An archive contains its coordinate, so no two releases share a digest.

        For a digest without a release, `check` is asked about `NO_PACKAGE`.
        """
        ...

    async def survey(
        self,
        packages: Sequence[Package],
        versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        """Return each package with all its entries, newest first, in the order of `packages`; None
        for a package that does not exist. Of `versions` are among the entries all that were
        published before the call. The cost grows with the changes since the last call, not with the
        number of releases."""
        ...

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        """Return the package that owns each tool id, in the order of `tools`; None if it is
        free."""
        ...


class MetadataStore(PackageReader, Protocol):
    """Packages, releases and their entries.

    `add_release` commits a push. Entries are derived from releases: of two writes of one version
    the higher `revision` stays, in whichever order they arrive.
    """

    async def head(self, package: Package) -> Head | None:
        """Return the head of the package, or None."""
        ...

    async def claim(self, head: Head) -> Head:
        """Create the head if no package has its name. Return the stored head: this one, or the
        existing one, which the call leaves unchanged."""
        ...

    async def add_release(self, release: Release) -> None:
        """Create the release of a package whose head exists. Of concurrent calls with one
        coordinate exactly one succeeds; the others raise `AlreadyThere`. So do those with versions
        that differ in case alone, which raise `VersionDiffersInCase`. The release has the spelling
        of the head."""
        ...

    async def restore_release(self, release: Release) -> None:
        """Create a release of a snapshot as `add_release` does, but also beside one whose version
        differs in case alone: earlier versions of the registry published both."""
        ...

    async def replace_release(self, release: Release) -> Release:
        """Store a changed release and return it with the next revision; raise `Stale` if its
        `revision` is not the stored one."""
        ...

    async def replace_head(self, head: Head) -> Head:
        """Store a changed head and return it with the next revision; raise `Stale` if its
        `revision` is not the stored one. Keeps the stored `pulls`, which only the ledger writes."""
        ...

    async def put_entries(self, package: Package, entries: Sequence[ReleaseEntry]) -> None:
        """Add or replace entries of the package; ignore those with a lower revision than stored."""
        ...

    async def releases(self, package: Package) -> list[Release]:
        """Return every release of the package. For maintenance tasks: the cost grows with their
        number."""
        ...

    async def packages(self, after: str, count: int) -> list[Head]:
        """Return the first `count` heads with keys above `after`, ordered by key: fewer only if no
        others follow."""
        ...

    async def records_with_outbox(self, count: int) -> list[Head | Release]:
        """Return up to `count` records whose outbox is not empty, oldest first. If very many wait,
        these need not be the oldest of all."""
        ...

    async def claim_tool(self, tool: str, package: Package) -> Package:
        """Assign the tool id to the package if it is free; return the package that owns it."""
        ...
