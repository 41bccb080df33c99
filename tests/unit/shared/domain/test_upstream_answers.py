"""What is read of the answers of an upstream, which may send anything."""

import json
from typing import Any

import pytest

from shared.domain.build_resolution import ModuleRequest, PackageRequest
from shared.domain.coordinates import Package
from shared.domain.listings import Listing
from shared.domain.packages import UpstreamOrigin
from shared.domain.upstream_answers import (
    MAX_VALUES,
    read_modules,
    read_object,
    read_package,
    read_resolutions,
    read_versions,
)
from shared.domain.versions import Range, Version

IO = Package.parse("ballerina", "io")
DIGEST = "sha-256=" + "a" * 64


def described(wanted: Version | Range = Version.parse("1.0.0"), **fields: Any) -> Listing:  # noqa: B008
    """Return what is read of a description with these fields."""
    whole = {"organization": "ballerina", "name": "io", "version": "1.0.0", "digest": DIGEST}
    body = json.dumps(whole | fields).encode()
    return read_package(body, IO, wanted, UpstreamOrigin(name="central", first_seen_ms=5))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b'{"a":1,"a":2}'])
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_object(body)


def test_an_answer_with_too_many_values_is_not_parsed() -> None:
    with pytest.raises(ValueError, match="too many values"):
        read_versions(b"[" + b"1," * MAX_VALUES + b"1]")
    with pytest.raises(ValueError, match="no list of versions"):
        read_versions(b"{}")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"organization": "other"}, "it describes other/io"),
        ({"version": "1.0.1"}, "it describes"),
        ({"version": 7}, "it describes"),
        ({"digest": ""}, "no digest"),
        ({"digest": "sha-256=xyz"}, "no digest"),
    ],
)
def test_a_description_of_something_else_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        described(**fields)
    with pytest.raises(ValueError, match="it describes"):
        described(Range.parse("2.*"))
    assert described(Range.parse("1.*")).release.coordinate.version.text == "1.0.0"


def test_a_description_keeps_what_fits_and_leaves_the_rest_out() -> None:
    found = described(
        summary="two\nlines",
        readme="# Long\n" * 2_000,
        keywords=["a", 7, "x" * 5_000],
        licenses="MIT",
        modules=[{"name": "io", "readme": "text"}, {"name": ""}, "x"],
        platform="../..",
        createdDate="yesterday",
        graalvmCompatible="Perhaps",
        balToolId="hammer",
        isDeprecated=True,
        deprecateMessage="old",
    )
    release = found.release
    texts = found.texts
    assert str(found.release.coordinate) == "ballerina/io:1.0.0"
    assert (release.summary, release.keywords, release.licenses) == ("two lines", ("a",), ())
    assert (release.modules, release.platform, release.created_ms) == (("io",), "any", 0)
    assert (release.tools, release.deprecation, release.size_bytes) == (("hammer",), "old", 0)
    assert len(texts.readme) == 14_000
    assert texts.modules[0].readme == "text"


@pytest.mark.parametrize(("value", "found"), [(True, True), ("true", False), (1, False)])
def test_only_a_package_whose_description_says_so_is_a_template(
    value: object, *, found: bool
) -> None:
    assert described(template=value).release.template is found


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="the list modules has 101 entries"):
        described(modules=[{"name": "io"}] * 101)


def node(name: str = "io", version: str = "1.0.0", **more: object) -> dict[str, object]:
    return {"org": "ballerina", "name": name, "version": version, **more}


def resolved(requests: list[PackageRequest], **answer: object) -> list[str | None]:
    found = read_resolutions(json.dumps(answer).encode(), requests)
    return [each and each.version.text for each in found]


def test_each_request_gets_its_own_choice() -> None:
    requests = [
        PackageRequest.of("ballerina", "io", version) for version in ("9.0.0", "1.0.0", "2.0.0")
    ]
    choices = [node(version="1.5.0", dependencyGraph=[]), node(version="2.5.0", dependencyGraph=[])]
    unresolved = [node(version="9.0.0")]
    found = resolved(requests, resolved=choices, unresolved=unresolved)
    assert found == [None, "1.5.0", "2.5.0"]


@pytest.mark.parametrize(
    "choice",
    [
        node(version="1.0"),
        node(dependencyGraph=[node("../x")]),
        node(dependencyGraph=[node(dependencies=[node(version="x")])]),
    ],
)
def test_a_choice_that_breaks_the_rules_is_none(choice: dict[str, object]) -> None:
    assert resolved([PackageRequest.of("ballerina", "io")], resolved=[choice]) == [None]


def test_a_graph_is_kept_with_its_dependencies() -> None:
    graph = [node(dependencies=[node("url")]), node("url")]
    body = json.dumps({"resolved": [node(dependencyGraph=graph, isDeprecated=True)]}).encode()
    [found] = read_resolutions(body, [PackageRequest.of("Ballerina", "io")])
    assert found is not None
    assert json.loads(found.graph)[0]["dependencies"] == [node("url")]
    assert found.deprecation == ""


def test_modules_are_found_by_their_names() -> None:
    items = [
        {"organization": "a", "moduleName": "b.c", "packageName": "b", "version": "1.0.0"},
        {"organization": "a", "moduleName": "d", "packageName": "../d", "version": "1.0.0"},
        {"organization": "a", "moduleName": "e", "packageName": "e", "version": "one"},
    ]
    requests = [ModuleRequest.of("A", name) for name in ("b.c", "d", "e", "f")]
    found = read_modules(json.dumps({"resolvedModules": items}).encode(), requests)
    assert [each and (each.package, each.version.text) for each in found] == [
        ("b", "1.0.0"),
        None,
        None,
        None,
    ]
