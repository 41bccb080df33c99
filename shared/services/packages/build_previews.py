"""Which versions a build would take of some packages, and of all that they depend on."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

import orjson
from msgspec import Struct

from shared.domain.build_resolution import PackageRequest, ResolvedPackage
from shared.domain.coordinates import Package
from shared.domain.distributions import ClientProfile
from shared.domain.packages import Survey
from shared.domain.principals import Principal
from shared.domain.versions import Version
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.source import PackageSource

MOST_NEEDED = 500  # Dependencies of the packages that are resolved.

_OF_LANGUAGE = "0.0.0"  # The version of packages that are part of the language.
_Node = tuple[str, str, str]  # The organization, the name and the version in a graph.


class TakenPackage(Struct, frozen=True):
    """A package that a build would take, named as it was requested; `is_direct` if it was requested
    and is not only a dependency."""

    name: str
    version: Version
    is_direct: bool
    deprecation: str | None


class BuildPreview(Struct, frozen=True):
    """What a build would take, once for each version, and the requests that it cannot fulfil.

    `is_complete` is false if there are more dependencies than are resolved.
    """

    taken: tuple[TakenPackage, ...]
    unresolved: tuple[PackageRequest, ...]
    users: Mapping[_Node, Sequence[str]]  # The packages that need each dependency.
    is_complete: bool

    @property
    def has_two_versions(self) -> bool:
        """Whether two versions of one package are taken, which a build refuses."""
        return len({each.name.lower() for each in self.taken}) < len(self.taken)

    def users_of(self, request: PackageRequest) -> Sequence[str]:
        """Return the packages that need what was requested; none if the caller requested it."""
        return self.users.get((request.org, request.name, request.version), ())


class UnresolvedReason(Enum):
    """Why a build cannot take a package, as far as the caller may know."""

    NO_PACKAGE = "no-package"
    NO_VERSION = "no-version"
    WITHDRAWN = "withdrawn"
    NO_FITTING_VERSION = "no-fitting-version"


class BuildPreviews(Struct, frozen=True):
    """Resolves packages as a build does, and says why some cannot be resolved."""

    hosted: HostedPackages

    async def preview(
        self,
        requests: Sequence[PackageRequest],
        source: PackageSource,
        *,
        client: ClientProfile,
        by: Principal,
    ) -> BuildPreview:
        """Return what a build would take of the requests, and of what the graphs of those
        releases name."""
        direct = await source.resolve_packages(requests, client=client, by=by)
        users = dict[_Node, dict[str, None]]()
        # Reading all of what 25 packages need could take half a second.
        for each in direct.resolved:
            for node, user in _needed(each) if len(users) <= MOST_NEEDED else ():
                users.setdefault(node, {})[user] = None
        needed = await source.resolve_packages(
            [PackageRequest.of(*each) for each in sorted(users)[:MOST_NEEDED]], client=client, by=by
        )
        taken = dict[tuple[str, str], TakenPackage]()
        for is_direct, found in ((True, direct), (False, needed)):
            for each in found.resolved:
                name = f"{each.request.org}/{each.request.name}"
                package = TakenPackage(name, each.version, is_direct, each.deprecation)
                taken.setdefault((name.lower(), each.version.text), package)
        return BuildPreview(
            tuple(taken.values()),
            tuple(dict.fromkeys((*direct.unresolved, *needed.unresolved))),
            {node: tuple(names) for node, names in users.items()},
            is_complete=len(users) <= MOST_NEEDED,
        )

    async def reasons(
        self, requests: Sequence[PackageRequest], *, by: Principal
    ) -> list[UnresolvedReason]:
        """Return why each request cannot be fulfilled, in their order."""
        packages = [Package.parse(each.org, each.name) for each in requests if each.wanted]
        surveys = await self.hosted.visible(packages, by=by)
        return [
            _reason(surveys.get(f"{each.org}/{each.name}".lower()), each.version)
            for each in requests
        ]


def _reason(survey: Survey | None, version: str) -> UnresolvedReason:
    # One that waits, such as a staged release, does not exist for anybody.
    known = [each for each in survey.entries if each.is_known] if survey else []
    if not known:
        return UnresolvedReason.NO_PACKAGE
    entry = next((each for each in known if each.version == version), None)
    if version and entry is None:
        return UnresolvedReason.NO_VERSION
    if entry is not None and entry.is_publicly_withheld:
        return UnresolvedReason.WITHDRAWN
    return UnresolvedReason.NO_FITTING_VERSION


def _needed(found: ResolvedPackage) -> Iterator[tuple[_Node, str]]:
    """Yield the packages of a graph but its root, without those that are part of the language,
    each with a package that depends on it."""
    graph = orjson.loads(found.graph)
    users = dict[tuple[str, str], list[str]]()
    for each in graph:
        for needed in each.get("dependencies") or ():
            user = f"{each['org']}/{each['name']}:{each['version']}"
            users.setdefault((needed["org"], needed["name"]), []).append(user)
    root = f"{found.request.org}/{found.request.name}:{found.version.text}"
    for each in graph[1:]:
        if each["version"] != _OF_LANGUAGE:
            node = each["org"], each["name"], each["version"]
            for user in users.get(node[:2]) or [root]:
                yield node, user
