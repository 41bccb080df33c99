"""Resolution of packages and modules, also with the releases of a real registry."""

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors.base import InvalidName
from shared.domain.names import ANY_CLIENT, ClientProfile, Package, Version, parse_tool_id
from shared.domain.packages import Dependency, Head, ReleaseEntry, Survey
from shared.domain.resolution import ResolutionMode, usable_versions
from shared.domain.resolve_requests import (
    ModuleRequest,
    PackageRequest,
    ResolutionCandidates,
    ResolvedModule,
    ResolvedPackage,
    ResolvedTool,
    ToolRequest,
    UnresolvedModule,
    WantedPackage,
    resolve_module,
    resolve_package,
    resolve_tool,
)
from tests.paths import central_index
from tests.support.surveys import deprecated, entry, newest_first, survey

anything = st.text(max_size=12)
maybe = st.one_of(st.none(), anything)


def packages_of(*surveys: Survey, client: ClientProfile = ANY_CLIENT) -> ResolutionCandidates:
    """Return the packages that a call chooses from."""
    return ResolutionCandidates(surveys, client)


# --- Packages --------------------------------------------------------------------------------

GREET = packages_of(survey("1.0.0", deprecated("1.1.0"), "1.2.0-rc.1"))


def resolved(request: PackageRequest) -> ResolvedPackage | None:
    return resolve_package(request, GREET)


@pytest.mark.parametrize(
    ("org", "name", "version"),
    [
        ("", "greet", "1.0.0"),
        ("acme", "", "1.0.0"),
        ("acme", "1.0.01", "1.0.0"),
        ("acme", "../greet", "1.0.0"),
        ("acme", "greet", "1.0"),
        ("acme", "greet", "1.*"),
        ("acme", "greet", "1.0.0+build"),
        ("acme", "greet", "1.0.0%2Bbuild"),
        ("acme", "greet", "%"),
        ("acme", "greet", "%ff"),
        ("acme", "greet", " "),
        ("a" * 100, "b" * 101, "1.0.0"),
    ],
)
def test_words_that_name_no_package_or_version_are_unresolved(
    org: str, name: str, version: str
) -> None:
    request = PackageRequest.of(org, name, version)
    assert request.wanted is None
    assert (request.org, request.name, request.version) == (org, name, version)
    assert resolved(request) is None


@given(anything, anything, maybe, maybe)
def test_reading_a_package_request_never_fails(
    org: str, name: str, version: str | None, mode: str | None
) -> None:
    request = PackageRequest.of(org, name, version, mode)
    assert (request.org, request.name, request.version) == (org, name, version or "")


def test_the_deprecation_of_the_package_is_included() -> None:
    gone = packages_of(survey("1.0.0", deprecation="Gone."))
    found = resolve_package(PackageRequest.of("acme", "greet"), gone)
    assert found
    assert found.deprecation == "Gone."


# --- Modules ---------------------------------------------------------------------------------


def found_in(
    request: ModuleRequest, *packages: Survey, client: ClientProfile = ANY_CLIENT
) -> str | None:
    """Return where the module is found, as `package:version`."""
    answer = resolve_module(request, packages_of(*packages, client=client))
    return f"{answer.package}:{answer.version}" if isinstance(answer, ResolvedModule) else None


def wanted(*names: str) -> tuple[WantedPackage, ...]:
    """Return packages in any version."""
    return tuple(WantedPackage(Package.parse("acme", name)) for name in names)


def known(*coordinates: str) -> Iterable[PackageRequest]:
    """Return possible packages of acme, written `name` or `name:version`."""
    for each in coordinates:
        name, _, version = each.partition(":")
        yield PackageRequest.of("acme", name, version)


A = survey(entry("1.0.0", modules=("a", "a.b.c")), package="acme/a")
A_B = survey(entry("2.0.0", modules=("a.b", "a.b.c")), package="acme/a.b")
A_B_C = survey(entry("3.0.0", modules=("a.b.c",)), package="acme/a.b.c")


def test_a_module_may_be_in_known_packages_and_then_in_those_it_is_named_after() -> None:
    request = ModuleRequest.of("acme", "a.b.c", known("a.b:1.2.0", "z"))
    a_b = WantedPackage(Package.parse("acme", "a.b"), Version.parse("1.2.0"))
    assert request.candidates == (a_b, *wanted("z", "a.b.c", "a.b", "a"))


def test_a_package_that_the_build_knows_wins_over_a_longer_name() -> None:
    request = ModuleRequest.of("acme", "a.b.c", known("a"))
    assert found_in(request, A, A_B, A_B_C) == "a:1.0.0"


HISTORY = survey(
    entry("1.0.0", modules=("a", "a.x")),
    entry("1.1.0", modules=("a", "a.x")),
    entry("1.1.5", modules=("a", "a.x")),
    entry("1.2.0", modules=("a",)),
    entry("2.0.0", modules=("a", "a.x")),
    package="acme/a",
)


@pytest.mark.parametrize(
    ("mode", "version", "expected"),
    [
        ("soft", "1.0.0", "a:1.1.5"),
        ("soft", "2.0.0", "a:2.0.0"),
        ("medium", "1.1.0", "a:1.1.5"),
        ("hard", "1.1.0", "a:1.1.0"),
        ("locked", "1.1.0", "a:1.1.0"),
    ],
)
def test_the_version_of_a_known_package_is_a_bound_as_the_mode_says(
    mode: str, version: str, expected: str
) -> None:
    request = ModuleRequest.of("acme", "a.x", known(f"a:{version}"), mode)
    assert found_in(request, HISTORY) == expected


def test_where_no_version_within_the_bound_holds_the_module_any_version_may() -> None:
    for mode in ("soft", "hard"):
        request = ModuleRequest.of("acme", "a.x", known("a:1.2.0"), mode)
        assert found_in(request, HISTORY) == "a:2.0.0"


def test_a_module_is_found_only_where_the_client_can_use_it() -> None:
    client = ClientProfile.of("", "2201.8.3")
    newer = survey(entry("1.0.0", built_with="2201.9.0", modules=("a.b",)), package="acme/a.b")
    older = survey(entry("1.0.0", modules=("a", "a.b")), package="acme/a")
    assert found_in(ModuleRequest.of("acme", "a.b"), newer, older, client=client) == "a:1.0.0"


def test_known_packages_that_say_nothing_usable_are_ignored() -> None:
    possible = [
        PackageRequest.of("other", "a"),
        PackageRequest.of("acme", "1.0.01"),
        PackageRequest.of("acme", "a", "latest"),
        PackageRequest.of("ACME", "A"),
    ]
    request = ModuleRequest.of("acme", "a.b", possible)
    assert request.candidates == (WantedPackage(Package.parse("ACME", "A")), *wanted("a.b", "a"))


@pytest.mark.parametrize(
    ("organization", "module"), [("", "a"), ("-", "a"), ("acme", ""), ("acme", "a..b")]
)
def test_words_that_name_no_module_are_unresolved_with_a_reason(
    organization: str, module: str
) -> None:
    request = ModuleRequest.of(organization, module, known("a"))
    assert request.candidates == ()
    assert isinstance(resolve_module(request, packages_of(A)), UnresolvedModule)


def test_the_reason_names_the_module_and_the_way_out() -> None:
    answer = resolve_module(ModuleRequest.of("acme", "x.y"), packages_of())
    assert isinstance(answer, UnresolvedModule)
    assert answer.reason == (
        "No package of acme holds the module x.y in a version that fits. "
        "Check the import, or push the package that holds it."
    )


def test_names_too_long_for_a_package_are_no_candidates() -> None:
    org, module = "o" * 190, "aaaa.bbbb.cccc"
    request = ModuleRequest.of(org, module)
    assert [str(each.package.name) for each in request.candidates] == ["aaaa.bbbb", "aaaa"]


@given(anything, anything, st.lists(st.builds(PackageRequest.of, anything, anything)), maybe)
def test_reading_a_module_request_never_fails(
    organization: str, module: str, possible: list[PackageRequest], mode: str | None
) -> None:
    request = ModuleRequest.of(organization, module, possible, mode)
    assert (request.organization, request.module) == (organization, module)
    assert isinstance(resolve_module(request, packages_of()), UnresolvedModule)


# --- Tools -----------------------------------------------------------------------------------

HEALTH = survey(
    entry("0.9.0"),
    entry("1.0.0", tools=("health",)),
    entry("1.1.0", tools=("health", "fhir")),
    entry("2.0.0", tools=("fhir",)),
    package="acme/health_tool",
)
OWNERS = dict.fromkeys(map(parse_tool_id, ("health", "fhir")), HEALTH.head.package)
TOOLS = packages_of(HEALTH)


def tool_version(request: ToolRequest) -> str | None:
    found = resolve_tool(request, OWNERS, TOOLS)
    assert found is None or found.package == Package.parse("acme", "health_tool")
    assert found is None or found.request is request
    return found.version.text if found else None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ToolRequest.of("health"), "1.1.0"),
        (ToolRequest.of("fhir"), "2.0.0"),
        (ToolRequest.of("health", "1.0.0"), "1.1.0"),
        (ToolRequest.of("health", "1.0.0", "medium"), "1.0.0"),
        (ToolRequest.of("health", "1%2E0%2E0", "hard"), "1.0.0"),
        (ToolRequest.of("health", "0.9.0", "hard"), None),
        (ToolRequest.of("health", "2.0.0"), None),
        (ToolRequest.of("fhir", "1.0.0", "locked"), None),
    ],
)
def test_a_tool_is_resolved_among_the_releases_that_have_it(
    request_: ToolRequest, expected: str | None
) -> None:
    assert tool_version(request_) == expected


@pytest.mark.parametrize(("tool", "version"), [("", ""), ("a/b", ""), ("health", "1.0")])
def test_words_that_name_no_tool_or_version_are_unresolved(tool: str, version: str) -> None:
    request = ToolRequest.of(tool, version)
    assert (request.id, request.version, request.wanted) == (tool, version, None)
    assert tool_version(request) is None


def test_a_tool_that_nobody_owns_is_unresolved() -> None:
    assert resolve_tool(ToolRequest.of("other"), OWNERS, TOOLS) is None


def test_the_answer_names_the_package_of_the_tool() -> None:
    request = ToolRequest.of("health", "1.0.0", "hard")
    package = Package.parse("acme", "health_tool")
    assert resolve_tool(request, OWNERS, TOOLS) == ResolvedTool(
        request, package, Version.parse("1.0.0")
    )


@given(anything, maybe, maybe)
def test_reading_a_tool_request_never_fails(
    tool: str, version: str | None, mode: str | None
) -> None:
    request = ToolRequest.of(tool, version, mode)
    assert (request.id, request.version) == (tool, version or "")


# Published before the rules were what they are; nothing depends on them.
BREAK_THE_RULES = {"kanushkagayan/1.0.01"}


@dataclass(frozen=True)
class Index:
    """Every release of the index, read as a store would give it."""

    surveys: dict[str, Survey]

    @cached_property
    def packages(self) -> ResolutionCandidates:
        """Return every package, to choose from."""
        return ResolutionCandidates(self.surveys.values(), ANY_CLIENT)

    @cached_property
    def entries(self) -> list[ReleaseEntry]:
        return [release for package in self.surveys.values() for release in package.entries]

    @cached_property
    def edges(self) -> list[Dependency]:
        """Return every direct dependency of every release."""
        return [each for release in self.entries for each in release.dependencies]


@pytest.fixture(scope="module")
def index() -> Index:
    packages: defaultdict[tuple[str, str], list[ReleaseEntry]] = defaultdict(list)
    for release in central_index():
        packages[release["org"], release["name"]].append(entry_of(release))
    surveys = {
        f"{org}/{name}".lower(): Survey(Head(org=org, name=name, created_ms=1), newest_first(each))
        for (org, name), each in packages.items()
    }
    return Index(surveys)


def entry_of(release: dict[str, Any]) -> ReleaseEntry:
    return ReleaseEntry(
        version=release["version"],
        platform=release["platform"],
        ballerina_version=release["ballerina_version"],
        deprecation=release["deprecation_message"] if release["is_deprecated"] else None,
        modules=tuple(module["name"] for module in release["modules"]),
        dependencies=tuple(Dependency(**each) for each in release["dependencies"]),
        digest="00" * 32,
        size_bytes=1,
        created_ms=1,
    )


def satisfies(picked: Version, wanted: Version, mode: ResolutionMode) -> bool:
    if mode in (ResolutionMode.HARD, ResolutionMode.LOCKED):
        return picked == wanted
    near = 2 if mode is ResolutionMode.MEDIUM or wanted.text.startswith("0.") else 1
    return picked >= wanted and picked.text.split(".")[:near] == wanted.text.split(".")[:near]


def test_the_index_is_the_one_that_was_counted(index: Index) -> None:
    assert len(index.surveys) == 1_708
    assert len(index.entries) == 6_785
    assert len(index.edges) == 17_424
    assert max(len(package.entries) for package in index.surveys.values()) == 86


def test_all_names_but_one_keep_our_rules(index: Index) -> None:
    broken: set[str] = set()
    for package in index.surveys.values():
        try:
            Package.parse(package.head.org, package.head.name)
        except InvalidName:
            broken.add(f"{package.head.org}/{package.head.name}")
    assert broken == BREAK_THE_RULES
    assert not any(f"{edge.org}/{edge.name}" in broken for edge in index.edges)


@pytest.mark.parametrize("mode", ResolutionMode)
def test_every_dependency_resolves_to_a_version_that_its_mode_allows(
    index: Index, mode: ResolutionMode
) -> None:
    wrong: list[str] = []
    for edge in set(index.edges):
        request = PackageRequest.of(edge.org, edge.name, edge.version, mode.value)
        found = resolve_package(request, index.packages)
        if not found or not satisfies(found.version, Version.parse(edge.version), mode):
            wrong.append(f"{edge.org}/{edge.name}:{edge.version} gives {found and found.version}")
    assert not wrong


def test_every_module_is_found_in_the_longest_named_package_that_holds_it(index: Index) -> None:
    holders: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for package in index.surveys.values():
        for release in package.entries:
            for module in release.modules:
                holders[package.head.org, module].add(package.head.name)
    # Modules move to packages of their own: both hold them, in different versions.
    assert sum(len(packages) > 1 for packages in holders.values()) == 8
    for (org, module), packages in holders.items():
        found = resolve_module(ModuleRequest.of(org, module), index.packages)
        # A module whose name breaks the rules cannot be asked for, and that one is named so.
        readable = f"{org}/{module}" not in BREAK_THE_RULES
        assert (found.package if isinstance(found, ResolvedModule) else None) == (
            max(packages, key=len) if readable else None
        )


def test_every_version_is_listed_newest_first(index: Index) -> None:
    for package in index.surveys.values():
        listed = usable_versions(package, ANY_CLIENT)
        assert len(listed) == len(package.entries)
        assert all(older < newer for newer, older in itertools.pairwise(listed))
