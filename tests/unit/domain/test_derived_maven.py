"""What Maven clients read of a package follows from its survey, and from nothing else."""

import json
from dataclasses import replace
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.derived_maven import (
    client_metadata,
    depgraph,
    listeners,
    repository_metadata,
    tool_metadata,
)
from shared.domain.distribution import Distribution
from shared.domain.language import EVERYTHING
from shared.domain.names import ToolId
from shared.domain.package import Origin, Release, State, Survey
from shared.domain.selection import usable_versions
from tests.surveys import deprecated, entry, survey

FOUND = Distribution.parse("v2201-13-0")
assert FOUND is not None
UPDATE_13: Distribution = FOUND

VERSIONS = ("1.0.0", "1.0.1", "1.10.0", "1.9.0", "2.0.0-rc.1", "2.0.0", "0.1.0")
ENTRIES = st.builds(
    entry,
    st.sampled_from(VERSIONS),
    platform=st.sampled_from(["any", "java17", "java21", "java25", "go1.26"]),
    built_with=st.sampled_from(["", "2201.8.0", "2201.13.1", "2201.14.0", "slbeta6"]),
    state=st.sampled_from(State),
    deprecation=st.none() | st.text(max_size=10),
    modules=st.just(("greet", "greet.sub")),
)
SURVEYS = st.lists(ENTRIES, unique_by=lambda each: each.version).map(lambda found: survey(*found))


def read(document: bytes) -> ET.Element:
    """Return the root of a document."""
    return ET.fromstring(document)


def release(entries: Survey) -> Release:
    """Return a release of the package with the modules of its newest entry."""
    newest = entries.entries[0]
    return Release(
        org="acme",
        name="greet",
        version=newest.version,
        digest=newest.digest,
        size_bytes=1,
        platform="any",
        modules=newest.modules,
        created_ms=1,
        origin=Origin(principal="ann"),
        deprecation=newest.deprecation,
    )


@given(SURVEYS)
def test_a_repository_lists_what_is_live_oldest_first(package: Survey) -> None:
    root = read(repository_metadata(package))
    live = [version.text for version in usable_versions(package, EVERYTHING)]
    assert [each.text for each in root.iter("version")] == live[::-1]
    assert [each.text for each in root.iter("latest")] == live[:1]
    stable = [text for text in live if "-" not in text]
    assert [each.text for each in root.iter("release")] == (stable or live)[:1]


@given(SURVEYS)
def test_a_distribution_is_offered_what_it_can_use(package: Survey) -> None:
    root = read(client_metadata(UPDATE_13, "acme", "greet", package))
    usable = [version.text for version in usable_versions(package, UPDATE_13.client)]
    assert [each.text for each in root.iter("number")] == usable


@given(SURVEYS)
def test_nothing_is_nested_in_an_element_of_its_name(package: Survey) -> None:
    root = read(client_metadata(UPDATE_13, "acme", "greet", package))
    for name in ("version", "module", "package", "org"):
        for outer in root.iter(name):
            assert list(outer.iter(name)) == [outer]


@given(SURVEYS)
def test_the_same_survey_makes_the_same_bytes(package: Survey) -> None:
    again = replace(package, entries=tuple(each.model_copy() for each in package.entries))
    assert repository_metadata(again) == repository_metadata(package)


def test_the_last_update_is_that_of_the_newest_live_release() -> None:
    entries = [
        entry("1.0.0").model_copy(update={"created_ms": 1_790_000_000_000}),
        entry("1.1.0").model_copy(update={"created_ms": 1_780_000_000_999}),
        entry("1.2.0", state=State.HELD).model_copy(update={"created_ms": 1_799_000_000_000}),
    ]
    assert read(repository_metadata(survey(*entries))).findtext("versioning/lastUpdated") == (
        "20260921141320"
    )


def test_without_a_live_release_there_is_no_version_and_no_time() -> None:
    root = read(repository_metadata(survey(entry("1.0.0", state=State.REMOVED))))
    assert root.findtext("versioning/lastUpdated") == "19700101000000"
    assert list(root.iter("version")) == list(root.iter("latest")) == []


def test_a_pre_release_stands_for_a_package_that_has_nothing_else() -> None:
    root = read(repository_metadata(survey("1.0.0-alpha", "1.0.0-beta")))
    assert root.findtext("versioning/release") == "1.0.0-beta"


def test_deprecation_is_of_the_version_or_of_the_whole_package() -> None:
    one = read(client_metadata(UPDATE_13, "acme", "greet", survey("1.1.0", deprecated("1.0.0"))))
    assert [each.text for each in one.iter("isDeprecated")] == ["false", "true"]
    whole = survey("1.1.0", deprecation="Use other.")
    root = read(client_metadata(UPDATE_13, "acme", "greet", whole))
    assert [each.text for each in root.iter("isDeprecated")] == ["true"]


def test_a_tool_names_its_package_behind_its_versions() -> None:
    package = survey(entry("1.0.0", tools=("hi",)), entry("1.1.0", tools=("hi",)))
    root = read(tool_metadata(UPDATE_13, ToolId("hi"), package))
    assert [each.tag for each in root] == ["groupId", "artifactId", "versions", "org", "package"]
    assert [each.text for each in root.iter("version")] == ["1.1.0", "1.0.0"]


def test_a_graph_is_taken_as_it_is_stored() -> None:
    package = survey(deprecated("1.0.0"))
    graph = b'[{"org":"acme","name":"greet","version":"1.0.0","dependencies":[]}]'
    answer = json.loads(depgraph(package.head, release(package), graph))
    [resolved] = answer["resolved"]
    assert resolved["dependencyGraph"] == json.loads(graph)
    assert resolved["deprecateMessage"] == "Use another."
    assert answer["unresolved"] == []


def test_each_module_has_no_listeners() -> None:
    package = survey(entry("1.0.0", modules=("greet", "greet.sub")))
    modules = json.loads(listeners(release(package)))["data"]["apiDocs"]["docsData"]["modules"]
    assert [json.loads(each["listeners"]) for each in modules] == [[], []]
