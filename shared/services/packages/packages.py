"""Packages: the release that a client gets, the packages of an organization, deprecation and
visibility.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.auth.authorization import Authorization
from shared.domain.access import refusal_of, require_right
from shared.domain.errors.base import NotFound
from shared.domain.errors.packages import (
    MessageTooLong,
    NotMadeInternal,
    PackageIsDeprecated,
    PackageNotFound,
    ReleaseNotFound,
    ToolNotFound,
    ToolVersionNotFound,
    VisibilityOfUpstream,
)
from shared.domain.identity import Principal
from shared.domain.listings import Listing
from shared.domain.names import NO_PACKAGE, Coordinate, OrgName, Package
from shared.domain.packages import (
    FoundRelease,
    Head,
    Release,
    ReleaseEntry,
    State,
    Survey,
    Visibility,
    effective_deprecation,
)
from shared.domain.releases import Changeable, with_change
from shared.domain.resolution import latest, usable_versions
from shared.domain.rights import Action
from shared.domain.versions import ANY_CLIENT, ClientProfile, Range, Version
from shared.ports import Clock, DocumentStore, MetadataStore, PackageReader
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.records import organization_package_page


@dataclass(frozen=True, slots=True)
class AvailableRelease:
    """A live release that the caller may see, with its package."""

    head: Head
    release: Release

    @property
    def deprecation(self) -> str | None:
        return effective_deprecation(self.head, self.release.deprecation)


class SurveyReader(Protocol):
    """Reads packages with their entries, as `PackageLookup` does, or with those of the upstream."""

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package, or raise `PackageNotFound`."""
        ...


@dataclass(frozen=True)
class PackageLookup:
    """Finds packages and releases that the caller may see."""

    authorization: Authorization
    records: PackageReader
    documents: DocumentStore

    async def find(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> AvailableRelease:
        """Return the exact version, or the latest of the range that the client can use.

        Raises the same `ReleaseNotFound` for a release that is missing, hidden or withheld.
        """
        if isinstance(wanted, Range):
            available = await self._latest(package, wanted, client, by)
        else:
            available = await self._exact(package, wanted, by)
        if available is None:
            raise ReleaseNotFound(package, wanted)
        return available

    async def describe(
        self, package: Package, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the release with its documentation; raise as `find` does."""
        return await self._listing(await self.find(package, wanted, client=client, by=by))

    async def find_tool(
        self, tool: str, wanted: Version | Range, *, client: ClientProfile, by: Principal
    ) -> Listing:
        """Return the exact version of the tool, or the latest of the range that contains it.

        Raises `ToolNotFound`, or `ToolVersionNotFound` where other versions have it.
        """
        owner = await self.tool_owner(tool)
        if isinstance(wanted, Range):
            available = await self._latest(owner, wanted, client, by, tool=tool)
        else:
            available = await self._exact(owner, wanted, by)
        if available is None or tool not in available.release.tools:
            raise await self._missing_tool(owner, tool, wanted, client=client, by=by)
        return await self._listing(available)

    async def _missing_tool(
        self,
        owner: Package,
        tool: str,
        wanted: Version | Range,
        *,
        client: ClientProfile,
        by: Principal,
    ) -> NotFound:
        """Return the refusal for a tool; a hidden one costs what a missing one costs."""
        survey = await self._survey(owner, by)
        versions = usable_versions(survey.with_tool(tool), client) if survey else ()
        if not versions:
            return ToolNotFound(tool)
        return ToolVersionNotFound(tool, wanted, tuple(each.text for each in versions))

    async def versions(
        self, package: Package, *, client: ClientProfile, by: Principal
    ) -> tuple[Version, ...]:
        """Return the versions that the client can use, newest first, deprecated ones included. The
        newest release comes before pre-releases of a higher number, because clients take the
        first.

        Raises as `survey` does.
        """
        versions = usable_versions(await self.survey(package, by=by), client)
        stable = next((each for each in versions if each.is_stable), None)
        return tuple(sorted(versions, key=lambda each: each != stable))

    async def survey(self, package: Package, *, by: Principal) -> Survey:
        """Return the package with all its entries, whatever their state.

        Raises the same `PackageNotFound` for a package that is missing, hidden or has no live
        release.
        """
        survey = await self._survey(package, by)
        if survey is None:
            raise PackageNotFound(package)
        return survey

    async def survey_with_withheld(
        self, package: Package, *versions: Coordinate, by: Principal
    ) -> Survey | None:
        """Return the package also if all of its releases are withheld, with these versions of it if
        they were published; None for a package that is missing or hidden."""
        [survey] = await self.records.survey([package], versions)
        is_visible = await self.authorization.may_find(by, package, survey and survey.head)
        return survey if is_visible else None

    async def tool_owner(self, tool: str) -> Package:
        """Return the package that owns the tool, visible or not.

        For a free tool that is `NO_PACKAGE`: looking for it costs what looking for a hidden package
        costs.
        """
        [owner] = await self.records.tool_owners([tool])
        return owner or NO_PACKAGE

    async def _exact(
        self, package: Package, version: Version, by: Principal
    ) -> AvailableRelease | None:
        found = await self.records.find(package.at(version))
        is_visible = await self.authorization.may_find(by, package, found.head)
        return _live(found) if is_visible else None

    async def _listing(self, available: AvailableRelease) -> Listing:
        texts = await self.documents.texts(available.release.content)
        return Listing(available.head, available.release, texts)

    async def _latest(
        self,
        package: Package,
        wanted: Range,
        client: ClientProfile,
        by: Principal,
        *,
        tool: str | None = None,
    ) -> AvailableRelease | None:
        survey = await self._survey(package, by)
        if survey and tool is not None:
            survey = survey.with_tool(tool)
        entry = latest(survey, wanted, client) if survey else None
        return _live(await self.records.find(package.at(entry.parsed))) if entry else None

    async def _survey(self, package: Package, by: Principal) -> Survey | None:
        """Return the package if `by` may see it and it has a live release."""
        survey = await self.survey_with_withheld(package, by=by)
        is_live = survey is not None and any(e.state is State.LIVE for e in survey.entries)
        return survey if is_live else None


def _live(found: FoundRelease) -> AvailableRelease | None:
    head, release = found.head, found.release
    if head is None or release is None or release.state is not State.LIVE:
        return None
    return AvailableRelease(head, release)


PACKAGES_ON_A_PAGE = 25  # Each is surveyed.


@dataclass(frozen=True, slots=True)
class ManagedPackage:
    """A package with all its releases, withheld ones included."""

    survey: Survey

    @property
    def head(self) -> Head:
        return self.survey.head

    @property
    def latest(self) -> ReleaseEntry | None:
        """The latest release, or None if none is live."""
        return latest(self.survey, Range(), ANY_CLIENT)

    @property
    def held_count(self) -> int:
        return sum(entry.state is State.HELD for entry in self.survey.entries)


@dataclass(frozen=True, slots=True)
class ManagedPackagePage:
    """Packages of an organization in order of name, and the name after which there are more."""

    packages: tuple[ManagedPackage, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class OrganizationPackages:
    """Reads the packages of an organization for its members."""

    authorization: Authorization
    metadata: MetadataStore

    async def page(self, org: OrgName, after: str = "", *, by: Principal) -> ManagedPackagePage:
        """Return a page of the packages whose names come after one. Three trips.

        Raises `OrganizationNotFound` unless `by` is a member.
        """
        await self.authorization.require_within(by, Action.READ, org)
        packages, more = await organization_package_page(
            self.metadata, org, after, PACKAGES_ON_A_PAGE
        )
        surveys = await self.metadata.survey(packages)
        return ManagedPackagePage(tuple(ManagedPackage(each) for each in surveys if each), more)

    async def package(self, package: Package, *, by: Principal) -> ManagedPackage:
        """Return a package with all its versions to members who may deprecate it. Two trips.

        Raises `OrganizationNotFound` for everybody else, and `PackageNotFound`.
        """
        access = await self.authorization.require_member(by, package.org)
        require_right(by, access, Action.DEPRECATE, package)
        [survey] = await self.metadata.survey([package])
        if survey is None:
            raise PackageNotFound(package)
        return ManagedPackage(survey)

    async def may_manage(self, package: Package, *, by: Principal) -> bool:
        """Check whether `by` may deprecate the package. One trip."""
        access = await self.authorization.access_context(by, package.org)
        return refusal_of(by, access, Action.DEPRECATE, package) is None


MAX_MESSAGE_LENGTH = 500  # Characters: the message travels in a header of every pull.


@dataclass(frozen=True)
class Deprecation:
    """Deprecates releases and packages, and undoes that."""

    authorization: Authorization
    records: PackageRecordWriter
    clock: Clock

    async def deprecate(self, coordinate: Coordinate, message: str, *, by: Principal) -> Release:
        """Deprecate one version, with a message for its users; a repeat replaces the message."""
        text = _message(message)
        return await self._change_release(coordinate, lambda _head, _release: text, by)

    async def undeprecate(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Undeprecate one version; raise `PackageIsDeprecated` if all of the package is."""

        def no_message(head: Head, release: Release) -> None:
            if head.deprecation is not None and release.deprecation is None:
                raise PackageIsDeprecated(coordinate)

        return await self._change_release(coordinate, no_message, by)

    async def deprecate_package(self, package: Package, message: str, *, by: Principal) -> Head:
        """Deprecate every version of the package, future ones included."""
        return await self._change_package(package, _message(message), by)

    async def undeprecate_package(self, package: Package, *, by: Principal) -> Head:
        """Undeprecate the package; versions that were deprecated by themselves stay deprecated."""
        return await self._change_package(package, None, by)

    async def _change_release(
        self,
        coordinate: Coordinate,
        message_for: Callable[[Head, Release], str | None],
        by: Principal,
    ) -> Release:
        await self.authorization.require(by, Action.DEPRECATE, coordinate.package)

        def decide(head: Head, release: Release) -> Release:
            if release.state is not State.LIVE:
                raise ReleaseNotFound(coordinate.package, coordinate.version)
            return self._with_message(release, message_for(head, release), by)

        return await self.records.change_release(coordinate, decide)

    async def _change_package(self, package: Package, message: str | None, by: Principal) -> Head:
        await self.authorization.require(by, Action.DEPRECATE, package)
        try:
            return await self.records.change_package(
                package, lambda head: self._with_message(head, message, by)
            )
        except PackageNotFound:
            raise ReleaseNotFound(package, "*") from None

    def _with_message(self, record: Changeable, message: str | None, by: Principal) -> Changeable:
        """Return the record with the message, or without one, and the event of that change."""
        if message == record.deprecation:
            return record
        what = "release" if isinstance(record, Release) else "package"
        kind = f"{what}.{'undeprecated' if message is None else 'deprecated'}"
        return with_change(record, kind, by=by, now_ms=self.clock.now_ms(), deprecation=message)


def _message(text: str) -> str:
    """Return the message as one line without control characters, or raise `MessageTooLong`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > MAX_MESSAGE_LENGTH:
        raise MessageTooLong(len(line), MAX_MESSAGE_LENGTH)
    return line


@dataclass(frozen=True)
class PackageVisibility:
    """Makes packages public, or private to the members of their organization."""

    authorization: Authorization
    records: PackageRecordWriter
    clock: Clock

    async def change(self, package: Package, wanted: Visibility, *, by: Principal) -> Head:
        """Make the package public or private, in search and index too; a repeat changes nothing.

        Takes an owner who signed in recently. Raises `PackageNotFound`, `NotMadeInternal`, and
        `VisibilityOfUpstream` for an internal package.
        """
        await self.authorization.require_within(by, Action.GOVERN, package)
        if wanted is Visibility.INTERNAL:
            raise NotMadeInternal

        def decide(head: Head) -> Head:
            if head.visibility is Visibility.INTERNAL:
                raise VisibilityOfUpstream(head.package, head.upstream)
            if head.visibility is wanted:
                return head
            kind, now_ms = f"package.{wanted.value}", self.clock.now_ms()
            return with_change(head, kind, by=by, now_ms=now_ms, visibility=wanted)

        return await self.records.change_package(package, decide)
