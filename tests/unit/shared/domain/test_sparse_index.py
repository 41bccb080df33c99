"""Lines of the index: what they say, in which order, and that they are those of a real registry."""

import json
from collections import defaultdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.packages import Dependency, Head, ReleaseEntry, Survey
from shared.domain.sparse_index import index_config, index_file
from tests.paths import central_index
from tests.support.surveys import entry, newest_first, survey

NINE_KEYS = [
    "org",
    "name",
    "version",
    "platform",
    "ballerina_version",
    "is_deprecated",
    "deprecation_message",
    "modules",
    "dependencies",
]
MORE_KEYS = ["checksum", "size", "created", "tool_id", "visibility", "schema"]


def lines(of: Survey) -> list[dict[str, Any]]:
    """Read the lines of a package's file."""
    return [json.loads(line) for line in index_file(of).splitlines()]


def test_a_release_without_a_tool_has_no_tool_id() -> None:
    [line] = lines(survey("1.0.0"))
    assert list(line) == [*NINE_KEYS, *(key for key in MORE_KEYS if key != "tool_id")]


def test_lines_are_in_the_order_of_publication_and_then_of_versions() -> None:
    of = survey("1.0.0", "2.0.0", "1.0.0-rc.1", entry("0.9.0").model_copy(update={"created_ms": 9}))
    assert [line["version"] for line in lines(of)] == ["1.0.0-rc.1", "1.0.0", "2.0.0", "0.9.0"]


@given(message=st.text(max_size=80))
def test_a_message_never_ends_a_line(message: str) -> None:
    content = index_file(survey(entry("1.0.0", deprecation=message)))
    assert len(content.decode().splitlines()) == 1
    assert json.loads(content)["deprecation_message"] == message


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
    packages: defaultdict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in central_index():
        packages[line["org"], line["name"]].append(line)
    assert len(packages) == 1_708
    for (org, name), real in packages.items():
        ours = lines(survey_of(org, name, real))
        assert [list(line)[: len(NINE_KEYS)] for line in ours] == [NINE_KEYS] * len(real)
        assert [{key: line[key] for key in NINE_KEYS} for line in ours] == real


def test_the_configuration_names_the_registry() -> None:
    dl = "https://b.example/2.0/maven/{org}/{name}/{version}/{name}-{version}.bala"
    known = {"version": 1, "dl": dl, "api": "https://b.example/2.0/registry"}
    assert json.loads(index_config("https://b.example")) == known | {"auth-required": False}
