"""Stocktaking: what packages an organization has, private and withheld ones included."""

from dataclasses import dataclass

from shared.auth.authorization import Authorization
from shared.domain.errors import PackageNotFound
from shared.domain.identity import Principal, refusal_of, require
from shared.domain.language import EVERYTHING
from shared.domain.names import OrgName, Package
from shared.domain.package import Entry, Head, State, Survey
from shared.domain.rights import Action
from shared.domain.selection import newest
from shared.domain.version import Range
from shared.ports import MetadataStore
from shared.services.listing import packages_of

PACKAGES = 25  # Of one page: each is surveyed, withheld releases included.


@dataclass(frozen=True, slots=True)
class Stocked:
    """A package with everything that there is of it, whatever became of it."""

    survey: Survey

    @property
    def head(self) -> Head:
        """Return what holds for all versions."""
        return self.survey.head

    @property
    def newest(self) -> Entry | None:
        """Return the release that everybody is shown, or None where nothing is live."""
        return newest(self.survey, Range(), EVERYTHING)

    @property
    def held(self) -> int:
        """Return how many releases wait for a decision."""
        return sum(entry.state is State.HELD for entry in self.survey.entries)


@dataclass(frozen=True, slots=True)
class Stock:
    """Packages of an organization in order of name; `next` is after which name there are more."""

    packages: tuple[Stocked, ...]
    next: str = ""


@dataclass(frozen=True, slots=True)
class Stocktaking:
    """Reads what an organization has."""

    authorization: Authorization
    metadata: MetadataStore

    async def packages(self, org: OrgName, after: str = "", *, by: Principal) -> Stock:
        """Return a page of the packages whose names come after one; members may ask. Three trips.

        Raises `OrganizationNotFound` for everybody else.
        """
        await self.authorization.require_within(by, Action.READ, org)
        packages, more = await packages_of(self.metadata, org, after, PACKAGES)
        surveys = await self.metadata.survey(packages)
        return Stock(tuple(Stocked(each) for each in surveys if each), more)

    async def package(self, package: Package, *, by: Principal) -> Stocked:
        """Return a package with all its versions to those who may deprecate it. Two trips.

        Raises `OrganizationNotFound` for those who do not belong to its organization, and
        `PackageNotFound`.
        """
        standing = await self.authorization.require_belonging(by, package.org)
        require(by, standing, Action.DEPRECATE, package)
        [survey] = await self.metadata.survey([package])
        if survey is None:
            raise PackageNotFound(package)
        return Stocked(survey)

    async def may_manage(self, package: Package, *, by: Principal) -> bool:
        """Say whether there is something for `by` to decide about the package. One trip."""
        standing = await self.authorization.standing(by, package.org)
        return refusal_of(by, standing, Action.DEPRECATE, package) is None
