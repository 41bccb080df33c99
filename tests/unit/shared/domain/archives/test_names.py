"""What an archive is called at rest, and which names of entries are safe to unpack everywhere."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.adapters.blob.client import archive_blob, archive_blobs, digest_of_blob
from shared.domain.archives.names import (
    Digest,
    archive_file_name,
    canonical_file_name,
    decode_name,
    gives_platform,
    go_platform,
    java_platform,
    refuse_duplicates,
    refuse_invisible,
    refuse_unportable,
)
from shared.domain.coordinates import Coordinate
from shared.domain.errors.base import InvalidDigest
from tests.contract.sample_records import DIGEST, NAME, release
from tests.support.java_programs import run_java
from tests.support.refusals import raises_refusal


def test_its_blob_is_named_by_its_digest_first() -> None:
    assert archive_blob(NAME) == f"{DIGEST}/1.0.0/acme-greet-any-1.0.0.bala"
    assert archive_blob(NAME).startswith(archive_blobs(DIGEST))
    assert digest_of_blob(archive_blob(NAME)) == DIGEST


def test_the_longest_name_fits_into_a_blobs() -> None:
    org = "a" * 100
    version = "1.0.0-" + "b" * 122
    longest = release(f"{org}/{'c' * 100}:{version}", platform="java21").archive
    assert len(archive_blob(longest)) <= 1024  # Characters, the limit of the service.


numbers = st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 2**240))


@given(numbers)
def test_both_headers_are_read_as_the_same_digest(number: int) -> None:
    digest = Digest.parse(f"{number:X}")
    assert str(digest) == digest.hex == f"{number:064x}"
    assert Digest.parse(str(digest)) == digest
    assert digest.header() == f"sha-256={number:064x}"
    assert digest.header_without_leading_zeros() == f"sha-256={number:x}"
    assert Digest.parse_header(digest.header()) == digest
    assert Digest.parse_header(digest.header_without_leading_zeros()) == digest


def test_a_header_is_read_in_any_case_and_with_spaces_around_the_digits() -> None:
    assert Digest.parse_header("SHA-256= 0aBc ") == Digest.parse("abc")


@pytest.mark.parametrize("text", ["", "g", "0x1", "-1", " 1", "1\n", "٣", "a" * 65, "é"])
def test_a_number_that_has_not_64_digits_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest, match="is not a digest"):
        Digest.parse(text)


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


@pytest.mark.parametrize(
    "name",
    ["a", "a/", "a/b", "a b/c.d", ".bal", "a..b", "modules/greet/greet.bal", "a/...", "café.md"],
)
def test_a_name_that_stays_in_its_folder_is_taken_as_it_is(name: str) -> None:
    assert decode_name(name.encode()) == name
    assert decode_name(b"x" * 4096) == "x" * 4096


# What tests/security refuses is not repeated here.
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("é" * 2049, "does not have 1 to 4,096 bytes"),
        ("z:", "is an absolute path"),
        ("a\x7f", "has a control character"),
        ("a\x9f", "has a control character"),
        (".", "has a part that is empty, . or .., and could leave its folder"),
        ("a//", "has a part that is empty, . or .., and could leave its folder"),
    ],
)
def test_any_other_name_is_refused_for_its_reason(name: str, reason: str) -> None:
    with raises_refusal("unsafe-name") as refused:
        decode_name(name.encode())
    assert str(refused.value).endswith(f" {reason}. Rename it and pack again.")


@pytest.mark.parametrize(
    "name", ["console", "com", "com10", "nul_", "a.con", "longnames~1", "a/b.c d", "co~x"]
)
def test_a_name_that_windows_reads_as_it_is_written_is_portable(name: str) -> None:
    refuse_unportable([name])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a /b", "ends in a dot or a space"),
        ("Com9 .x/b", "the part Com9 .x, which is a device"),
        ("lpt³", "the part lpt³, which is a device"),
        ("conout$", "the part conout$, which is a device"),
        ("ab~12", "the part ab~12, which has the form of a short name"),
    ],
)
def test_a_name_that_windows_reads_in_another_way_is_refused(name: str, words: str) -> None:
    with raises_refusal("unsafe-name", match="The entry name ") as refused:
        refuse_unportable(["fine", name])
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "docs/日本語.md",
        "docs/مرحبا.md",
        "Screenshot at 1.00\u202fPM.png",  # The narrow space that macOS writes.
        "a\u3000b",
        "docs/👩🏽\u200d💻.md",
        "docs/❤\ufe0f\u200d🔥.md",
        "docs/🏳\ufe0f\u200d🌈/\u2139\ufe0f/1\ufe0f\u20e3.md",
        "docs/ශ්\u200dරී.md",  # Sri, which has a joiner in Sinhala.
        "docs/क्\u200cष.md",
    ],
)
def test_a_name_that_is_read_as_it_is_written_is_accepted(name: str) -> None:
    refuse_invisible([name])


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("\u2066a", "2066"),
        ("a\u200e", "200E"),
        ("a\u061cb", "061C"),
        ("ab\u200cc", "200C"),
        ("\ufeffREADME.md", "FEFF"),
        ("a\u2060b", "2060"),
        ("a\u2028b", "2028"),
        ("a\u034fb", "034F"),
        ("a\ufe0fb", "FE0F"),
        ("1\ufe0f", "FE0F"),
        ("a\u3164", "3164"),
        ("a\u2800", "2800"),
        ("a\U000e0041b", "E0041"),
        ("é👩\u200d", "200D"),
        ("❤\ufe0f\ufe0f", "FE0F"),
        ("ක්\u200d\u200d", "200D"),
        ("so\u00adft", "00AD"),
    ],
)
def test_a_name_with_an_invisible_character_is_refused_by_its_escapes(
    name: str, number: str
) -> None:
    with raises_refusal("unsafe-name") as refused:
        refuse_invisible(["fine", name])
    assert name not in str(refused.value)
    assert f" has U+{number}, which is invisible" in str(refused.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("a", "a/"),
        ("STRASSE", "straße"),
        ("é", "É"),
        ("K", "\u212a"),  # The sign of Kelvin is a K where case is folded.
    ],
)
def test_two_names_of_one_file_are_refused(one: str, other: str) -> None:
    for names in ([one, "b", other], [other, "b", one]):
        first, _, second = names
        with raises_refusal("duplicate-entry", match=f"{first} .*{second}"):
            refuse_duplicates(names)


def test_names_with_the_same_prefix_are_different_files() -> None:
    refuse_duplicates(["a/", "a/b", "a/c", "ab", "a.b", "a b", "b/a", "b/ab", "c", "cXXd"])
