"""The interface `PackageSource`, by which faces read packages. `hosted_packages.py` implements it
for packages that are stored here, and `mirroring/package_chain.py` for those of upstreams as
well."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from shared.domain.build_resolution import (
    ModuleAnswer,
    ModuleRequest,
    PackageAnswer,
    PackageRequest,
    ToolAnswer,
    ToolRequest,
)
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ClientProfile
from shared.domain.listings import Listing
from shared.domain.packages import AvailableRelease, ReleaseEntry, Survey
from shared.domain.principals import Principal
from shared.domain.versions import Range, Version
from shared.runtime.answer_dependencies import Dependencies


class PackageVersions(Struct, frozen=True):
    """Versions of a package, and the records on which the list depends."""

    versions: tuple[Version, ...]
    depends_on: Dependencies | None


class PackageSource(Protocol):
    """Reads packages for one caller: those that are stored here, and in a mirror those of upstreams
    as well. A package that the caller may not see is answered like a missing one. Every method also
    raises `UpstreamUnavailable` for what only an upstream could have that does not answer,
    `UpstreamReleaseRefused`, and `TooManyRequests` for callers without a token that let upstreams
    be asked too much.
    """

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        """Return the exact version, or the latest of the range that the client can use, with its
        archive stored.

        Raises the same `ReleaseNotFound` for a release that is missing, hidden or withheld.
        """
        ...

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release with its documentation, stored or not; raise as `find` does."""
        ...

    async def visible_release(
        self, package: Package, version: Version | None, *, by: Principal
    ) -> "VisibleRelease | UnstoredRelease":
        """Return a release for people who read about it, or the latest one without a version. What
        is stored comes first, and is found without an upstream.

        Raises `PackageNotFound` or `ReleaseNotFound`, and `PackageWithdrawn` or `ReleaseWithdrawn`
        for what was withdrawn. All of them cost the same in the stores.
        """
        ...

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> PackageVersions:
        """Return the versions that the client can use, newest first, deprecated ones included. The
        newest release comes before pre-releases of a higher number, because clients take the
        first.

        Raises as `survey` does.
        """
        ...

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package with all its entries, whatever their state: a complete list.

        Raises the same `PackageNotFound` for a package that is missing, hidden or has no live
        release, and `versions-incomplete` while a list is made.
        """
        ...

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the exact version of the tool, or the latest of the range that contains it.

        Raises `tool-not-found`, or `tool-version-not-found` where other versions have it.
        """
        ...

    async def require_approved(self, coordinate: Coordinate, *, by: Principal) -> None:
        """Raise `not-approved` for a release that the caller may not take, though it is stored."""
        ...

    async def fetch_module(self, module: str, candidates: Sequence[Coordinate]) -> bool:
        """Store the first of these releases that has the module, if an upstream has it; return
        whether it is stored."""
        ...

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], *, client: ClientProfile, by: Principal
    ) -> PackageAnswer:
        """Choose a release for each package, with its dependency graph."""
        ...

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], *, client: ClientProfile, by: Principal
    ) -> ModuleAnswer:
        """Choose the package and release that contain each module."""
        ...

    async def resolve_tools(
        self, requests: Sequence[ToolRequest], *, client: ClientProfile, by: Principal
    ) -> ToolAnswer:
        """Choose a release of the package that owns each tool."""
        ...


class VisibleRelease(Struct, frozen=True):
    """A stored live release that the caller may see, in the list of its package."""

    survey: Survey
    entry: ReleaseEntry


class UnstoredRelease(Struct, frozen=True):
    """A release of an upstream that nobody has pulled, and the versions of its package."""

    listing: Listing
    versions: tuple[Version, ...]
