"""Packages: the release that a client gets, the packages of an organization, deprecation and
visibility.
"""

from collections.abc import Callable

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.coordinates import Coordinate, Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.base import Conflict, Invalid
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound
from shared.domain.names import OrgName
from shared.domain.packages import Head, Release, ReleaseEntry, State, Survey, Visibility
from shared.domain.principals import Principal
from shared.domain.reasons import reason_for_change
from shared.domain.releases import Changeable, with_change
from shared.domain.rights import refusal_of
from shared.domain.scopes import Action
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.ports.metadata import MetadataStore
from shared.ports.system import Clock
from shared.services.identity.mail import DecisionMail
from shared.services.packages.derived_data import PackageRecordWriter
from shared.services.records import organization_package_page

PACKAGES_ON_A_PAGE = 25  # Each is surveyed.


class ManagedPackage(Struct, frozen=True):
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


class ManagedPackagePage(Struct, frozen=True):
    """Packages of an organization in order of name, and the name after which there are more."""

    packages: tuple[ManagedPackage, ...]
    next: str = ""


class OrganizationPackages(Struct, frozen=True):
    """Reads the packages of an organization for its members."""

    authorization: Authorization
    metadata: MetadataStore

    async def page(self, org: OrgName, after: str = "", *, by: Principal) -> ManagedPackagePage:
        """Return a page of the packages whose names come after one. Three trips.

        Raises `organization-not-found` unless `by` is a member.
        """
        await self.authorization.require_within(by, Action.READ, org)
        packages, more = await organization_package_page(
            self.metadata, org, after, PACKAGES_ON_A_PAGE
        )
        surveys = await self.metadata.survey(packages)
        return ManagedPackagePage(tuple(ManagedPackage(each) for each in surveys if each), more)

    async def package(self, package: Package, *, by: Principal) -> ManagedPackage:
        """Return a package with all its versions to members who may deprecate it. Two trips.

        Raises `organization-not-found` for everybody else, and `PackageNotFound`.
        """
        await self.authorization.require_reading(by, Action.DEPRECATE, package)
        [survey] = await self.metadata.survey([package])
        if survey is None:
            raise PackageNotFound(package)
        return ManagedPackage(survey)

    async def may_manage(self, package: Package, *, by: Principal) -> bool:
        """Check whether `by` may deprecate the package. One trip."""
        access = await self.authorization.access_context(by, package.org)
        return refusal_of(by, access.for_reading, Action.DEPRECATE, package) is None


MAX_MESSAGE_LENGTH = 500  # Characters: the message travels in a header of every pull.


class Deprecation(Struct, frozen=True):
    """Deprecates releases and packages, and undoes that."""

    authorization: Authorization
    records: PackageRecordWriter
    clock: Clock

    async def deprecate(self, coordinate: Coordinate, message: str, *, by: Principal) -> Release:
        """Deprecate one version, with a message for its users; a repeat replaces the message."""
        text = _message(message)
        return await self._change_release(coordinate, lambda _head, _release: text, by)

    async def undeprecate(self, coordinate: Coordinate, *, by: Principal) -> Release:
        """Undeprecate one version; raise `package-is-deprecated` if all of the package is."""

        def no_message(head: Head, release: Release) -> None:
            if head.deprecation is not None and release.deprecation is None:
                raise Invalid(
                    "package-is-deprecated",
                    f"{coordinate.package} is deprecated as a whole, and {coordinate} with it. "
                    f"Undo that first: bal deprecate --undo {coordinate.package}.",
                )

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
    """Return the message as one line without control characters, or raise `message-too-long`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > MAX_MESSAGE_LENGTH:
        raise Invalid(
            "message-too-long",
            f"The deprecation message has {len(line)} characters, and {MAX_MESSAGE_LENGTH} fit. "
            "Shorten it, and point to a page for the rest.",
        )
    return line


class PackageVisibility(Struct, frozen=True):
    """Makes packages public, internal, or private to the members of their organization."""

    authorization: Authorization
    records: PackageRecordWriter
    decision_mail: DecisionMail
    clock: Clock

    async def change(
        self, package: Package, wanted: Visibility, *, by: Principal, reason: str = ""
    ) -> Head:
        """Change who may see the package, in search and index too; a repeat changes nothing.

        Only an owner who signed in recently may do this. Administrators who do not own the
        organization give a `reason` if fewer people may see the package afterwards. Raises
        `PackageNotFound`, and `visibility-of-upstream` for a package that an upstream makes
        internal or could.
        """
        access = await self.authorization.require_within(by, Action.GOVERN, package)
        said = ""

        def decide(head: Head) -> Head:
            nonlocal said
            if head.upstream and Visibility.INTERNAL in (head.visibility, wanted):
                raise Conflict(
                    "visibility-of-upstream",
                    f"The upstream registry {head.upstream} decides whether {head.package} is "
                    "public or internal, so this is not changed here. It is internal while "
                    f"{head.upstream} gives it for its token alone.",
                )
            if head.visibility is wanted:
                return head
            if wanted.is_narrower_than(head.visibility):
                said = reason_for_change(by, access, reason, f"making {package} {wanted.value}")
            kind = f"package.{wanted.value}"
            now_ms = self.clock.now_ms()
            return with_change(head, kind, by=by, now_ms=now_ms, reason=said, visibility=wanted)

        head = await self.records.change_package(package, decide)
        if said:
            what = f"{package} is {wanted.value}"
            await self.decision_mail.send_if_from_outside(by, access, what, said)
        return head
