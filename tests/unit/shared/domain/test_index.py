"""Lines of the index: what they say, in which order, and that they are those of a real registry."""

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.packages import Dependency, Head, ReleaseEntry, State, Survey, Visibility
from shared.domain.sparse_index import index_config, index_file, index_path
from tests.paths import central_index
from tests.support.surveys import entry, newest_first, survey
from tests.unit.shared.domain.strategies import surveys

NINE_KEYS = [
    "org", "name", "version", "platform", "ballerina_version", "is_deprecated",
    "deprecation_message", "modules", "dependencies",
]  # fmt: skip
MORE_KEYS = ["checksum", "size", "created", "tool_id", "visibility", "schema"]


def lines(of: Survey) -> list[dict[str, Any]]:
    """Read the lines of a package's file."""
    return [json.loads(line) for line in index_file(of).splitlines()]


def published(version: str, at_ms: int, **fields: object) -> ReleaseEntry:
    """Build the entry of a release that was published at that time."""
    return entry(version).model_copy(update={"created_ms": at_ms, **fields})


def test_a_line_says_everything_of_a_release() -> None:
    release = published(
        "1.2.0",
        17,
        platform="java21",
        ballerina_version="2201.12.0",
        modules=("greet", "greet.sub"),
        dependencies=(Dependency(org="ballerina", name="io", version="1.6.0"),),
        tools=("greeter", "other"),
        digest="0a" * 32,
        size_bytes=99,
    )
    assert index_file(survey(release)) == (
        b'{"org":"acme","name":"greet","version":"1.2.0","platform":"java21",'
        b'"ballerina_version":"2201.12.0","is_deprecated":false,"deprecation_message":"",'
        b'"modules":[{"name":"greet"},{"name":"greet.sub"}],'
        b'"dependencies":[{"org":"ballerina","name":"io","version":"1.6.0"}],'
        b'"checksum":"sha-256=%b","size":99,"created":17,"tool_id":"greeter",'
        b'"visibility":"public","schema":1}\n' % (b"0a" * 32)
    )


def test_a_release_without_a_tool_has_no_tool_id() -> None:
    [line] = lines(survey("1.0.0"))
    assert list(line) == [*NINE_KEYS, *(key for key in MORE_KEYS if key != "tool_id")]


@pytest.mark.parametrize(
    ("own", "of_package", "shown"),
    [
        (None, None, (False, "")),
        ("", None, (True, "")),
        ("Use two.", None, (True, "Use two.")),
        (None, "Use another.", (True, "Use another.")),
        ("Use two.", "Use another.", (True, "Use two.")),
    ],
)
def test_a_deprecation_of_the_version_or_of_the_package_is_on_the_line(
    own: str | None, of_package: str | None, shown: tuple[bool, str]
) -> None:
    [line] = lines(survey(entry("1.0.0", deprecation=own), deprecation=of_package))
    assert (line["is_deprecated"], line["deprecation_message"]) == shown


def test_lines_are_in_the_order_of_publication() -> None:
    releases = [published("2.0.0", 1), published("1.0.1", 3), published("1.0.0", 2)]
    assert [line["version"] for line in lines(survey(*releases))] == ["2.0.0", "1.0.0", "1.0.1"]


def test_the_lower_of_two_versions_of_the_same_time_is_first() -> None:
    assert [line["version"] for line in lines(survey("1.0.0", "2.0.0", "1.0.0-rc.1"))] == [
        "1.0.0-rc.1",
        "1.0.0",
        "2.0.0",
    ]


@pytest.mark.parametrize("state", [state for state in State if state is not State.LIVE])
def test_a_withheld_release_has_no_line(state: State) -> None:
    assert index_file(survey(entry("1.0.0", state=state))) == b""
    [line] = lines(survey(entry("1.0.0", state=state), "1.1.0"))
    assert line["version"] == "1.1.0"


@given(surveys())
def test_a_new_release_adds_a_line_and_changes_no_byte_before(of: Survey) -> None:
    latest_ms = max((each.created_ms for each in of.entries), default=0)
    added = published("9.9.9", latest_ms + 1)
    grown = Survey(of.head, newest_first([*of.entries, added]))
    before, after = index_file(of), index_file(grown)
    assert after.startswith(before)
    assert after[len(before) :].count(b"\n") == 1


@given(message=st.text(max_size=80))
def test_a_message_never_ends_a_line(message: str) -> None:
    content = index_file(survey(entry("1.0.0", deprecation=message)))
    assert len(content.decode().splitlines()) == 1
    assert json.loads(content)["deprecation_message"] == message


def test_a_private_package_says_so() -> None:
    [line] = lines(survey("1.0.0", visibility=Visibility.PRIVATE))
    assert line["visibility"] == "private"


def test_the_path_of_a_file_has_the_spelling_of_the_package() -> None:
    assert index_path(Head(org="Acme", name="Greet.io", created_ms=1)) == "Acme/Greet.io/index.json"


def test_the_configuration_names_the_registry() -> None:
    assert json.loads(index_config("https://b.example")) == {
        "version": 1,
        "dl": "https://b.example/2.0/maven/{org}/{name}/{version}/{name}-{version}.bala",
        "api": "https://b.example/2.0/registry",
        "auth-required": False,
    }


def real_lines() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Read the index of a real registry, package by package."""
    packages: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in central_index():
        packages[line["org"], line["name"]].append(line)
    return packages


def survey_of(org: str, name: str, real: list[dict[str, Any]]) -> Survey:
    """Return the package as our stores would have it: each release later than the one before."""
    releases = (
        ReleaseEntry(
            version=line["version"],
            platform=line["platform"],
            ballerina_version=line["ballerina_version"],
            deprecation=line["deprecation_message"] if line["is_deprecated"] else None,
            modules=tuple(module["name"] for module in line["modules"]),
            dependencies=tuple(Dependency(**each) for each in line["dependencies"]),
            digest="00" * 32,
            size_bytes=1,
            created_ms=place,
        )
        for place, line in enumerate(real, start=1)
    )
    return Survey(Head(org=org, name=name, created_ms=1), newest_first(releases))


def test_every_line_of_a_real_registry_is_ours_on_the_nine_keys() -> None:
    packages = real_lines()
    assert len(packages) == 1_708
    for (org, name), real in packages.items():
        ours = lines(survey_of(org, name, real))
        assert [list(line)[: len(NINE_KEYS)] for line in ours] == [NINE_KEYS] * len(real)
        assert [{key: line[key] for key in NINE_KEYS} for line in ours] == real
