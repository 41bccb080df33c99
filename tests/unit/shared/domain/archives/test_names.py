"""What an archive is called at rest, and in the answer to a pull."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.adapters.blob.client import archive_blob, archive_blobs, digest_of_blob
from shared.domain.archives.names import (
    archive_file_name,
    canonical_file_name,
    gives_platform,
    go_platform,
    java_platform,
)
from shared.domain.coordinates import Coordinate
from tests.contract.sample_records import DIGEST, NAME, release
from tests.support.java_programs import run_java


def test_its_blob_is_named_by_its_digest_first() -> None:
    assert archive_blob(NAME) == f"{DIGEST}/1.0.0/acme-greet-any-1.0.0.bala"
    assert archive_blob(NAME).startswith(archive_blobs(DIGEST))
    assert digest_of_blob(archive_blob(NAME)) == DIGEST


def test_the_longest_name_fits_into_a_blobs() -> None:
    org = "a" * 100
    version = "1.0.0-" + "b" * 122
    longest = release(f"{org}/{'c' * 100}:{version}", platform="java21").archive
    assert len(archive_blob(longest)) <= 1024  # Characters, the limit of the service.


# Packages whose canonical names clients misread.
TRAPS = ["foo/foo:1.0.0", "acme/any:1.0.0", "acme/alpha:1.0.0-alpha-1", "xa_b/a.b:1.0.0"]

WORDS = st.sampled_from(["a", "b", "x", "any", "foo", "java21", "go1", "bala", "a_b", "alpha"])
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(".".join)
PLATFORMS = st.sampled_from(["any", "java11", "java21", "go1.26"])
TAILS = st.lists(
    st.sampled_from(["alpha", "any", "1", "x-any", "java21", "a-", "-", "alpha-1", "foo"]),
    max_size=2,
)
VERSIONS = st.builds(
    lambda numbers, tail: ".".join(map(str, numbers)) + ("-" + ".".join(tail) if tail else ""),
    st.tuples(*[st.sampled_from([0, 1, 21, 26])] * 3),
    TAILS,
)
COORDINATES = st.builds(Coordinate.parse, WORDS, NAMES, VERSIONS)


def parsed(text: str) -> Coordinate:
    """Return the coordinate that `org/name:version` spells."""
    package, _, version = text.partition(":")
    org, _, name = package.partition("/")
    return Coordinate.parse(org, name, version)


@given(COORDINATES, PLATFORMS)
@example(parsed("foo/foo:1.0.0"), "any")
@example(parsed("acme/any:1.0.0"), "any")
def test_both_clients_find_the_platform_in_every_name(
    coordinate: Coordinate, platform: str
) -> None:
    assert gives_platform(archive_file_name(coordinate, platform), coordinate, platform)


@pytest.mark.parametrize(
    ("file_name", "name", "version", "java", "go"),
    [
        ("acme-greet-any-1.0.0.bala", "greet", "1.0.0", "any", "any"),
        ("foo-foo-any-1.0.0.bala", "foo", "1.0.0", "", "foo-any"),
        ("xa_b-a.b-any-1.0.0.bala", "a.b", "1.0.0", "", "any"),
        ("greet.bala", "greet", "1.0.0", None, None),
        ("greet-", "greet", "1.0.0", None, ""),
        ("greet--1.0.0", "greet", "1.0.0", None, ""),
        ("greet-any", "greet", "1.0.0", "any", "any"),
        ("greet-any-1.0.0", "greet", "1.0.0", "any", "any"),
    ],
)
def test_the_clients_differ_in_how_they_cut(
    file_name: str, name: str, version: str, java: str | None, go: str | None
) -> None:
    assert java_platform(file_name, name, version) == java
    assert go_platform(file_name, name, version) == go


def test_our_reading_of_a_file_name_is_that_of_java() -> None:
    asked: list[tuple[str, str, str]] = []

    @given(COORDINATES, PLATFORMS)
    def collect(coordinate: Coordinate, platform: str) -> None:
        name = coordinate.package.name
        version = coordinate.version.text
        shorter = f"{name}-{platform}-{version}.bala"
        forms = (canonical_file_name(coordinate, platform), shorter, f"{name}-{platform}")
        asked.extend((form, name, version) for form in forms)

    collect()
    for trap in map(parsed, TRAPS):
        asked.append((archive_file_name(trap, "any"), trap.package.name, trap.version.text))
    asked.extend([("greet.bala", "greet", "1"), ("greet-", "greet", "1"), ("g--1", "g", "1")])
    answers = run_java("Platforms.java", lines=["\t".join(each) for each in asked])
    ours = [java_platform(*each) for each in asked]
    assert answers == ["nothing" if each is None else f"found {each}" for each in ours]
