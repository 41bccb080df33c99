"""The releases of a real registry resolve: every dependency, every module, every version."""

import itertools
import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from shared.domain.errors.base import InvalidName
from shared.domain.names import Package
from shared.domain.packages import Dependency, Head, ReleaseEntry, Survey
from shared.domain.resolution import (
    ModuleRequest,
    PackageRequest,
    ResolutionCandidates,
    ResolvedModule,
    resolve_module,
    resolve_package,
)
from shared.domain.selection import ResolutionMode, usable_versions
from shared.domain.versions import ANY_CLIENT, Version
from tests.paths import SHARED
from tests.support.surveys import newest_first

INDEX = SHARED / "data" / "central-index.jsonl"

# Published before the rules were what they are; nothing depends on them.
BREAK_THE_RULES = {
    "choreocontrolplane/testcomponent16464531.0.04",
    "kanushkagayan/1.0.01",
    "shanorg/testPolicy3.1",
    "shanorg/testPolicy4.0",
}


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
        return [entry for survey in self.surveys.values() for entry in survey.entries]

    @cached_property
    def edges(self) -> list[Dependency]:
        """Return every direct dependency of every release."""
        return [each for entry in self.entries for each in entry.dependencies]


@pytest.fixture(scope="module")
def index() -> Index:
    if not INDEX.exists():
        pytest.skip("the index of a real registry is not beside this repository")
    packages: defaultdict[tuple[str, str], list[ReleaseEntry]] = defaultdict(list)
    for line in INDEX.read_text().splitlines():
        release = json.loads(line)
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
    assert max(len(survey.entries) for survey in index.surveys.values()) == 86


def test_all_names_but_four_keep_our_rules(index: Index) -> None:
    broken: set[str] = set()
    for survey in index.surveys.values():
        try:
            Package.parse(survey.head.org, survey.head.name)
        except InvalidName:
            broken.add(f"{survey.head.org}/{survey.head.name}")
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
    for survey in index.surveys.values():
        for entry in survey.entries:
            for module in entry.modules:
                holders[survey.head.org, module].add(survey.head.name)
    # Modules move to packages of their own: both hold them, in different versions.
    assert sum(len(packages) > 1 for packages in holders.values()) == 8
    for (org, module), packages in holders.items():
        found = resolve_module(ModuleRequest.of(org, module), index.packages)
        # A module whose name breaks the rules cannot be asked for, and those four are named so.
        readable = f"{org}/{module}" not in BREAK_THE_RULES
        assert (found.package if isinstance(found, ResolvedModule) else None) == (
            max(packages, key=len) if readable else None
        )


def test_every_version_is_listed_newest_first(index: Index) -> None:
    for survey in index.surveys.values():
        listed = usable_versions(survey, ANY_CLIENT)
        assert len(listed) == len(survey.entries)
        assert all(older < newer for newer, older in itertools.pairwise(listed))
