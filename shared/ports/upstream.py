"""Another registry, as a mirror asks it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ClientProfile
from shared.domain.listings import Listing
from shared.domain.mirroring import (
    CataloguedPackage,
    FetchedArchive,
    UpstreamItem,
    UpstreamModule,
    UpstreamPage,
    UpstreamResolution,
)
from shared.domain.names import OrgName
from shared.domain.search import SearchKind
from shared.domain.upstream_withdrawals import UpstreamChanges, UpstreamWithdrawal
from shared.domain.versions import Range, Version
from shared.ports.http_client import AnswerUnusable, Unanswered


class ReleaseUnusable(AnswerUnusable):
    """The upstream described the release that was asked for, in a way that nothing can use."""


class UpstreamBusy(Unanswered):
    """The upstream asks to be left alone for a time; the text is the reason, for the log."""

    def __init__(self, status: int, wait: timedelta) -> None:
        super().__init__(f"the answer was {status}, to be repeated in {wait.total_seconds():.0f} s")
        self.wait = wait


class Upstream(Protocol):
    """Another registry, by the Central protocol, as a caller without credentials, or with a token.

    Every method sends one request, except `fetch`, which sends two, one after the other. Each
    answer is complete before a deadline, and nothing in it breaks the rules of names and versions.
    All raise `AnswerUnusable` for an answer that concerns this request alone, `ServerUnreachable`
    without a connection, `UpstreamBusy` if the upstream says when to ask again, and `Unanswered`
    for its own failures. `via` is what the request came through (the header `Via`), so that two
    registries that mirror each other do not ask each other in turn.
    """

    def with_token(self) -> "Upstream | None":
        """Return the same registry as a caller with the token that the operator set for it; None if
        there is none."""
        ...

    async def versions(
        self, package: Package, client: ClientProfile, *, via: str
    ) -> tuple[Version, ...] | None:
        """Return the versions that the client can use, or None if there is no such package."""
        ...

    async def has_organization(self, org: OrgName, *, via: str) -> bool:
        """Check whether there are public packages of the organization."""
        ...

    async def describe(
        self, package: Package, wanted: Version | Range, client: ClientProfile, *, via: str
    ) -> Listing | None:
        """Return the exact version, or the latest of the range; None if there is none."""
        ...

    def fetch(
        self, coordinate: Coordinate, *, via: str
    ) -> AbstractAsyncContextManager[FetchedArchive | None]:
        """Return the archive, which can be read until the block ends, or None if there is no such
        version. Few archives are in hand at the same time: raises `NoRoomToFetch` after a wait, and
        `StorageFull`."""
        ...

    async def withdrawal(self, coordinate: Coordinate, *, via: str) -> UpstreamWithdrawal | None:
        """Return what the upstream says of a version that it withdrew; None if it has it, or says
        no more than that it is missing."""
        ...

    async def changes(self, since: int, count: int) -> UpstreamChanges | None:
        """Return the withdrawals and returns of releases among up to `count` changes of its feed
        after the number; None if it has no such feed."""
        ...

    async def resolve_packages(
        self, requests: Sequence[PackageRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamResolution | None]:
        """Return the upstream's choice for each request, in their order."""
        ...

    async def resolve_modules(
        self, requests: Sequence[ModuleRequest], client: ClientProfile, *, via: str
    ) -> list[UpstreamModule | None]:
        """Return which package holds each module, in the order of the requests."""
        ...

    async def catalogue(self, offset: int, limit: int) -> UpstreamPage[CataloguedPackage]:
        """Return a page of the list of all packages, each with its newest release, in order of
        name. The upstream may shift it while it is read."""
        ...

    async def tool(self, tool: str, *, via: str) -> Package | None:
        """Return the package that has the tool, or None if none has."""
        ...

    async def items(
        self, kind: SearchKind, offset: int, limit: int
    ) -> UpstreamPage[UpstreamItem] | None:
        """Return a page of the list of all connectors or triggers; None if it has no such list."""
        ...
