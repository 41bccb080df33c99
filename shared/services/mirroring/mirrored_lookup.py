"""Lookup of packages for clients: those stored here, and those of the upstream.

What is stored is found first and costs what ours costs. The upstream is asked only for packages
whose organization is not ours; of what it has, only a pull fetches the archive.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from shared.domain.errors.base import InvalidName, NotFound
from shared.domain.errors.mirroring import UpstreamReleaseRefused, UpstreamUnavailable
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.errors.requests import TooManyRequests
from shared.domain.identity import Principal
from shared.domain.listings import Listing
from shared.domain.mirroring import UpstreamPackage, without_refused
from shared.domain.names import Coordinate, OrgName, Package, parse_tool_id
from shared.domain.packages import State, Survey, Visibility
from shared.domain.resolution import usable_versions
from shared.domain.versions import ANY_CLIENT, ClientProfile, Range, Version
from shared.ports import PackageReader
from shared.services.mirroring.admission import Admission
from shared.services.mirroring.catalogue import UpstreamCatalogue
from shared.services.mirroring.name_owners import OURS
from shared.services.mirroring.refreshing import Refreshing
from shared.services.mirroring.upstream_questions import Asker
from shared.services.mirroring.upstream_reader import UpstreamReader
from shared.services.mirroring.version_lists import VersionLists
from shared.services.packages.packages import AvailableRelease, PackageLookup

VERSIONS_TRIED = 3  # Of a range, after the one that the upstream chose is refused here.

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReleasePreview:
    """A release that is not stored, and the versions of its package; the newest alone if the
    upstream did not answer, as `is_current` says."""

    listing: Listing
    versions: tuple[Version, ...]
    is_current: bool = True


@dataclass(frozen=True)
class MirroredLookup:
    """A `PackageLookup` for one request, that also finds what the upstream has.

    Every method also raises `UpstreamUnavailable` for what is not stored, `UpstreamReleaseRefused`
    and `TooManyRequests`.
    """

    local: PackageLookup
    records: PackageReader
    reader: UpstreamReader
    admission: Admission
    refreshing: Refreshing
    lists: VersionLists
    catalogue: UpstreamCatalogue
    asker: Asker

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        """Return a release that is stored, fetched now if need be; raise as
        `PackageLookup.find` does."""
        if isinstance(wanted, Version):
            return await self._find_exact(package.at(wanted), by)
        local = partial(self.local.find, package, wanted, client=client, by=by)
        theirs = partial(self._fetched_latest, package, wanted, client, by)
        found = await self._theirs_or_local(package, theirs, local)
        return await self._with_archive(found, by)

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return a release with its documentation, as the upstream describes it if it is not
        stored; raise as `PackageLookup.describe` does."""
        if isinstance(wanted, Version):
            return await self._describe_exact(package.at(wanted), by)
        local = partial(self.local.describe, package, wanted, client=client, by=by)
        theirs = partial(self._described_latest, package, wanted, client, by)
        return await self._theirs_or_local(package, theirs, local)

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> tuple[Version, ...]:
        """Return the versions that the client can use, those that the upstream removed included;
        in the order and with the refusals of `PackageLookup.versions`."""
        local = partial(self.local.versions, package, client=client, by=by)
        theirs = partial(self._all_versions, package, client)
        return await self._theirs_or_local(package, theirs, local)

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package with all its entries, those of the upstream included: a complete list
        or none. Raises as `PackageLookup.survey` does, and `VersionsIncomplete`."""
        if await self.reader.may_ask(package, self.asker):
            [stored] = await self.records.survey([package])
            if stored and not self.asker.may_see(stored.head):
                stored = None
            if stored is None or stored.head.visibility is not Visibility.PRIVATE:
                found = await self.lists.survey(package, stored, self.asker)
                if found and found.live:
                    return found
        return await self.local.survey(package, by=by)

    async def preview(
        self, package: Package, wanted: Version | Range, *, by: Principal
    ) -> ReleasePreview:
        """Return a release as `describe` does, with the versions of its package; from the catalogue
        if the upstream does not answer."""
        try:
            listing = await self.describe(package, wanted, client=ANY_CLIENT, by=by)
            versions = await self.versions(package, client=ANY_CLIENT, by=by)
        except (UpstreamUnavailable, TooManyRequests):
            known = await self.catalogue.listing(package, wanted)
            if known is None:
                raise
            return ReleasePreview(known, (known.release.coordinate.version,), is_current=False)
        return ReleasePreview(listing, versions)

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release of the package that has the tool, which is stored now if need be;
        raise as `PackageLookup.find_tool` does.

        The request is the first one of a pull, whose second one asks for the archive by its
        address.
        """
        package = await self.tool_owner(tool)
        if package is None:
            return await self.local.find_tool(tool, wanted, client=client, by=by)
        found = await self.find(package, wanted, client=client, by=by)
        if tool not in found.release.tools:
            return await self.local.find_tool(tool, wanted, client=client, by=by)
        return await self.describe(
            found.head.package, found.release.coordinate.version, client=client, by=by
        )

    async def tool_owner(self, tool: str) -> Package | None:
        """Return the package of an upstream that has the tool; None if it is ours, or nobody's.

        A tool of ours is never looked for at an upstream.
        """
        stored = await self.reader.stored_tool_owner(tool, self.records, self.asker)
        if stored is not None:
            return stored if await self.reader.may_ask(stored, self.asker) else None
        known = await self.catalogue.tool_owner(tool)
        if known is not None:
            return known if await self.reader.may_ask(known, self.asker) else None
        try:
            named = parse_tool_id(tool)
        except InvalidName:
            return None
        # Tools are often named as their organization, and that of ours is not told to others.
        is_ours = await self.reader.owners.owner(OrgName(named)) == OURS
        return None if is_ours else await self.reader.tool_owner(named, self.asker)

    async def _theirs_or_local(
        self,
        package: Package,
        theirs: Callable[[], Awaitable[T | None]],
        local: Callable[[], Awaitable[T]],
    ) -> T:
        """Return the upstream's result, or the stored one if it does not answer."""
        if not await self.reader.may_ask(package, self.asker):
            return await local()
        try:
            found = await theirs()
        except (UpstreamUnavailable, UpstreamReleaseRefused) as failure:
            try:
                return await local()
            except NotFound:
                raise failure from None
        return await local() if found is None else found

    async def _find_exact(self, coordinate: Coordinate, by: Principal) -> AvailableRelease:
        package, version = coordinate.package, coordinate.version
        find = partial(self.local.find, package, version, client=ANY_CLIENT, by=by)
        try:
            found = await find()
        except ReleaseNotFound:
            if not await self.reader.may_ask(package, self.asker):
                raise
            if not await self.admission.admit(coordinate, self.asker):
                raise
            return await find()
        self.refreshing.refresh(found.release)
        return await self._with_archive(found, by)

    async def _with_archive(self, found: AvailableRelease, by: Principal) -> AvailableRelease:
        """Return the release after its archive was brought back, if the quota dropped it."""
        if not found.release.is_dropped:
            return found
        coordinate = found.release.coordinate
        package, version = coordinate.package, coordinate.version
        await self.admission.bring_back(coordinate, self.asker)
        return await self.local.find(package, version, client=ANY_CLIENT, by=by)

    async def _fetched_latest(
        self, package: Package, wanted: Range, client: ClientProfile, by: Principal
    ) -> AvailableRelease | None:
        """Return the version that the upstream chose, or else the best one that is not refused."""
        chosen = await self.reader.latest(package, wanted, client, self.asker)
        if chosen is None:
            return None
        try:
            return await self._find_exact(package.at(chosen), by)
        except (UpstreamReleaseRefused, NotFound) as refusal:
            others = [
                each
                for each in await self._all_versions(package, client) or ()
                if wanted.contains(each) and each != chosen
            ]
            others.sort(key=lambda each: not each.is_stable)
            found = await self._first_found(package, others[:VERSIONS_TRIED], by)
            if found is None:
                raise refusal from None
            return found

    async def _first_found(
        self, package: Package, versions: list[Version], by: Principal
    ) -> AvailableRelease | None:
        for version in versions:
            try:
                return await self._find_exact(package.at(version), by)
            except (UpstreamReleaseRefused, NotFound):
                continue
        return None

    async def _describe_exact(
        self, coordinate: Coordinate, by: Principal, described: UpstreamPackage | None = None
    ) -> Listing:
        """Return the description of what is stored, or that of the upstream, asked for if it is
        not given."""
        package, version = coordinate.package, coordinate.version
        try:
            found = await self.local.describe(package, version, client=ANY_CLIENT, by=by)
        except ReleaseNotFound:
            if not await self.reader.may_ask(package, self.asker):
                raise
            stored = await self.records.find(coordinate)
            if stored.release is not None and self.asker.may_see(stored.head):
                raise  # It is withheld.
            described = described or await self.reader.describe(
                package, version, ANY_CLIENT, self.asker
            )
            is_withheld = stored.release is not None and stored.release.state is not State.LIVE
            if described is None or is_withheld:
                raise
            return described.listing
        self.refreshing.refresh(found.release)
        return found

    async def _described_latest(
        self, package: Package, wanted: Range, client: ClientProfile, by: Principal
    ) -> Listing | None:
        described = await self.reader.describe(package, wanted, client, self.asker)
        if described is None:
            return None
        return await self._describe_exact(described.coordinate, by, described)

    async def _all_versions(
        self, package: Package, client: ClientProfile
    ) -> tuple[Version, ...] | None:
        theirs = await self._accepted_versions(package, client)
        if theirs is None:
            return None
        [survey] = await self.records.survey([package])
        is_seen = survey is not None and self.asker.may_see(survey.head)
        ours = usable_versions(survey, client) if survey and is_seen else ()
        every = sorted({*theirs, *ours}, reverse=True)
        stable = next((each for each in every if each.is_stable), None)
        return tuple(sorted(every, key=lambda each: each != stable))

    async def _accepted_versions(
        self, package: Package, client: ClientProfile
    ) -> tuple[Version, ...] | None:
        """Return the upstream's versions without those that are refused here."""
        theirs = await self.reader.versions(package, client, self.asker)
        if theirs is None:
            return None
        return without_refused(theirs, await self.reader.pins.of_package(package))
