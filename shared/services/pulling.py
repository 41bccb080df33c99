"""Pulling: which release a client gets, and what it may read of it."""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.errors import (
    NotFound,
    PackageNotFound,
    ReleaseNotFound,
    ToolNotFound,
    ToolVersionNotFound,
)
from shared.domain.identity import Principal
from shared.domain.language import ClientProfile
from shared.domain.names import NO_PACKAGE, Package
from shared.domain.package import (
    Found,
    Head,
    Listing,
    Release,
    State,
    Survey,
    effective_deprecation,
)
from shared.domain.selection import newest, usable_versions
from shared.domain.version import Range, Version
from shared.ports import DocumentStore, MetadataStore


@dataclass(frozen=True, slots=True)
class Offer:
    """A release that the caller may have, with its package."""

    head: Head
    release: Release

    @property
    def deprecation(self) -> str | None:
        """Return the message of its deprecation, or None."""
        return effective_deprecation(self.head, self.release.deprecation)


@dataclass(frozen=True)
class Pulling:
    """Finds releases for clients."""

    authorization: Authorization
    metadata: MetadataStore
    documents: DocumentStore

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Offer:
        """Return the exact version, or the newest in the range that the client can use.

        Raises `ReleaseNotFound` alike for what is missing, hidden or withdrawn.
        """
        if isinstance(wanted, Range):
            offer = await self._in_range(package, wanted, client, by)
        else:
            offer = await self._exactly(package, wanted, by)
        if offer is None:
            raise ReleaseNotFound(package, wanted)
        return offer

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release with its documentation; raise as `find` does."""
        return await self._listing(await self.find(package, wanted, client=client, by=by))

    async def tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release that has the tool, the newest that has it for a range.

        Raises `ToolNotFound`, or `ToolVersionNotFound` where other versions have it.
        """
        owner = await self.owner(tool)
        if isinstance(wanted, Range):
            offer = await self._in_range(owner, wanted, client, by, tool=tool)
        else:
            offer = await self._exactly(owner, wanted, by)
        if offer is None or tool not in offer.release.tools:
            raise await self._missing_tool(owner, tool, wanted, client=client, by=by)
        return await self._listing(offer)

    async def _missing_tool(
        self,
        owner: Package,
        tool: str,
        wanted: Version | Range,
        *,
        client: ClientProfile,
        by: Principal,
    ) -> NotFound:
        """Return what to say of a tool that was not found; a hidden one costs what none costs."""
        survey = await self._survey(owner, by)
        versions = usable_versions(survey.having_tool(tool), client) if survey else ()
        if not versions:
            return ToolNotFound(tool)
        return ToolVersionNotFound(tool, wanted, tuple(each.text for each in versions))

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> tuple[Version, ...]:
        """Return what the client can use, newest first, deprecated ones included.

        Raises as `survey` does.
        """
        return usable_versions(await self.survey(package, by=by), client)

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package with all its entries, whatever their state.

        Raises `PackageNotFound` alike for packages that are missing, hidden or withdrawn whole.
        """
        survey = await self._survey(package, by)
        if survey is None:
            raise PackageNotFound(package)
        return survey

    async def owner(self, tool: str) -> Package:
        """Return the package that owns the tool, whoever may read it.

        If it is free, one that is not there: to look for that costs what looking for a hidden one
        costs.
        """
        [owner] = await self.metadata.tool_owners([tool])
        return owner or NO_PACKAGE

    async def _exactly(self, package: Package, version: Version, by: Principal) -> Offer | None:
        found = await self.metadata.find(package.at(version))
        is_shown = await self.authorization.may_find(by, package, found.head)
        return _live(found) if is_shown else None

    async def _listing(self, offer: Offer) -> Listing:
        texts = await self.documents.texts(offer.release.content)
        return Listing(offer.head, offer.release, texts)

    async def _in_range(
        self,
        package: Package,
        wanted: Range,
        client: ClientProfile,
        by: Principal,
        *,
        tool: str | None = None,
    ) -> Offer | None:
        survey = await self._survey(package, by)
        if survey and tool is not None:
            survey = survey.having_tool(tool)
        entry = newest(survey, wanted, client) if survey else None
        return _live(await self.metadata.find(package.at(entry.parsed))) if entry else None

    async def _survey(self, package: Package, by: Principal) -> Survey | None:
        """Return the package if `by` may see it and it has a live release: a name alone is none."""
        [survey] = await self.metadata.survey([package])
        is_shown = await self.authorization.may_find(by, package, survey and survey.head)
        if survey is None or not is_shown:
            return None
        return survey if any(e.state is State.LIVE for e in survey.entries) else None


def _live(found: Found) -> Offer | None:
    head, release = found.head, found.release
    if head is None or release is None or release.state is not State.LIVE:
        return None
    return Offer(head, release)
