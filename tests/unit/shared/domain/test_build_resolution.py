"""Resolution of packages, modules and tools."""

from collections.abc import Iterable

import pytest

from shared.domain.build_resolution import (
    ModuleRequest,
    PackageRequest,
    ResolutionCandidates,
    ResolvedModule,
    ToolRequest,
    UnresolvedModule,
    WantedPackage,
    resolve_module,
    resolve_package,
    resolve_tool,
)
from shared.domain.coordinates import Package
from shared.domain.distributions import ANY_CLIENT, ClientProfile
from shared.domain.errors.base import InvalidName
from shared.domain.names import parse_tool_id
from shared.domain.packages import Survey
from shared.domain.versions import Version
from tests.paths import central_index
from tests.support.surveys import entry, survey


def packages_of(*surveys: Survey, client: ClientProfile = ANY_CLIENT) -> ResolutionCandidates:
    """Return the packages that a call chooses from."""
    return ResolutionCandidates(surveys, client)


@pytest.mark.parametrize(
    ("org", "name", "version"),
    [
        ("", "greet", "1.0.0"),
        ("acme", "", "1.0.0"),
        ("acme", "../greet", "1.0.0"),
        ("acme", "greet", "1.0"),
        ("acme", "greet", "1.0.0+build"),
        ("acme", "greet", "%ff"),
        ("a" * 100, "b" * 101, "1.0.0"),
    ],
)
def test_words_that_name_no_package_or_version_are_unresolved(
    org: str, name: str, version: str
) -> None:
    request = PackageRequest.of(org, name, version)
    assert (request.org, request.name, request.version) == (org, name, version)
    assert request.wanted is None
    assert resolve_package(request, packages_of(A)) is None


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


def test_a_module_may_be_in_known_packages_and_then_in_those_it_is_named_after() -> None:
    long = ModuleRequest.of("o" * 190, "aaaa.bbbb.cccc").candidates  # Not the longest: too long.
    assert [str(each.package.name) for each in long] == ["aaaa.bbbb", "aaaa"]
    request = ModuleRequest.of("acme", "a.b.c", known("a.b:1.2.0", "z"))
    a_b = WantedPackage(Package.parse("acme", "a.b"), Version.parse("1.2.0"))
    assert request.candidates == (a_b, *wanted("z", "a.b.c", "a.b", "a"))


HISTORY = survey(
    *(entry(version, modules=("a", "a.x")) for version in ("1.0.0", "1.1.0", "1.1.5", "2.0.0")),
    entry("1.2.0", modules=("a",)),
    package="acme/a",
)


@pytest.mark.parametrize(
    ("mode", "version", "expected"),
    [
        ("soft", "1.0.0", "a:1.1.5"),
        ("soft", "1.2.0", "a:2.0.0"),  # No version within the bound holds it.
        ("hard", "1.2.0", "a:2.0.0"),
        ("medium", "1.1.0", "a:1.1.5"),
        ("locked", "1.1.0", "a:1.1.0"),
    ],
)
def test_the_version_of_a_known_package_is_a_bound_as_the_mode_says(
    mode: str, version: str, expected: str
) -> None:
    request = ModuleRequest.of("acme", "a.x", known(f"a:{version}"), mode)
    assert found_in(request, HISTORY) == expected


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


def test_words_that_name_no_module_are_unresolved_with_a_reason() -> None:
    for organization, module in (("", "a"), ("-", "a"), ("acme", ""), ("acme", "a..b")):
        request = ModuleRequest.of(organization, module, known("a"))
        assert request.candidates == ()
        assert isinstance(resolve_module(request, packages_of(A)), UnresolvedModule)


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


@pytest.mark.parametrize(
    ("tool", "version", "mode", "expected"),
    [
        ("health", "", "", "1.1.0"),
        ("fhir", "", "", "2.0.0"),
        ("health", "1.0.0", "", "1.1.0"),
        ("health", "1.0.0", "medium", "1.0.0"),
        ("health", "1%2E0%2E0", "hard", "1.0.0"),
        ("health", "0.9.0", "hard", None),
        ("health", "2.0.0", "", None),
        ("other", "", "", None),
        # These words name no tool or no version.
        ("", "", "", None),
        ("a/b", "", "", None),
        ("health", "1.0", "", None),
    ],
)
def test_a_tool_is_resolved_among_the_releases_that_have_it(
    tool: str, version: str, mode: str, expected: str | None
) -> None:
    request = ToolRequest.of(tool, version, mode)
    assert request.id == tool
    found = resolve_tool(request, OWNERS, TOOLS)
    assert (found.version.text if found else None) == expected
    assert found is None or (found.package, found.request) == (HEALTH.head.package, request)


def test_all_names_of_a_real_registry_but_one_keep_our_rules() -> None:
    broken: set[str] = set()
    for org, name in {(line["org"], line["name"]) for line in central_index()}:
        try:
            Package.parse(org, name)
        except InvalidName:
            broken.add(f"{org}/{name}")
    # Published before the rules were what they are; nothing depends on it.
    assert broken == {"kanushkagayan/1.0.01"}
