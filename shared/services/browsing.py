"""Browsing: reading packages for clients that send credentials only when they are asked to.

Maven clients send their first request without credentials, and send them only after a 401. So an
anonymous request that finds nothing is told that credentials are wanted, in every organization that
has private packages, whether what it asked for exists or not. docs/decisions/0006 says why.
"""

import asyncio
from dataclasses import dataclass, replace

from shared.domain.errors import (
    CredentialsWanted,
    NotFound,
    PackageNotFound,
    Refusal,
    ReleaseNotFound,
    SbomNotFound,
    ToolNotFound,
)
from shared.domain.identity import Principal
from shared.domain.language import EVERYTHING, ClientProfile
from shared.domain.names import Coordinate, OrgName, Package, ToolId
from shared.domain.package import Survey
from shared.domain.query import ANYONE, Page, Query, Viewer
from shared.domain.selection import usable_entries
from shared.ports import DocumentStore, SearchIndex
from shared.services.pulling import Offer, Pulling

_COUNT_ALONE = Page(limit=0)


@dataclass(frozen=True)
class Browsing:
    """Reads packages; raises `CredentialsWanted` where a token may show an anonymous caller more.

    Reading what is there costs nothing beside what `Pulling` costs. Only an anonymous request that
    found nothing asks the search index, and no store, so that the cost tells nothing either.
    """

    pulling: Pulling
    documents: DocumentStore
    index: SearchIndex

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package with its entries, or raise `PackageNotFound`."""
        try:
            return await self.pulling.survey(package, by=by)
        except PackageNotFound as missing:
            raise await self._told(missing, package, package.org, by) from None

    async def release(self, coordinate: Coordinate, *, by: Principal) -> Offer:
        """Return one version, or raise `ReleaseNotFound`."""
        package, version = coordinate.package, coordinate.version
        try:
            return await self.pulling.find(package, version, client=EVERYTHING, by=by)
        except ReleaseNotFound as missing:
            raise await self._told(missing, coordinate, package.org, by) from None

    async def tool(self, tool: ToolId, *, client: ClientProfile, by: Principal) -> Survey:
        """Return the package of a tool with the versions of it that the client can use.

        Raises `ToolNotFound` when there is none.
        """
        try:
            return await self._tool(tool, client, by)
        except NotFound:
            # A tool's id says nothing of its organization, so any private package counts.
            raise await self._told(ToolNotFound(tool), f"The tool {tool}", None, by) from None

    async def graph(self, offer: Offer) -> bytes:
        """Return the dependency graph of a release as it is stored: JSON."""
        [graph] = await self.documents.graphs([offer.release.content])
        return graph

    async def sbom(self, offer: Offer) -> bytes:
        """Return the bill of materials that was published with a release."""
        content = await self.documents.sbom(offer.release.content)
        if content is None:
            raise SbomNotFound(offer.release.coordinate)
        return content

    async def _tool(self, tool: ToolId, client: ClientProfile, by: Principal) -> Survey:
        survey = await self.pulling.survey(await self.pulling.owner(tool), by=by)
        entries = tuple(each for each in usable_entries(survey, client) if tool in each.tools)
        if not entries:
            raise ToolNotFound(tool)
        return replace(survey, entries=entries)

    async def _told(
        self, missing: NotFound, what: object, org: OrgName | None, by: Principal
    ) -> Refusal:
        """Return what the caller is told of something that it cannot find."""
        if by.is_anonymous and await self._has_private(org):
            return CredentialsWanted(what)
        return missing

    async def _has_private(self, org: OrgName | None) -> bool:
        """Say whether the organization, or any if None, has a package that not everybody sees."""
        query = Query(include_deprecated=True)
        if org is not None:
            query = query.within(frozenset({org}))
        every, public = await asyncio.gather(
            self.index.search(query, _COUNT_ALONE, Viewer(sees_everything=True)),
            self.index.search(query, _COUNT_ALONE, ANYONE),
        )
        return every.count > public.count
