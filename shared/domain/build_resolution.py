"""The three resolve calls of a build: their requests, their answers, and which package holds a
module.

Answers repeat the words of a request, so requests keep them beside what was read from them.
Reading never fails: words that name nothing leave `wanted` at None, or `candidates` empty, and the
request is answered as unresolved.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Self
from urllib.parse import unquote

from msgspec import Struct
from msgspec.structs import replace

from shared.domain.archives.digests import Digest
from shared.domain.coordinates import Package
from shared.domain.distributions import ClientProfile
from shared.domain.errors.base import InvalidName, InvalidVersion
from shared.domain.names import (
    MAX_PACKAGE_LENGTH,
    PackageName,
    ToolId,
    parse_module_name,
    parse_org,
    parse_tool_id,
    possible_packages,
)
from shared.domain.packages import ReleaseEntry, Survey, effective_deprecation
from shared.domain.version_choice import ReleaseChoice, ResolutionMode
from shared.domain.versions import Version


class WantedPackage(Struct, frozen=True):
    """A package to choose a release of, and the requested version, if any."""

    package: Package
    version: Version | None = None


class PackageRequest(Struct, frozen=True):
    org: str
    name: str
    version: str
    mode: ResolutionMode
    wanted: WantedPackage | None

    @classmethod
    def of(cls, org: str, name: str, version: str | None = None, mode: str | None = None) -> Self:
        """Read a request; the version may be URL-encoded, empty or missing."""
        version = version or ""
        return cls(org, name, version, ResolutionMode.parse(mode), _wanted(org, name, version))


class ResolvedPackage(Struct, frozen=True):
    request: PackageRequest
    version: Version
    deprecation: str | None
    archive_digest: Digest
    graph: bytes = b"[]"  # JSON, as recorded in the archive.


class PackageAnswer(Struct, frozen=True):
    """The results of package requests; both lists are in the order of the requests."""

    resolved: tuple[ResolvedPackage, ...]
    unresolved: tuple[PackageRequest, ...]


class ModuleRequest(Struct, frozen=True):
    """A module that a source file imports, and the packages that may hold it, likeliest first."""

    organization: str
    module: str
    mode: ResolutionMode
    candidates: tuple[WantedPackage, ...]

    @classmethod
    def of(
        cls,
        organization: str,
        module: str,
        possible: Iterable[PackageRequest] = (),
        mode: str | None = None,
    ) -> Self:
        """Read a request; `possible` are the packages that the build knows already.

        Unreadable ones and those of other organizations are ignored: the response has no place for
        them.
        """
        known = (each.wanted for each in possible if each.org.lower() == organization.lower())
        candidates = _candidates(organization, module, [each for each in known if each])
        return cls(organization, module, ResolutionMode.parse(mode), candidates)


class ResolvedModule(Struct, frozen=True):
    request: ModuleRequest
    package: PackageName
    version: Version


class UnresolvedModule(Struct, frozen=True):
    """A module that no package holds, as far as this caller may see."""

    request: ModuleRequest

    @property
    def reason(self) -> str:
        return (
            f"No package of {self.request.organization} holds the module {self.request.module} "
            "in a version that fits. Check the import, or push the package that holds it."
        )


class ModuleAnswer(Struct, frozen=True):
    """The results of module requests; both lists are in the order of the requests."""

    resolved: tuple[ResolvedModule, ...]
    unresolved: tuple[UnresolvedModule, ...]


class WantedTool(Struct, frozen=True):
    """A tool to choose a release of, and the requested version, if any."""

    id: ToolId
    version: Version | None = None


class ToolRequest(Struct, frozen=True):
    id: str
    version: str
    mode: ResolutionMode
    wanted: WantedTool | None

    @classmethod
    def of(cls, tool: str, version: str | None = None, mode: str | None = None) -> Self:
        """Read a request; the version may be URL-encoded, empty or missing."""
        version = version or ""
        return cls(tool, version, ResolutionMode.parse(mode), _wanted_tool(tool, version))


class ResolvedTool(Struct, frozen=True):
    request: ToolRequest
    package: Package
    version: Version


class ToolAnswer(Struct, frozen=True):
    """The results of tool requests; both lists are in the order of the requests."""

    resolved: tuple[ResolvedTool, ...]
    unresolved: tuple[ToolRequest, ...]


class ResolutionCandidates:
    """The packages that one call chooses from, with a cache of the choices.

    A call may ask for the same package, or for modules of it, thousands of times.
    """

    def __init__(self, surveys: Iterable[Survey], client: ClientProfile) -> None:
        """Choose for `client` from the packages that its user may see."""
        self._surveys = {survey.head.key: survey for survey in surveys}
        self._client = client
        self._whole: dict[str, ReleaseChoice] = {}
        self._modules: dict[str, Mapping[str, ReleaseChoice]] = {}
        self._tools: dict[str, Mapping[str, ReleaseChoice]] = {}

    def survey(self, package: Package) -> Survey | None:
        return self._surveys.get(package.key)

    def choice(self, survey: Survey) -> ReleaseChoice:
        """Return the choice from all releases of the package."""
        key = survey.head.key
        if key not in self._whole:
            self._whole[key] = ReleaseChoice(survey, self._client)
        return self._whole[key]

    def holding_module(self, survey: Survey, module: str) -> ReleaseChoice | None:
        """Return the choice from the releases that hold the module; None where none does."""
        key = survey.head.key
        if key not in self._modules:
            self._modules[key] = self._split(survey, lambda entry: entry.modules)
        return self._modules[key].get(module)

    def holding_tool(self, survey: Survey, tool: ToolId) -> ReleaseChoice | None:
        """Return the choice from the releases that have the tool; None where none has."""
        key = survey.head.key
        if key not in self._tools:
            self._tools[key] = self._split(survey, lambda entry: entry.tools)
        return self._tools[key].get(tool)

    def _split(
        self, survey: Survey, names: Callable[[ReleaseEntry], Iterable[str]]
    ) -> Mapping[str, ReleaseChoice]:
        found: dict[str, list[ReleaseEntry]] = {}
        for entry in survey.entries:
            for name in dict.fromkeys(names(entry)):
                found.setdefault(name, []).append(entry)
        return {
            name: ReleaseChoice(replace(survey, entries=tuple(entries)), self._client)
            for name, entries in found.items()
        }


def resolve_package(
    request: PackageRequest, packages: ResolutionCandidates
) -> ResolvedPackage | None:
    survey = packages.survey(request.wanted.package) if request.wanted else None
    if request.wanted is None or survey is None:
        return None
    entry = packages.choice(survey).pick(request.wanted.version, request.mode)
    if entry is None:
        return None
    deprecation = effective_deprecation(survey.head, entry.deprecation)
    return ResolvedPackage(request, entry.parsed, deprecation, Digest(entry.digest))


def resolve_module(
    request: ModuleRequest, packages: ResolutionCandidates
) -> ResolvedModule | UnresolvedModule:
    """Choose the release that holds a module, from the first candidate that has one.

    Releases without the module are left out first, so a module that was dropped is found in the
    last release that has it.
    """
    for candidate in request.candidates:
        survey = packages.survey(candidate.package)
        holding = survey and packages.holding_module(survey, request.module)
        entry = holding and holding.pick(candidate.version, request.mode)
        if entry:
            return ResolvedModule(request, candidate.package.name, entry.parsed)
    return UnresolvedModule(request)


def resolve_tool(
    request: ToolRequest, owners: Mapping[ToolId, Package], packages: ResolutionCandidates
) -> ResolvedTool | None:
    """Choose the release for a tool among the releases of its owner that have it."""
    owner = owners.get(request.wanted.id) if request.wanted else None
    survey = packages.survey(owner) if owner else None
    if request.wanted is None or survey is None:
        return None
    holding = packages.holding_tool(survey, request.wanted.id)
    entry = holding and holding.pick(request.wanted.version, request.mode)
    return ResolvedTool(request, survey.head.package, entry.parsed) if entry else None


def _wanted(org: str, name: str, version: str) -> WantedPackage | None:
    try:
        return WantedPackage(Package.parse(org, name), _version(version))
    except (InvalidName, InvalidVersion):
        return None


def _wanted_tool(tool: str, version: str) -> WantedTool | None:
    try:
        return WantedTool(parse_tool_id(tool), _version(version))
    except (InvalidName, InvalidVersion):
        return None


def _version(text: str) -> Version | None:
    return Version.parse(unquote(text)) if text else None


def _candidates(
    organization: str, module: str, known: list[WantedPackage]
) -> tuple[WantedPackage, ...]:
    try:
        org = parse_org(organization)
        name = parse_module_name(module)
    except InvalidName:
        return ()
    fitting = [e for e in possible_packages(name) if len(org) + len(e) <= MAX_PACKAGE_LENGTH]
    return (*known, *(WantedPackage(Package(org, each)) for each in fitting))
