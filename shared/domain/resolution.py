"""The three resolve calls of a build: what they ask for, what they get, and where modules live.

Answers echo a request's words, so requests keep them as they came beside what was read from them.
Reading never fails: words that name nothing leave `wanted` at None, or `candidates` empty, and the
request is answered as unresolved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import unquote

from shared.domain.digest import Digest
from shared.domain.errors import InvalidName, InvalidVersion
from shared.domain.language import ClientProfile
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
from shared.domain.package import Survey, effective_deprecation
from shared.domain.selection import Mode, pick
from shared.domain.version import Version


@dataclass(frozen=True, slots=True)
class Wanted:
    """A package to choose a release of, and the version that was given with it, if one was."""

    package: Package
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """A package as a build asks for it."""

    org: str
    name: str
    version: str
    mode: Mode
    wanted: Wanted | None

    @classmethod
    def of(cls, org: str, name: str, version: str | None = None, mode: str | None = None) -> Self:
        """Read the words of a request; the version may be URL-encoded, empty or missing."""
        version = version or ""
        return cls(org, name, version, Mode.parse(mode), _wanted(org, name, version))


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
    mode: Mode
    candidates: tuple[Wanted, ...]

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
        return cls(organization, module, Mode.parse(mode), candidates)


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
    mode: Mode
    wanted: WantedTool | None

    @classmethod
    def of(cls, tool: str, version: str | None = None, mode: str | None = None) -> Self:
        """Read the words of a request; the version may be URL-encoded, empty or missing."""
        version = version or ""
        return cls(tool, version, Mode.parse(mode), _wanted_tool(tool, version))


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


def resolve_package(
    request: PackageRequest, surveys: Mapping[str, Survey], client: ClientProfile
) -> ResolvedPackage | None:
    """Choose the release for a package; `surveys` has the packages that exist, by their key."""
    survey = surveys.get(request.wanted.package.key) if request.wanted else None
    if request.wanted is None or survey is None:
        return None
    entry = pick(survey, request.wanted.version, request.mode, client)
    if entry is None:
        return None
    deprecation = effective_deprecation(survey.head, entry.deprecation)
    return ResolvedPackage(request, entry.parsed, deprecation, Digest(entry.digest))


def resolve_module(
    request: ModuleRequest, surveys: Mapping[str, Survey], client: ClientProfile
) -> ResolvedModule | UnresolvedModule:
    """Choose the release that holds a module: the first candidate that has one wins.

    `surveys` has those of the candidates that exist, by their key. Releases without the module are
    left out before one is chosen, so a module that was dropped is found where it was last.
    """
    for candidate in request.candidates:
        survey = surveys.get(candidate.package.key)
        if survey is None:
            continue
        holding = _with_module(survey, request.module)
        entry = pick(holding, candidate.version, request.mode, client)
        if entry is not None:
            return ResolvedModule(request, candidate.package.name, entry.parsed)
    return UnresolvedModule(request)


def resolve_tool(
    request: ToolRequest, surveys: Mapping[ToolId, Survey], client: ClientProfile
) -> ResolvedTool | None:
    """Choose the release for a tool among those that have it; `surveys` has the owners, by tool."""
    survey = surveys.get(request.wanted.id) if request.wanted else None
    if request.wanted is None or survey is None:
        return None
    holding = _with_tool(survey, request.wanted.id)
    entry = pick(holding, request.wanted.version, request.mode, client)
    return ResolvedTool(request, survey.head.package, entry.parsed) if entry else None


def _wanted(org: str, name: str, version: str) -> Wanted | None:
    try:
        return Wanted(Package.parse(org, name), _version(version))
    except (InvalidName, InvalidVersion):
        return None


def _wanted_tool(tool: str, version: str) -> WantedTool | None:
    try:
        return WantedTool(parse_tool_id(tool), _version(version))
    except (InvalidName, InvalidVersion):
        return None


def _version(text: str) -> Version | None:
    return Version.parse(unquote(text)) if text else None


def _candidates(organization: str, module: str, known: list[Wanted]) -> tuple[Wanted, ...]:
    try:
        org, name = parse_org(organization), parse_module_name(module)
    except InvalidName:
        return ()
    fitting = [e for e in possible_packages(name) if len(org) + len(e) <= MAX_PACKAGE_LENGTH]
    return (*known, *(Wanted(Package(org, each)) for each in fitting))


def _with_module(survey: Survey, module: str) -> Survey:
    return replace(survey, entries=tuple(e for e in survey.entries if module in e.modules))


def _with_tool(survey: Survey, tool: ToolId) -> Survey:
    return replace(survey, entries=tuple(e for e in survey.entries if tool in e.tools))
