"""The packages of an organization, as those see them who manage them."""

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import refusal_of
from shared.domain.coordinates import Package
from shared.domain.distributions import ANY_CLIENT
from shared.domain.errors.packages import PackageNotFound
from shared.domain.names import OrgName
from shared.domain.packages import Head, ReleaseEntry, Survey
from shared.domain.principals import Principal
from shared.domain.release_states import State
from shared.domain.scopes import Action
from shared.domain.version_choice import latest
from shared.domain.versions import Range
from shared.ports.metadata import MetadataStore
from shared.services.list_pages import organization_package_page

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
        """Return a page of the packages whose names come after one. Takes three round trips to
        the store.

        Raises `organization-not-found` unless `by` is a member.
        """
        await self.authorization.require_in_organization(by, Action.READ, org)
        packages, more = await organization_package_page(
            self.metadata, org, after, PACKAGES_ON_A_PAGE
        )
        surveys = await self.metadata.survey(packages)
        return ManagedPackagePage(tuple(ManagedPackage(each) for each in surveys if each), more)

    async def package(self, package: Package, *, by: Principal) -> ManagedPackage:
        """Return a package with all its versions to members who may deprecate it. Takes two
        round trips to the store.

        Raises `NotPermitted` for other members, `organization-not-found` for everybody else, and
        `PackageNotFound`.
        """
        await self.authorization.require_to_read(by, Action.DEPRECATE, package)
        [survey] = await self.metadata.survey([package])
        if survey is None:
            raise PackageNotFound(package)
        return ManagedPackage(survey)

    async def may_manage(self, package: Package, *, by: Principal) -> bool:
        """Check whether `by` may deprecate the package. Takes one round trip to the store."""
        access = await self.authorization.access_context(by, package.org)
        return refusal_of(by, access.for_reading, Action.DEPRECATE, package) is None
