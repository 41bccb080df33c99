"""The three resolve calls of a build: their requests, their answers, and which package holds a
module.

Answers repeat the words of a request, so requests keep them beside what was read from them.
Reading never fails: words that name nothing leave `wanted` at None, or `candidates` empty, and the
request is answered as unresolved.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import unquote

from shared.domain.archives.names import Digest
from shared.domain.errors.base import InvalidName, InvalidVersion
from shared.domain.names import (
    MAX_PACKAGE_LENGTH,
    Package,
    PackageName,
    ToolId,
    parse_module_name,
    parse_org,
    parse_tool_id,
    possible_packages,
)
from shared.domain.packages import ReleaseEntry, Survey, effective_deprecation
from shared.domain.selection import ReleaseChoice, ResolutionMode
from shared.domain.versions import ClientProfile, Version


@dataclass(frozen=True, slots=True)
class WantedPackage:
    """A package to choose a release of, and the version that was given with it, if one was."""

    package: Package
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """A package as a build asks for it."""

    org: str
    name: str
    version: str
    mode: ResolutionMode
    wanted: WantedPackage | None

    @classmethod
    def of(cls, org: str, name: str, version: str | None = None, mode: str | None = None) -> Self:
        """Read the words of a request; the version may be URL-encoded, empty or missing."""
        version = version or ""
        return cls(org, name, version, ResolutionMode.parse(mode), _wanted(org, name, version))


@dataclass(frozen=True, slots=True)
class ResolvedPackage:
    """The release that a package request gets."""

    request: PackageRequest
    version: Version
    deprecation: str | None
    content: Digest
    graph: bytes = b"[]"  # JSON, as it was recorded with the archive `content`.


@dataclass(frozen=True, slots=True)
class PackageAnswer:
    """What became of package requests; both lists are in the order asked."""

    resolved: tuple[ResolvedPackage, ...]
    unresolved: tuple[PackageRequest, ...]


@dataclass(frozen=True, slots=True)
class ModuleRequest:
    """A module as a source file imports it, and the packages that may hold it, likeliest first."""

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
        """Read the words of a request; `possible` are the packages that the build knows already.

        Of those, what cannot be read is ignored, and so is what belongs to another organization:
        an answer could not say so.
        """
        known = (each.wanted for each in possible if each.org.lower() == organization.lower())
        candidates = _candidates(organization, module, [each for each in known if each])
        return cls(organization, module, ResolutionMode.parse(mode), candidates)


@dataclass(frozen=True, slots=True)
class ResolvedModule:
    """The package and the version that a module is found in."""

    request: ModuleRequest
    package: PackageName
    version: Version


@dataclass(frozen=True, slots=True)
class UnresolvedModule:
    """A module that no package holds, as far as this caller can see."""

    request: ModuleRequest

    @property
    def reason(self) -> str:
        """Return the sentence for the user."""
        return (
            f"No package of {self.request.organization} holds the module {self.request.module} "
            "in a version that fits. Check the import, or push the package that holds it."
        )


@dataclass(frozen=True, slots=True)
class ModuleAnswer:
    """What became of module requests; both lists are in the order asked."""

    resolved: tuple[ResolvedModule, ...]
    unresolved: tuple[UnresolvedModule, ...]


@dataclass(frozen=True, slots=True)
class WantedTool:
    """A tool to choose a release of, and the version that was given with it, if one was."""

    id: ToolId
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool as `bal tool` asks for it."""

    id: str
    version: str
    mode: ResolutionMode
    wanted: WantedTool | None

    @classmethod
    def of(cls, tool: str, version: str | None = None, mode: str | None = None) -> Self:
        """Read the words of a request; the version may be URL-encoded, empty or missing."""
        version = version or ""
        return cls(tool, version, ResolutionMode.parse(mode), _wanted_tool(tool, version))


@dataclass(frozen=True, slots=True)
class ResolvedTool:
    """The release that a tool request gets."""

    request: ToolRequest
    package: Package
    version: Version


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What became of tool requests; both lists are in the order asked."""

    resolved: tuple[ResolvedTool, ...]
    unresolved: tuple[ToolRequest, ...]


class ResolutionCandidates:
    """The packages that one call chooses from; what it learns of one it learns once.

    A call may ask for the same package, or for modules of it, thousands of times.
    """

    def __init__(self, surveys: Iterable[Survey], client: ClientProfile) -> None:
        """Choose for `client` from the packages that exist for its user."""
        self._surveys = {survey.head.package.key: survey for survey in surveys}
        self._client = client
        self._whole: dict[str, ReleaseChoice] = {}
        self._modules: dict[str, Mapping[str, ReleaseChoice]] = {}
        self._tools: dict[str, Mapping[str, ReleaseChoice]] = {}

    def survey(self, package: Package) -> Survey | None:
        """Return the package, or None where there is none."""
        return self._surveys.get(package.key)

    def choice(self, survey: Survey) -> ReleaseChoice:
        """Return what can be chosen from all releases of the package."""
        key = survey.head.package.key
        if key not in self._whole:
            self._whole[key] = ReleaseChoice(survey, self._client)
        return self._whole[key]

    def holding_module(self, survey: Survey, module: str) -> ReleaseChoice | None:
        """Return what can be chosen from the releases that hold the module, if any does."""
        key = survey.head.package.key
        if key not in self._modules:
            self._modules[key] = self._split(survey, lambda entry: entry.modules)
        return self._modules[key].get(module)

    def holding_tool(self, survey: Survey, tool: ToolId) -> ReleaseChoice | None:
        """Return what can be chosen from the releases that have the tool, if any has."""
        key = survey.head.package.key
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
    """Choose the release for a package."""
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
    """Choose the release that holds a module: the first candidate that has one wins.

    Releases without the module are left out before one is chosen, so a module that was dropped is
    found where it was last.
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
    """Choose the release for a tool among those of its owner that have it."""
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
        org, name = parse_org(organization), parse_module_name(module)
    except InvalidName:
        return ()
    fitting = [e for e in possible_packages(name) if len(org) + len(e) <= MAX_PACKAGE_LENGTH]
    return (*known, *(WantedPackage(Package(org, each)) for each in fitting))
