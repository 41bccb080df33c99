"""Checks whether an archive can become a release of its package. Pushes and dry runs make the same
ones.
"""

from collections.abc import Awaitable, Iterator

from msgspec import Struct

from shared.auth.authorization import Authorization
from shared.domain.access_rights import AccessContext
from shared.domain.archives.bala import Bala
from shared.domain.coordinates import Coordinate, Package
from shared.domain.errors.base import Conflict, Forbidden, Invalid, Refusal
from shared.domain.errors.packages import (
    SpelledDifferently,
    VersionSpelledDifferently,
    owned_by_upstream,
)
from shared.domain.packages import FoundRelease, Head
from shared.domain.principals import Principal
from shared.domain.release_states import PackageHold
from shared.ports.metadata import MetadataStore
from shared.services.organizations.typosquats import Typosquats
from shared.services.publishing.publishing_rights import PublishingRights
from shared.services.publishing.publishing_rules import DependencyCheck
from shared.services.tokens.trusted_publishers import check_tag


class Candidate(Struct, frozen=True):
    """An archive that `by` wants to publish, the access to its package, and what is stored under
    its coordinate."""

    bala: Bala
    found: FoundRelease
    access: AccessContext
    by: Principal

    @property
    def package(self) -> Package:
        return self.bala.coordinate.package


class CandidateChecks(Struct, frozen=True):
    """Checks candidates against the records of the registry. Nothing is written."""

    authorization: Authorization
    rights: PublishingRights
    metadata: MetadataStore
    dependency_check: DependencyCheck
    typosquats: Typosquats

    async def require(self, candidate: Candidate) -> None:
        """Raise unless the archive can become a release of its package."""
        for check in self._checks(candidate):
            await check

    async def refusals(self, candidate: Candidate) -> list[Refusal]:
        """Return all reasons why the archive cannot become a release of its package, whether or not
        its version is published."""
        refusals = list[Refusal]()
        for check in self._checks(candidate):
            try:
                await check
            except (Conflict, Forbidden, Invalid) as refusal:
                refusals.append(refusal)
        return refusals

    async def require_tool_owner(self, tool: str, owner: Package, candidate: Candidate) -> None:
        """Raise `tool-taken` unless the tool belongs to the package of the candidate."""
        if owner.key == candidate.package.key:
            return
        check = self.authorization.read_check(candidate.by)
        [survey] = await self.metadata.survey([owner], check=check)
        # Who publishes in its organization may know of a package whose releases all wait.
        is_own = owner.org.lower() == candidate.package.org.lower()
        is_seen = survey is not None and (is_own or survey.is_known)
        raise Conflict(
            "tool-taken",
            f"The tool id {tool} belongs to {(owner if is_seen else None) or 'another package'}. "
            "Choose another id in BalTool.toml.",
        )

    async def hold_of_new(
        self, package: Package, access: AccessContext, by: Principal
    ) -> PackageHold | None:
        """Return why a new package waits for administrators from its first push on, whoever may see
        it: a private one may become public."""
        if by.is_operator or access.is_administrator:
            return None
        organization = access.organization
        resembled = organization.resembles if organization else ""
        return await self.typosquats.hold_of(package, resembled)

    def _checks(self, candidate: Candidate) -> Iterator[Awaitable[None]]:
        """Yield each check; the caller awaits one before it takes the next."""
        yield self._check_tag(candidate)
        yield self._check_provenance(candidate)
        yield self.dependency_check.check(candidate.bala, candidate.by)
        yield self._check_names(candidate)
        if candidate.found.head:
            yield self._check_version(candidate.bala.coordinate)
        yield self._check_tools(candidate)

    async def _check_tag(self, candidate: Candidate) -> None:
        check_tag(candidate.bala.coordinate, candidate.by)

    async def _check_provenance(self, candidate: Candidate) -> None:
        self.rights.require_provenance(candidate.bala.coordinate, candidate.access, candidate.by)

    async def _check_names(self, candidate: Candidate) -> None:
        _check_org(candidate.package, candidate.access)
        if candidate.found.head:
            check_name(candidate.bala, candidate.found.head)

    async def _check_version(self, coordinate: Coordinate) -> None:
        """Raise if a version that differs only in upper and lower case is published. Two pushes at
        the same time are decided by the write."""
        version = coordinate.version
        if not version.has_letters:
            return
        [survey] = await self.metadata.survey([coordinate.package])
        versions = {each.version for each in survey.entries} if survey else set[str]()
        same = sorted(each for each in versions if each.lower() == version.key)
        if same and version.text not in same:
            raise VersionSpelledDifferently(coordinate, same[0])

    async def _check_tools(self, candidate: Candidate) -> None:
        tools = candidate.bala.tools
        owners = await self.metadata.tool_owners(tools) if tools else []
        for tool, owner in zip(tools, owners, strict=True):
            if owner is not None:
                await self.require_tool_owner(tool, owner, candidate)


def check_name(bala: Bala, head: Head) -> None:
    """Raise unless the package is ours, the archive spells its name as the first push did, and the
    archive does not ask for a narrower visibility than the package has."""
    if head.upstream:
        raise owned_by_upstream(head.org, head.upstream)
    if bala.coordinate.package != head.package:
        raise SpelledDifferently(bala.coordinate.package, head.package)
    if bala.visibility and bala.visibility.is_narrower_than(head.visibility):
        raise Invalid(
            "visibility-differs",
            f"{head.package} is {head.visibility.value}, but this archive says visibility = "
            f'"{bala.visibility.value}". Remove the line from Ballerina.toml, or push under '
            "another name.",
        )


def _check_org(package: Package, access: AccessContext) -> None:
    organization = access.organization
    if organization and organization.name != package.org:
        raise SpelledDifferently(package.org, organization.name)
    if organization and organization.upstream:
        raise owned_by_upstream(organization.name, organization.upstream)
